"""The agent as a service: what it tells systemd."""

import os
import signal
import socket

import agent as ag
import pytest

PROGRAMS = [p for p in (os.environ.get('PACKETD_PLAIN'), ag.observe.PACKETD) if p and os.access(p, os.X_OK)]


class Manager:
    """The receiving end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(30)

    def heard(self, *wanted):
        """The next words but for the watchdog's."""
        for word in wanted:
            while True:
                said = self.socket.recv(4096).decode()
                if said != 'WATCHDOG=1' or word == 'WATCHDOG=1':
                    break
            assert said.split('\n')[0] == word, said

    def silent(self):
        self.socket.setblocking(False)
        try:
            return self.socket.recv(4096) == b'WATCHDOG=1' and self.silent()
        except BlockingIOError:
            return True


@pytest.mark.parametrize('program', PROGRAMS)
@pytest.mark.parametrize('abstract', [False, True])
def test_notify(loopback, tmp_path, monkeypatch, program, abstract):
    path = '\0packetd-test-%d' % os.getpid() if abstract else str(tmp_path / 'notify')
    manager = Manager(path)
    # Abstract names belong to a network namespace: that is the place to test it.
    monkeypatch.setenv('NOTIFY_SOCKET', path.replace('\0', '@'))
    monkeypatch.setenv('WATCHDOG_USEC', '2000000')
    namespace = None if abstract else loopback.namespace
    config = 'sniffer: {ifaces: lo}\nserver: {address: "127.0.0.1:9391"}\n'
    with ag.Agent(config, namespace=namespace, port=9391, program=program) as a:
        manager.heard('READY=1', 'WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1')
        a.child.send_signal(signal.SIGHUP)
        manager.heard('RELOADING=1', 'READY=1')
        a.configure('nonsense: true\n')
        assert a.reload()[0] == 400
        manager.heard('RELOADING=1', 'READY=1')
        a.configure(config)
        assert a.stop() and manager.heard('STOPPING=1') is None
        assert manager.silent()


def test_watchdog_of_another_process(loopback, tmp_path, monkeypatch):
    manager = Manager(str(tmp_path / 'notify'))
    monkeypatch.setenv('NOTIFY_SOCKET', str(tmp_path / 'notify'))
    monkeypatch.setenv('WATCHDOG_USEC', '200000')
    monkeypatch.setenv('WATCHDOG_PID', '1')
    with ag.Agent('server: {address: "127.0.0.1:9391"}', namespace=loopback.namespace, port=9391) as a:
        a.until(lambda: a.total('packetd_uptime', '/metrics') > 2, 'some seconds')
        a.stop()
    manager.heard('READY=1', 'STOPPING=1')
    assert manager.silent()


@pytest.mark.parametrize('path', ['', 'relative', '/nobody/listens/here', '@' + 'x' * 200])
def test_nobody_to_notify(loopback, monkeypatch, path):
    monkeypatch.setenv('NOTIFY_SOCKET', path)
    with ag.Agent('server: {address: "127.0.0.1:9391"}', namespace=loopback.namespace, port=9391) as a:
        a.stop()

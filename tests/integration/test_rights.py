"""What the program may still do once it captures, and who may run it."""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile

import clients as c
import live
import pytest

PLAIN = os.environ.get('PACKETD_PLAIN', os.path.join(live.observe.ROOT, 'build-clang', 'packetd'))  # without sanitizers, which need more system calls
plain = pytest.mark.skipif(not os.access(PLAIN, os.X_OK), reason='no build without sanitizers: set PACKETD_PLAIN')


def ask(place, n=20):
    log = c.Log()
    with c.inside(place.namespace):
        c.dns_udp(log, place.unbound, [('n%d.test' % i, 'A') for i in range(n)])
    return log


def of_all_threads(pid):
    for task in os.listdir('/proc/%d/task' % pid):
        with open('/proc/%d/task/%s/status' % (pid, task), encoding='utf8') as f:
            yield dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)


@plain
@pytest.mark.parametrize('engine, workers', [('afpacket', 1), ('afpacket', 2), ('libpcap', 1)])
@pytest.mark.parametrize('ifaces, keeps', [('any', 0), ('lo', live.NET_RAW)])
def test_all_rights_are_gone(loopback, engine, workers, ifaces, keeps):
    """In every thread: no capability but the one that new interfaces need, another user, no new rights, a system call filter."""
    with live.Live('--engine', engine, '--workers', workers, namespace=loopback.namespace, ifaces=ifaces, program=PLAIN) as w:
        log = ask(loopback)
        w.reported(len(log.exchanges))
        threads = list(of_all_threads(w.child.pid))
        assert len(threads) >= 2 + workers - 1
        for t in threads:
            assert [int(t[k], 16) for k in ('CapEff', 'CapPrm', 'CapInh', 'CapAmb')] == [keeps, keeps, 0, 0]
            assert t['NoNewPrivs'] == '1' and t['Seccomp'] == '2'
            assert 0 not in map(int, t['Uid'].split()) and 0 not in map(int, t['Gid'].split())
            assert '0' not in t.get('Groups', '').split()
        run = w.stop()
    live.clients_log(run, log)


@plain
def test_as_the_user_who_called_sudo(loopback):
    who = pwd.getpwnam('daemon')
    with live.Live(namespace=loopback.namespace, program=PLAIN, prefix=['env', 'SUDO_UID=%d' % who.pw_uid, 'SUDO_GID=%d' % who.pw_gid]) as w:
        assert set(w.status('Uid').split()) == {str(who.pw_uid)}
        assert set(w.status('Gid').split()) == {str(who.pw_gid)}
        log = ask(loopback)
        run = w.stop()
    live.clients_log(run, log)


@pytest.fixture
def public():
    """A copy of the program that everybody may run."""
    with tempfile.TemporaryDirectory(prefix='packetd-public-') as d:
        os.chmod(d, 0o755)
        path = os.path.join(d, 'packetd')
        shutil.copy(PLAIN, path)
        os.chmod(path, stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        yield path


def without_root():
    return ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=+all']


@plain
@pytest.mark.skipif(not shutil.which('setcap'), reason='setcap is not installed')
@pytest.mark.parametrize('ifaces', ['any', 'lo'])
def test_setcap_is_enough(loopback, public, ifaces):
    """The line the program itself recommends, without root."""
    said = subprocess.run([*without_root(), public, 'watch'], capture_output=True, text=True, check=False)
    assert said.returncode == 1
    line, = (line.strip() for line in said.stderr.splitlines() if 'setcap' in line)
    assert line == 'sudo setcap cap_net_raw,cap_net_admin+ep ' + public
    if subprocess.run(line.split()[1:], check=False, capture_output=True).returncode:
        pytest.skip('the file system of %s has no capabilities' % public)
    with live.Live(namespace=loopback.namespace, ifaces=ifaces, program=public, prefix=without_root()) as w:
        assert w.status('Uid').split()[0] == '65534'
        log = ask(loopback)
        run = w.stop()
    live.clients_log(run, log)

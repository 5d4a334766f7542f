"""Real servers and their real clients, in network namespaces that nobody else uses; as root."""

import os
import shutil
import types

import pytest
import servers as s

NEEDED = ('nginx', 'redis-server', 'redis-cli', 'redis-benchmark', 'unbound', 'curl', 'ab', 'dig', 'ip', 'ss')


def pytest_collection_modifyitems(items):
    why = None if os.geteuid() == 0 else 'live capture needs root'
    absent = [p for p in NEEDED if not shutil.which(p)]
    if absent:
        why = 'not installed: ' + ', '.join(absent)
    here = os.path.dirname(os.path.abspath(__file__))
    for item in items:
        if why and str(item.path).startswith(here):
            item.add_marker(pytest.mark.skip(reason=why))


def start_servers(stack_close, address, namespace, ports, ipv6=True):
    also = ('::1',) if ipv6 else ()
    place = types.SimpleNamespace(namespace=namespace, address=address)
    for name, kind, more in (('nginx', s.Nginx, {'access_log': True}), ('redis', s.Redis, {}), ('unbound', s.Unbound, {})):
        server = kind(address, ports[name], namespace, extra_listen=also, **more)
        stack_close.append(server.close)
        setattr(place, name, server)
    return place


@pytest.fixture(scope='session')
def bridged():
    """Client, server and host in namespaces of their own; the three servers on the server's."""
    closing = []
    try:
        net = s.Bridged()
        closing.append(net.close)
        place = start_servers(closing, net.SERVER, net.server, {'nginx': 8081, 'redis': 7000, 'unbound': 5300}, ipv6=False)
        place.net = net
        yield place
    finally:
        for close in reversed(closing):
            close()


@pytest.fixture(scope='session')
def loopback():
    """A namespace with a loopback and the three servers on their usual ports, on 127.0.0.1 and ::1."""
    closing = []
    try:
        net = s.Loopback()
        closing.append(net.close)
        place = start_servers(closing, '127.0.0.1', net.name, {'nginx': 80, 'redis': 6379, 'unbound': 53})
        place.net = net
        yield place
    finally:
        for close in reversed(closing):
            close()

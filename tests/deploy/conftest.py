"""One network namespace with servers, an agent that watches them, Prometheus that asks the agent, and VictoriaMetrics that is sent to."""

import os
import shutil
import time
import types

import agent as ag
import pytest
import servers as s
from shipped import CONFIG, NEEDED, prometheus_config, query, start, traffic


@pytest.fixture(scope='session')
def stack(tmp_path_factory):
    absent = [p for p in NEEDED if not shutil.which(p)]
    if os.geteuid() or absent:
        pytest.skip('not installed: %s' % ', '.join(absent) if absent else 'live capture needs root')
    folder = str(tmp_path_factory.mktemp('stack'))
    place = types.SimpleNamespace(closing=[])
    try:
        net = s.Loopback('pdd%d' % (os.getpid() % 100000))
        place.closing.append(net.close)
        place.namespace = net.name
        for kind, port in ((s.Nginx, 80), (s.Redis, 6379), (s.Unbound, 53)):
            place.closing.append(kind('127.0.0.1', port, net.name).close)
        start(place, ['victoria-metrics', '-storageDataPath=vm', '-httpListenAddr=127.0.0.1:8428', '-search.latencyOffset=0s'], folder, 'http://127.0.0.1:8428/health')
        place.agent = ag.Agent(CONFIG, namespace=net.name)
        place.closing.append(place.agent.kill)
        start(place, ['prometheus', '--config.file=' + prometheus_config(folder), '--storage.tsdb.path=prom', '--web.listen-address=127.0.0.1:9090'], folder, 'http://127.0.0.1:9090/-/ready')
        # it looks for its targets some seconds after it is ready; rates need samples from before the traffic ends
        s.wait_for(lambda: query(place, 9090, 'min(up) == 1'), 'the first look of Prometheus', 60)
        for _ in range(4):
            traffic(place)
            time.sleep(1.5)
        s.wait_for(lambda: query(place, 9090, 'sum(http_outcomes_total) >= 340'), 'samples in Prometheus', 60)
        s.wait_for(lambda: query(place, 8428, 'sum(http_outcomes_total) >= 340'), 'samples in VictoriaMetrics', 60)
        yield place
    finally:
        for close in reversed(place.closing):
            close()

"""Load generator, agent, real stores: what can be asked back from the store is what the load generator sent, by number and by sum, whatever
has happened to the store, the way to it, or the agent meanwhile."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import urllib.parse

import agent as ag
import pytest
import servers as s

PROXY = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib', 'moody_proxy.py')
CONFIG = '''
sniffer:
  ifaces: lo
  ringSize: 32MiB
  protocols: {rules: [{protocol: http, ports: [80]}]}
controller: {layer4Metrics: {enabled: false}}
processor: [{name: roundtripstometrics, config: {http: {requireLabels: [request.path, response.status_code]}}}]
pipeline: [{name: all, processors: [roundtripstometrics]}]
exporter:
  metrics: {enabled: true, endpoint: "http://127.0.0.1:PROXY/api/v1/write", interval: 1s, timeout: 5s, spool: {directory: SPOOL}}
'''


class Store:
    """A real store in the namespace, which can be ended and started again with its data."""

    def __init__(self, kind, place, folder, port):
        self.kind, self.place, self.folder, self.port, self.child = kind, place, folder, port, None
        with open(os.path.join(folder, 'empty.yaml'), 'w', encoding='utf8') as f:
            f.write('scrape_configs: []\n')
        self.start()

    def start(self):
        command = {'prometheus': ['prometheus', '--config.file=empty.yaml', '--storage.tsdb.path=prom', '--web.enable-remote-write-receiver', '--web.listen-address=127.0.0.1:%d' % self.port],
                   'victoria-metrics': ['victoria-metrics', '-storageDataPath=vm', '-search.latencyOffset=0s', '-httpListenAddr=127.0.0.1:%d' % self.port]}[self.kind]
        with open(os.path.join(self.folder, 'store.log'), 'ab') as log:
            self.child = subprocess.Popen(['ip', 'netns', 'exec', self.place.namespace, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        ready = '/-/ready' if self.kind == 'prometheus' else '/health'
        s.wait_for(lambda: self.get(ready) is not None, self.kind, 60)

    def end(self):
        """Prometheus has in its log what it has acknowledged; VictoriaMetrics keeps some seconds in memory, so it is asked to end."""
        self.child.send_signal(signal.SIGKILL if self.kind == 'prometheus' else signal.SIGINT)
        self.child.wait(60)

    def get(self, path, **parameters):
        done = subprocess.run(['ip', 'netns', 'exec', self.place.namespace, 'curl', '-sfg', '--max-time', '20', 'http://127.0.0.1:%d%s?%s' % (self.port, path, urllib.parse.urlencode(parameters))],
                              capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else None

    def increase(self, selector):
        """All that was counted, over restarts of the counting program; from the samples themselves, since PromQL's increase() is an estimate."""
        text = self.get('/api/v1/query', query=selector + '[1h]')
        total = 0
        for series in json.loads(text)['data']['result'] if text else ():
            before = None
            for _, value in series['values']:
                value = float(value)
                if math.isnan(value):
                    continue
                if before is not None:
                    total += value - before if value >= before else value
                before = value
        return total

    def close(self):
        self.child.kill()
        self.child.wait()


class Way:
    """Load → agent → proxy → store, and the truth from the web server's log."""

    def __init__(self, place, kind, folder):
        self.place, self.folder, self.sent, self.bytes = place, str(folder), 0, 0
        self.store = Store(kind, place, self.folder, 19090)
        self.moods = os.path.join(self.folder, 'mood')
        self.mood('pass')
        self.proxy = subprocess.Popen(['ip', 'netns', 'exec', place.namespace, sys.executable, PROXY, '19091', '19090', self.moods])
        self.config = CONFIG.replace('PROXY', '19091').replace('SPOOL', os.path.join(self.folder, 'spool'))
        list(place.nginx.logged())
        self.agent = None
        self.begin()

    def begin(self):
        self.agent = ag.Agent(self.config, namespace=self.place.namespace)

    def mood(self, text):
        with open(self.moods + '.new', 'w', encoding='utf8') as f:
            f.write(text)
        os.rename(self.moods + '.new', self.moods)

    def answers(self, what):
        try:
            with open(self.moods + '.counts', encoding='utf8') as f:
                return json.load(f).get(what, 0)
        except FileNotFoundError:
            return 0

    def load(self, n, path):
        before = self.agent.total('http_outcomes_total')
        subprocess.run(['ip', 'netns', 'exec', self.place.namespace, 'ab', '-q', '-k', '-n', str(n), '-c', '4', 'http://127.0.0.1' + path], capture_output=True, timeout=60, check=True)
        found = []
        s.wait_for(lambda: found.extend(self.place.nginx.logged()) or len(found) >= n, 'the log of the web server', 30)
        self.sent += len(found)
        self.bytes += sum(e[4] for e in found)
        self.agent.until(lambda: self.agent.total('http_outcomes_total') == before + n, 'all exchanges seen')

    def until_refused(self, what, n=2):
        seen = self.answers(what)
        s.wait_for(lambda: self.answers(what) >= seen + n, 'answers ' + what, 60)

    def until_counted(self):
        """A picture of the metrics has been taken since now."""
        before = self.offered()
        self.agent.until(lambda: self.offered() > before, 'a picture')
        before = self.offered()
        self.agent.until(lambda: self.offered() > before, 'another one')

    def offered(self):
        return self.agent.total('packetd_exporter_offered_total', '/metrics', exporter='metrics')

    def check(self, what):
        numbers = {}

        def arrived():
            numbers.update(n=self.store.increase('http_outcomes_total'), bytes=self.store.increase('http_response_body_bytes_sum'), times=self.store.increase('http_request_duration_seconds_count'))
            return (numbers['n'], numbers['bytes'], numbers['times']) == (self.sent, self.bytes, self.sent)
        try:
            s.wait_for(arrived, what, 60)
        except RuntimeError:
            raise AssertionError('%s: sent %d (%d bytes), in the store %s\n%s' % (what, self.sent, self.bytes, numbers, self.agent.text('err')[-2000:] + self.agent.text('out')[-2000:])) from None

    def close(self):
        if self.agent:
            self.agent.kill()
        self.proxy.kill()
        self.proxy.wait()
        self.store.close()


@pytest.fixture(params=['prometheus', 'victoria-metrics'])
def way(request, loopback, tmp_path):
    if not shutil.which(request.param):
        pytest.skip(request.param + ' is not installed')
    w = Way(loopback, request.param, tmp_path)
    try:
        yield w
    finally:
        w.close()


def test_metrics_arrive(way):
    way.load(200, '/item/7')
    way.load(50, '/size/2000')
    way.load(20, '/nothing')
    way.check('a healthy store')

    for mood in ('500', '429', '503'):
        way.mood(mood)
        way.load(100, '/item/8')
        way.until_refused(mood)
        way.mood('pass')
        way.check('after answers ' + mood)

    way.mood('slow')
    way.load(100, '/size/100')
    way.check('a slow store')

    way.mood('lost')
    way.load(60, '/item/9')
    way.until_refused('lost', 1)
    way.mood('pass')
    way.check('answers that were lost: the same again, counted once')

    way.store.end()
    way.load(150, '/item/7')
    way.until_refused('502')
    way.store.start()
    way.check('the store was away')

    way.store.end()
    way.load(70, '/size/2000')
    way.agent.stop()
    way.begin()
    way.load(30, '/item/7')
    way.until_counted()
    way.store.start()
    way.check('the agent was started again while the store was away')

    way.store.end()
    way.load(90, '/size/100')
    way.until_counted()
    way.agent.child.kill()
    way.agent.child.wait()
    way.begin()
    way.load(40, '/size/2000')
    way.store.start()
    way.check('the agent was killed while the store was away')

    assert way.agent.total('packetd_exporter_dropped_total', '/metrics') == 0
    said = way.agent.stop()
    assert 'metrics: all ' in said and ' records delivered' in said

"""What is shipped in deploy/, and the stores it is loaded into."""

import json
import os
import shutil
import subprocess
import urllib.parse

import servers as s

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
DEPLOY = os.path.join(ROOT, 'deploy')
NEEDED = ('nginx', 'redis-server', 'redis-benchmark', 'redis-cli', 'unbound', 'ab', 'dig', 'curl', 'ip', 'prometheus', 'promtool', 'victoria-metrics')
CONFIG = '''
sniffer: {ifaces: lo, ringSize: 32MiB}
controller: {layer4Metrics: {enabled: true}}
metricsStorage: {histograms: [classic, vmrange]}
exporter:
  metrics: {enabled: true, endpoint: "http://127.0.0.1:8428/api/v1/write", interval: 1s, ownMetrics: true, externalLabels: {instance: "127.0.0.1:9091", job: packetd}}
  traces: {enabled: true, endpoint: "http://127.0.0.1:1/v1/traces", interval: 200ms, retryFor: 1s}
'''


def inside(place, *command, check=True):
    done = subprocess.run(['ip', 'netns', 'exec', place.namespace, *map(str, command)], capture_output=True, text=True, timeout=90, check=False)
    assert not check or done.returncode == 0, done.stderr[-1000:]
    return done.stdout


def ask(place, port, path, **parameters):
    text = inside(place, 'curl', '-s', '-g', '--max-time', 30, 'http://127.0.0.1:%d%s?%s' % (port, path, urllib.parse.urlencode(parameters)))
    try:
        return json.loads(text)
    except ValueError:
        raise AssertionError('%s %s: %s' % (path, parameters, text[:500])) from None


def query(place, port, expression, **more):
    """-> [{metric, value}]"""
    answer = ask(place, port, '/api/v1/query', query=expression, **more)
    assert answer['status'] == 'success', '%s: %s' % (expression, answer)
    return answer['data']['result']


def traffic(place):
    """A little of everything a dashboard has a panel for."""
    inside(place, 'ab', '-q', '-k', '-n', 60, '-c', 3, 'http://127.0.0.1/item/7')
    inside(place, 'ab', '-q', '-n', 20, '-c', 2, 'http://127.0.0.1/nothing/here')
    inside(place, 'ab', '-q', '-n', 5, '-c', 1, 'http://127.0.0.1/size/2000')
    inside(place, 'redis-benchmark', '-q', '-n', 60, '-c', 2, '-t', 'set,get')
    inside(place, 'redis-cli', 'set', 'text', 'x')
    inside(place, 'redis-cli', 'lpush', 'text', 'x', check=False)
    for name in ('n1.test', 'n2.test', 'no.such.name.test'):
        inside(place, 'dig', '+time=1', '+tries=1', '@127.0.0.1', name, check=False)
    inside(place, 'curl', '-s', '--max-time', '0.2', 'http://127.0.0.1/hang', check=False)
    inside(place, 'curl', '-s', '--max-time', '1', 'http://127.0.0.1:9/', check=False)


def start(place, command, folder, ready):
    log = open(os.path.join(folder, os.path.basename(command[0]) + '.log'), 'wb')
    child = subprocess.Popen(['ip', 'netns', 'exec', place.namespace, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    place.closing.append(lambda: (child.kill(), child.wait(), log.close()))
    s.wait_for(lambda: inside(place, 'curl', '-s', '--max-time', 2, '-o', '/dev/null', '-w', '%{http_code}', ready, check=False) == '200', command[0], 60)


def prometheus_config(folder):
    """What is shipped, with more haste."""
    shutil.copy(os.path.join(DEPLOY, 'prometheus', 'packetd.rules.yaml'), folder)
    with open(os.path.join(DEPLOY, 'prometheus', 'prometheus.yaml'), encoding='utf8') as f:
        text = f.read()
    assert 'scrape_interval: 15s' in text
    path = os.path.join(folder, 'prometheus.yaml')
    with open(path, 'w', encoding='utf8') as f:
        f.write(text.replace('scrape_interval: 15s', 'scrape_interval: 1s\n  evaluation_interval: 2s'))
    return path

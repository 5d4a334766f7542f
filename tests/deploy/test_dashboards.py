"""Every query of every dashboard, put to the store it is for, which has been filled by an agent that watched real traffic."""

import importlib.util
import json
import os
import re

import pytest
from shipped import DEPLOY, query

SPOKEN = ('http', 'dns', 'redis')


def module(path):
    spec = importlib.util.spec_from_file_location('generate', path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


GRAFANA = module(os.path.join(DEPLOY, 'grafana', 'generate.py'))
BOARDS = sorted(f for f in os.listdir(os.path.join(DEPLOY, 'grafana')) if f.endswith('.json'))
STORES = {'prometheus': 9090, 'victoriametrics': 8428}
# What a healthy agent and these servers have no reason to count.
QUIET = re.compile(r'packetd_series_overflow_total|packetd_cap_hits_total|(dns|redis)_outcomes_total\{[^}]*outcome!="answered"')


def load(name):
    with open(os.path.join(DEPLOY, 'grafana', name), encoding='utf8') as f:
        return json.load(f)


def expressions(board):
    """(panel, expression) with a value for each variable."""
    for panel in board['panels']:
        for target in panel.get('targets', ()):
            for protocol in SPOKEN if '${protocol}' in target['expr'] else ('',):
                text = target['expr'].replace('${protocol}', protocol).replace('$instance', '.*')
                text = text.replace('$__rate_interval', '1m').replace('$__range', '10m')
                assert '$' not in text, text
                yield panel, text


def has_reason_to_be_empty(expression):
    protocols = set(re.findall(r'\b(%s)_' % '|'.join(GRAFANA.PROTOCOLS), expression))
    return bool(protocols - set(SPOKEN)) or bool(QUIET.search(expression))


@pytest.mark.parametrize('name', BOARDS)
def test_queries(stack, name):
    board = load(name)
    port = STORES[name.rsplit('-', 1)[1][:-5]]
    empty, bad, answered = [], [], 0
    for panel, expression in expressions(board):
        found = query(stack, port, expression)
        answered += bool(found)
        if not found and not has_reason_to_be_empty(expression):
            empty.append('%s: %s' % (panel['title'], expression))
        if found and 'quantile' in expression and not any(0 <= float(r['value'][1]) < 60 for r in found):
            bad.append('%s: %s %s' % (panel['title'], expression, [r['value'] for r in found]))
        if panel['fieldConfig']['defaults']['unit'] == 'percentunit' and 'cpu' not in expression:
            bad += [expression for r in found if not 0 <= float(r['value'][1]) <= 1]
    assert not empty and not bad, '\n'.join(empty + bad)
    assert answered >= 25


def test_numbers(stack):
    """A dashboard's ways to the numbers agree with what the load generators sent, in both stores."""
    for port in STORES.values():
        assert float(query(stack, port, 'sum(http_outcomes_total)')[0]['value'][1]) >= 4 * 85
        assert float(query(stack, port, 'sum(http_errors_total{error_type="404"})')[0]['value'][1]) == 80
        assert float(query(stack, port, 'sum(redis_errors_total{error_type="WRONGTYPE"})')[0]['value'][1]) == 4
    classic = float(query(stack, 9090, 'histogram_quantile(0.9, sum by (le) (http_response_body_bytes_bucket))')[0]['value'][1])
    assert 0 < classic <= 10240


@pytest.mark.parametrize('name', BOARDS)
def test_as_generated(name):
    with open(os.path.join(DEPLOY, 'grafana', name), encoding='utf8') as f:
        assert f.read() == GRAFANA.text(GRAFANA.boards()[name]), 'run deploy/grafana/generate.py'


@pytest.mark.parametrize('name', BOARDS)
def test_form(name):
    """What Grafana needs to take a dashboard in."""
    board = load(name)
    assert board['uid'] and len(board['uid']) <= 40 and board['title'] and board['schemaVersion'] >= 36
    ids = [p['id'] for p in board['panels']]
    assert len(set(ids)) == len(ids)
    taken = set()
    for p in board['panels']:
        at = p['gridPos']
        cells = {(x, y) for x in range(at['x'], at['x'] + at['w']) for y in range(at['y'], at['y'] + at['h'])}
        assert at['x'] + at['w'] <= 24 and not cells & taken, p['title']
        taken |= cells
        refs = [t['refId'] for t in p.get('targets', ())]
        assert len(set(refs)) == len(refs) and (refs or p['type'] == 'row')
    named = {v['name'] for v in board['templating']['list']}
    used = set(re.findall(r'\$\{?(\w+)', ' '.join(t['expr'] for p in board['panels'] for t in p.get('targets', ()))))
    assert used - {'__rate_interval', '__range'} <= named
    assert len({b['uid'] for b in map(load, BOARDS)}) == len(BOARDS)


def test_protocol_variable(stack):
    """The names the variable finds are the protocols that were spoken."""
    variable = next(v for v in load('traffic-prometheus.json')['templating']['list'] if v['name'] == 'protocol')
    names = [r['metric']['__name__'] for r in query(stack, 9090, 'count by (__name__) ({__name__=~".+_outcomes_total"})')]
    pattern = re.compile(variable['regex'].strip('/'))
    assert {m[1] for m in map(pattern.match, names) if m} == set(SPOKEN)

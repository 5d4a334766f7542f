"""Alerts, saved objects, the service, the configurations and the README of deploy/, checked by the programs they are for."""

import json
import os
import re
import shutil
import subprocess

import agent as ag
import observe
import pytest
import recorded
import servers as s
import yaml
from backend import Backend
from bulkstore import Store
from shipped import DEPLOY, ROOT, query
from test_dashboards import QUIET, STORES, module

PROMETHEUS = os.path.join(DEPLOY, 'prometheus')
CONFIGS = sorted(os.listdir(os.path.join(DEPLOY, 'config')))
needs_promtool = pytest.mark.skipif(not shutil.which('promtool'), reason='promtool is not installed')


def run(*command, code=0, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, **more)
    assert done.returncode == code, '%s: %d\n%s' % (command, done.returncode, (done.stdout + done.stderr)[-3000:])
    return done.stdout + done.stderr


# --- alerts ---

@needs_promtool
def test_rules():
    assert 'SUCCESS' in run('promtool', 'check', 'rules', 'packetd.rules.yaml', cwd=PROMETHEUS)
    assert 'SUCCESS' in run('promtool', 'test', 'rules', 'packetd.rules.test.yaml', cwd=PROMETHEUS)
    run('promtool', 'check', 'config', 'prometheus.yaml', cwd=PROMETHEUS)


def rules():
    with open(os.path.join(PROMETHEUS, 'packetd.rules.yaml'), encoding='utf8') as f:
        return [r for g in yaml.safe_load(f)['groups'] for r in g['rules']]


def test_rules_are_tested():
    """Each alert fires in a test."""
    with open(os.path.join(PROMETHEUS, 'packetd.rules.test.yaml'), encoding='utf8') as f:
        text = f.read()
    for rule in rules():
        assert re.search(r'alertname(="|: )%s\b' % rule['alert'], text), rule['alert']


def test_alerts_ask_for_what_there_is(stack):
    """Each selector of each alert finds series; those with a threshold are not met by a healthy host."""
    for rule in rules():
        for selector in re.findall(r'\b[a-z]\w+(?:\{[^}]*\})?(?=[\[ )])', rule['expr']):
            name = selector.split('{')[0]
            if not re.search('_total|_bucket|^up|_ratio|_seconds', name) or name.endswith('_quantile'):
                continue
            bare = re.sub(r'(error_type|reason)(=~|=|!=)"[^"]*"', r'\1!=""', selector)
            assert query(stack, 9090, bare) or QUIET.search(name), '%s: %s' % (rule['alert'], selector)
    firing = {r['metric']['alertname'] for r in query(stack, 9090, 'ALERTS{alertstate="firing"}')}
    assert firing <= {'PacketdLosesRecords'}, 'the exporter of traces has nobody to send to here, and says so'
    s.wait_for(lambda: query(stack, 9090, 'ALERTS{alertstate="firing",alertname="PacketdLosesRecords",exporter="traces",reason="too_old"}'), 'the alert', 60)


# --- Kibana ---

KIBANA = module(os.path.join(DEPLOY, 'kibana', 'generate.py'))


def objects():
    with open(os.path.join(DEPLOY, 'kibana', 'packetd.ndjson'), encoding='utf8') as f:
        text = f.read()
    assert text == KIBANA.text(), 'run deploy/kibana/generate.py'
    return [json.loads(line) for line in text.splitlines()]


def flat(value, prefix=''):
    for k, v in value.items():
        yield prefix + k, v
        if isinstance(v, dict):
            yield from flat(v, prefix + k + '.')


@pytest.fixture(scope='module')
def documents(tmp_path_factory):
    """What the exporter sends, and the index template it makes."""
    folder, store = tmp_path_factory.mktemp('documents'), Store()
    with Backend(store) as b:
        (folder / 'packetd.yaml').write_text('server: {enabled: false}\nexporter: {elasticsearch: {enabled: true, endpoint: "%s"}}\n' % b.url)
        for name in recorded.NAMES:
            run(observe.PACKETD, 'agent', '--config', 'packetd.yaml', '--pcap-file', recorded.path(name), cwd=folder)
    return list(store.documents.values()), store.templates[0]


def test_saved_objects_hang_together():
    found = objects()
    there = {(o['type'], o['id']) for o in found}
    assert len(there) == len(found)
    for o in found:
        for r in o['references']:
            assert (r['type'], r['id']) in there, r
        named = {r['name'] for r in o['references']}
        for key, value in o['attributes'].items():
            if key.endswith('JSON') or key == 'visState':
                parsed = json.loads(value)
                for panel in parsed if key == 'panelsJSON' else ():
                    assert panel['panelRefName'] in named and panel['gridData']['x'] + panel['gridData']['w'] <= 48
        if o['type'] in ('search', 'visualization'):
            assert json.loads(o['attributes']['kibanaSavedObjectMeta']['searchSourceJSON'])['indexRefName'] in named
    assert found[-1]['type'] == 'dashboard', 'what refers comes after what is referred to'


def test_saved_objects_ask_for_what_there_is(documents):
    """Each field they use is in real documents, and the template maps it as what they need; the data view covers the index."""
    records, template = documents
    present = {}
    for r in records:
        present.update(flat(r))
    mapped = dict(flat(template['template']['mappings']['properties']))
    kinds = {name.replace('.properties', ''): m['type'] for name, m in mapped.items() if isinstance(m, dict) and isinstance(m.get('type'), str)}
    fields, words = set(), {}
    for o in objects():
        a = o['attributes']
        fields |= set(a.get('columns', ()))
        for agg in json.loads(a.get('visState', '{}')).get('aggs', ()):
            field = agg['params'].get('field')
            if field:
                fields.add(field)
                words[agg['type'], field] = True
        kuery = json.loads(a.get('kibanaSavedObjectMeta', {}).get('searchSourceJSON', '{}')).get('query', {}).get('query', '')
        fields |= set(re.findall(r'([\w.@]+)\s*(?::|>=)', kuery))
    assert len(fields) > 12
    for field in fields:
        assert field in present, field
    for kind, field in words:
        value, type_ = present[field], kinds.get(field, 'keyword' if isinstance(present[field], str) else 'long')
        if kind == 'terms':
            assert type_ in ('keyword', 'ip', 'long') and isinstance(value, (str, int)), (field, type_)
        if kind in ('percentiles', 'sum'):
            assert type_ in ('double', 'long') and isinstance(value, (int, float)), (field, type_)
        if kind == 'date_histogram':
            assert type_ in ('date', 'date_nanos')
    view = next(o for o in objects() if o['type'] == 'index-pattern')['attributes']
    assert kinds[view['timeFieldName']] == 'date_nanos'
    pattern = template['index_patterns'][0]
    assert re.fullmatch(view['title'].replace('.', r'\.').replace('*', '.*'), pattern), (view['title'], pattern)


# --- service, configurations, README ---

@pytest.mark.skipif(not shutil.which('systemd-analyze'), reason='systemd-analyze is not installed')
def test_service(tmp_path):
    with open(os.path.join(DEPLOY, 'systemd', 'packetd.service'), encoding='utf8') as f:
        text = f.read()
    assert text.count('/usr/local/bin/packetd') == 2
    (tmp_path / 'packetd.service').write_text(text.replace('/usr/local/bin/packetd', observe.PACKETD))
    assert run('systemd-analyze', 'verify', '--man=no', str(tmp_path / 'packetd.service')).strip() == ''
    said = run('systemd-analyze', 'security', '--offline=yes', '--no-pager', str(tmp_path / 'packetd.service'))
    assert float(re.search(r'exposure level for \S+: ([\d.]+)', said)[1]) < 3, said[-300:]


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which('setpriv'), reason='needs root and setpriv')
def test_rights_of_the_service(stack, tmp_path):
    """What the service leaves it, a user of its own with CAP_NET_RAW and nothing else, is enough."""
    with open(os.path.join(DEPLOY, 'systemd', 'packetd.service'), encoding='utf8') as f:
        caps = re.search(r'^AmbientCapabilities=(.*)$', f.read(), re.M)[1].split()
    assert caps == ['CAP_NET_RAW']
    os.chmod(tmp_path, 0o777)
    program = shutil.copy(observe.PACKETD, '/tmp/packetd-rights-%d' % os.getpid())
    (tmp_path / 'packetd.yaml').write_text('sniffer: {ifaces: any, protocols: {rules: [{protocol: http, ports: [80]}]}}\nserver: {address: "127.0.0.1:9191"}\n')
    for d in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        os.chmod(d, os.stat(d).st_mode | 0o755)
    # No namespace of its own: entering one needs more rights than the service has.
    command = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all,+net_raw', '--inh-caps=-all,+net_raw', '--ambient-caps=-all,+net_raw', '--no-new-privs',
               program, 'agent', '--config', str(tmp_path / 'packetd.yaml')]
    log = open(tmp_path / 'log', 'wb')
    child = subprocess.Popen(['ip', 'netns', 'exec', stack.namespace, *command], stdout=log, stderr=log, cwd=tmp_path, env=dict(os.environ, ASAN_OPTIONS='detect_leaks=0'))
    try:
        def count():
            out = subprocess.run(['ip', 'netns', 'exec', stack.namespace, 'curl', '-s', 'http://127.0.0.1:9191/protocol/metrics'], capture_output=True, text=True, check=False).stdout
            return sum(float(line.split()[-1]) for line in out.splitlines() if line.startswith('http_outcomes_total{'))
        s.wait_for(lambda: subprocess.run(['ip', 'netns', 'exec', stack.namespace, 'curl', '-sf', 'http://127.0.0.1:9191/readyz'], capture_output=True, check=False).returncode == 0,
                   (tmp_path / 'log').read_text(), 30)
        subprocess.run(['ip', 'netns', 'exec', stack.namespace, 'ab', '-q', '-n', '10', 'http://127.0.0.1/item/1'], capture_output=True, check=True)
        s.wait_for(lambda: count() == 10, 'exchanges', 30)
        child.terminate()
        assert child.wait(30) == 0
    finally:
        child.kill()
        child.wait()
        log.close()
        os.unlink(program)


@pytest.mark.parametrize('name', CONFIGS)
def test_config(name):
    assert run(observe.PACKETD, 'config', 'check', os.path.join(DEPLOY, 'config', name)).strip().endswith('ok')


def test_readme(tmp_path):
    """Files it names exist; the commands marked as tested do what they say."""
    with open(os.path.join(DEPLOY, 'README.md'), encoding='utf8') as f:
        text = f.read()
    for target in re.findall(r'\]\(([^)#]+)\)', text):
        assert os.path.exists(os.path.join(DEPLOY, target)), target
    for path in set(re.findall(r'\bdeploy/[\w./-]+\w', text)):
        assert os.path.exists(os.path.join(ROOT, path)), path
    block = re.search(r'<!-- tested: prometheus -->\n\n((?:    .*\n)+)', text)[1]
    commands = [line.strip() for line in block.splitlines()]
    assert len(commands) == 3
    if shutil.which('promtool'):
        for command in commands[:2]:
            run('bash', '-c', command, cwd=ROOT)


def test_readme_capture(tmp_path):
    """The capture's command, with receivers in the place of the stores it names."""
    with open(os.path.join(DEPLOY, 'README.md'), encoding='utf8') as f:
        command = re.search(r'<!-- tested: capture -->\n\n    (.*)\n', f.read())[1].split()
    store = Store()
    with Backend(lambda n, r: store(n, r) if r.path.startswith(('/_bulk', '/_index')) else 200) as b:
        with open(os.path.join(ROOT, command[3]), encoding='utf8') as f:
            config = re.sub(r'http://127\.0\.0\.1:\d+', b.url, f.read())
        (tmp_path / 'packetd.yaml').write_text(config)
        command[0], command[3], command[5] = observe.PACKETD, 'packetd.yaml', recorded.path('http_misc')
        said = run(*command, cwd=tmp_path)
    n = len(recorded.exchanges('http_misc'))
    assert len(store.documents) == n and 'elasticsearch: all %d records delivered' % n in said and 'metrics: all ' in said
    assert not [d for d in store.documents.values() if d['Request'].get('Query') not in (None, '***')], 'what the configuration masks'


def test_agent_takes_the_shipped_configuration(stack):
    """The one for Prometheus, as it is, on live traffic."""
    with open(os.path.join(DEPLOY, 'config', 'prometheus.yaml'), encoding='utf8') as f:
        config = f.read().replace('127.0.0.1:9091', '127.0.0.1:9291')
    with ag.Agent(config, namespace=stack.namespace, port=9291) as a:
        subprocess.run(['ip', 'netns', 'exec', stack.namespace, 'ab', '-q', '-n', '10', 'http://127.0.0.1/item/1'], capture_output=True, check=True)
        a.until(lambda: a.total('http_requests_total', server_port='80') == 10, 'exchanges')
        assert a.samples()['tcp_connections_opened_total'][0][0].keys() == {'dst_port'}
        a.stop()


def test_stores_are_those_of_the_dashboards():
    assert set(STORES) == {f.rsplit('-', 1)[1][:-5] for f in os.listdir(os.path.join(DEPLOY, 'grafana')) if f.endswith('.json')}

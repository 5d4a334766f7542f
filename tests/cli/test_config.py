"""packetd config: the sample, check, show, the schema, the reference; the texts of errors. PACKETD names the program.
PACKETD_GOLDEN=update writes what is expected anew (look at the difference)."""
import glob
import json
import os
import resource
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FILES = os.path.join(ROOT, 'tests', 'config')
PACKETD = os.path.abspath(os.environ.get('PACKETD', os.path.join(ROOT, 'build', 'packetd')))
UPDATE = os.environ.get('PACKETD_GOLDEN') == 'update'
EXIT = {'old': 0}


def run(*args, data=None, **more):
    return subprocess.run([PACKETD, *args], input=data, capture_output=True, timeout=120, **more)


def check(text, tmp_path):
    path = tmp_path / 'packetd.yaml'
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return run('config', 'check', 'packetd.yaml', cwd=tmp_path)


CASES = sorted(os.path.basename(p)[:-5] for p in glob.glob(os.path.join(FILES, 'cases', '*.yaml')))


def test_there_are_cases():
    assert len(CASES) >= 10


@pytest.mark.parametrize('name', CASES)
def test_messages(name):
    r = run('config', 'check', name + '.yaml', cwd=os.path.join(FILES, 'cases'))
    golden = os.path.join(FILES, 'cases', name + '.expect')
    assert r.returncode == EXIT.get(name, 2)
    assert r.stdout == (b'%s.yaml: ok\n' % name.encode() if r.returncode == 0 else b'')
    if UPDATE:
        with open(golden, 'wb') as f:
            f.write(r.stderr)
    with open(golden, 'rb') as f:
        assert r.stderr.decode() == f.read().decode()


@pytest.mark.parametrize('name', ['reference', 'minimal'])
def test_files_of_the_old_program(name):
    r = run('config', 'check', name + '.yaml', cwd=FILES)
    assert (r.returncode, r.stdout) == (0, b'%s.yaml: ok\n' % name.encode())
    for line in r.stderr.decode().splitlines():
        assert 'not built into this program' in line or 'has no effect' in line, line


@pytest.mark.parametrize('name', ['reference', 'minimal'])
def test_the_agent_runs_with_files_of_the_old_program(name, tmp_path):
    r = run('agent', '--config', os.path.join(FILES, name + '.yaml'), '--pcap-file', os.path.join(ROOT, 'samples', 'sample.pcap'), cwd=tmp_path)
    assert r.returncode == 0, r.stderr
    log = tmp_path / 'packetd.log'
    assert b'196 decoded' in r.stdout + r.stderr + (log.read_bytes() if log.exists() else b'')


def test_the_sample_is_right_and_says_the_defaults(tmp_path):
    sample = run('config').stdout
    r = check(sample, tmp_path)
    assert (r.returncode, r.stdout, r.stderr) == (0, b'packetd.yaml: ok\n', b'')
    assert run('config', 'show', 'packetd.yaml', cwd=tmp_path).stdout == run('config', 'show').stdout
    assert max(len(line) for line in sample.decode().splitlines()) <= 200


def test_what_is_shown_loads_to_the_same(tmp_path):
    shown = run('config', 'show', os.path.join(FILES, 'reference.yaml')).stdout
    assert check(shown, tmp_path).returncode == 0
    assert run('config', 'show', 'packetd.yaml', cwd=tmp_path).stdout == shown


def test_secrets_are_not_shown(tmp_path):
    (tmp_path / 'p').write_text('hunter2\n')
    r = run('config', 'show', '-', cwd=tmp_path, data=b'server.auth: {username: me, passwordFile: p}')
    assert r.returncode == 0 and b'server.auth.password: "***"' in r.stdout and b'hunter' not in r.stdout
    (tmp_path / 'c.yaml').write_text("server.auth: {username: me, passwordFile: p}\nexporter.traces.header: {Authorization: hunter3}")
    r = run('config', 'show', 'c.yaml', cwd=tmp_path)
    assert r.returncode == 0 and b'server.auth.password: "***"' in r.stdout and b'hunter' not in r.stdout


def test_exit_codes(tmp_path):
    assert run('config', 'check', cwd=tmp_path).returncode == 1  # packetd.yaml, which is not there
    assert check('logger: {level: info}', tmp_path).returncode == 0
    assert run('config', 'check', cwd=tmp_path).returncode == 0
    assert check('logger: {level: x}', tmp_path).returncode == 2
    good, bad = str(tmp_path / 'good.yaml'), str(tmp_path / 'packetd.yaml')
    (tmp_path / 'good.yaml').write_text('# all defaults\n')
    r = run('config', 'check', bad, good)
    assert r.returncode == 2 and r.stdout == b'%s: ok\n' % good.encode()
    assert run('config', 'check', '-', data=b'server: {enabled: no}').returncode == 0
    assert run('config', 'check', '-', data=b'server: {enabled: so so}').returncode == 2
    assert run('config', 'check', str(tmp_path)).returncode == 1


@pytest.mark.parametrize('args, message', [
    (['chek'], b"Did you mean 'check'?"),
    (['packetd.yaml'], b"unknown word 'packetd.yaml'"),
    (['schema', 'x'], b"unexpected argument 'x'"),
    (['show', 'a', 'b'], b"unexpected argument 'b'"),
    (['--what'], b'unknown flag: --what'),
])
def test_words_that_make_no_sense(args, message):
    r = run('config', *args)
    assert r.returncode == 2 and r.stdout == b'' and message in r.stderr


def test_schema():
    jsonschema = pytest.importorskip('jsonschema')
    yaml = pytest.importorskip('yaml')
    schema = json.loads(run('config', 'schema').stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    texts = [run('config').stdout, run('config', 'show').stdout]
    for name in ('reference', 'minimal', 'cases/old'):
        with open(os.path.join(FILES, name + '.yaml'), 'rb') as f:
            texts.append(f.read())
    texts += [b'logger: {level: INFO, maxSize: "50"}', b'sniffer.ifaces: lo', b'server: {enabled: "${A:-no}", tls.caFile: x}', b'x-a: 1', b'pipeline:']
    for text in texts:
        errors = [str(e.message)[:200] for e in validator.iter_errors(yaml.safe_load(text))]
        assert not errors, (text[:100], errors)
    for text in (b'logger: {levl: info}', b'logger: {level: inof!}', b'loger: {}', b'sniffer: {workers: 65}', b'processor: [{name: nothing}]',
                 b'server: [a]', b'processor: [{name: filter, config: {head: 1}}]', b'controller: {connExpired: x}', b'pipeline: [{processor: a}]'):
        assert not validator.is_valid(yaml.safe_load(text)), text
        assert run('config', 'check', '-', data=text).returncode == 2


def test_reference_is_up_to_date():
    with open(os.path.join(ROOT, 'docs', 'CONFIG.md'), 'rb') as f:
        assert f.read() == run('config', 'docs').stdout, 'run: make docs'


def test_man_page_is_up_to_date():
    with open(os.path.join(ROOT, 'docs', 'packetd.1'), 'rb') as f:
        assert f.read() == run('help', '--man').stdout, 'run: make docs'


def limited(megabytes):
    """A limit for the address space; not with a sanitizer, which reserves terabytes."""
    if b'__asan_init' in open(PACKETD, 'rb').read():
        return None
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))


@pytest.mark.parametrize('text', [
    'x-e: &e "' + ','.join(map(str, range(11000))) + '"\nsniffer.protocols.rules:\n' + '- {protocol: http, ports: *e}\n' * 900,
    'x-e: &e "' + '${HOME}' * 9000 + '"\nexporter.resource: {' + ','.join('a%d: *e' % i for i in range(1900)) + '}',
    'x-e: &e "' + '${file:/proc/self/maps}' * 2000 + '"\nexporter.resource: {' + ','.join('a%d: *e' % i for i in range(1900)) + '}',
    'a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n' + ''.join('a%d: &a%d [%s]\n' % (i, i, ','.join(['*a%d' % (i - 1)] * 10)) for i in range(1, 12)),
    '%TAG !a! b\n' * 300000, '[' * 4000000, '{' + '? ' * 1000000, '- ' * 2000000, '&a ' * 1000000, "'" + "''" * 1900000, '"' + '\\n' * 2000000 + '"',
    'a:\n  b\n' * 500000, '[a' + ', b: c' * 600000, '\0' * 4000000, 'a' * 5000000,
], ids=['ports', 'environment', 'files', 'bomb', 'tags', 'brackets', 'keys', 'dashes', 'anchors', 'quotes', 'escapes', 'lines', 'pairs', 'zeros', 'large'])
def test_hostile_files_are_refused_with_little_memory(text, tmp_path):
    (tmp_path / 'packetd.yaml').write_text(text)
    r = subprocess.run([PACKETD, 'config', 'check', 'packetd.yaml'], cwd=tmp_path, capture_output=True, timeout=120, preexec_fn=limited(400),
                       env={'HOME': 'somewhere', 'PATH': os.environ['PATH'], 'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '')})
    assert r.returncode in (1, 2), r.stderr[:500]
    assert r.stderr.startswith(b'packetd.yaml:') and len(r.stderr) < 100000


@pytest.mark.parametrize('capture', ['src/proto/mysql/captures/mysql_java.pcap', 'tests/captures/pg_extended.pcap'])
def test_statement_parameters(capture, tmp_path):
    """The key of the file and the flag do the same, for both protocols; without them there are no values."""
    def values(lines):
        requests = [json.loads(line)['Request'] for line in lines]
        return [v for v in (q.get('Parameters', q.get('Packet', {}).get('Parameters')) for q in requests) if v]

    def agent(line):
        (tmp_path / 'rt').unlink(missing_ok=True)
        (tmp_path / 'packetd.yaml').write_text('logger: {stdout: true}\nexporter.roundtrips: {enabled: true, filename: rt}\nserver.enabled: false\n' + line)
        r = run('agent', '--config', 'packetd.yaml', '--pcap-file', os.path.join(ROOT, capture), cwd=tmp_path)
        assert r.returncode == 0, r.stdout + r.stderr
        return values((tmp_path / 'rt').read_text().splitlines())

    watched = values(run('watch', '-r', os.path.join(ROOT, capture), '-o', 'json', '--no-summary', '--statement-parameters').stdout.splitlines())
    assert len(watched) >= 8 and agent('controller.decoder.statementParameters: true\n') == watched
    assert agent('') == [] and values(run('watch', '-r', os.path.join(ROOT, capture), '-o', 'json', '--no-summary').stdout.splitlines()) == []

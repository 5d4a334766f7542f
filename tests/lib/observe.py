"""Runs the program on captures and compares what it reports with what is known to be true."""

import collections
import copy
import json
import os
import subprocess
import tempfile

import capfile
import wire

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
BUILT = [p for p in (os.path.join(ROOT, d, 'packetd') for d in ('build-asan', 'build')) if os.path.exists(p)]
PACKETD = os.path.abspath(os.environ.get('PACKETD') or (BUILT or ['build/packetd'])[0])
TIMEOUT = float(os.environ.get('PACKETD_TIMEOUT', '60'))
OUTCOMES = ('answered', 'no_response', 'reset', 'lost', 'oneway', 'open')


class Run:
    """What one run printed: RoundTrips (parsed lines), the ledger, standard error."""

    def __init__(self, roundtrips, ledger, stderr):
        self.roundtrips, self.ledger, self.stderr = roundtrips, ledger, stderr


def watch(path, *options, stdin=None):
    """packetd watch --pcap-file PATH -o json; fails when the program does not end well or prints a line that is no JSON."""
    with tempfile.NamedTemporaryFile(suffix='.ledger.json') as ledger:
        command = [PACKETD, 'watch', '--pcap-file', str(path), '-o', 'json', '--ledger-json', ledger.name, *options]
        env = dict(os.environ, TZ='UTC', ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', 'detect_leaks=1'))
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=TIMEOUT, env=env, check=False)
        stderr = done.stderr.decode('utf8', 'replace')
        assert done.returncode == 0, '%s: exit %d\n%s' % (' '.join(command), done.returncode, stderr[-4000:])
        assert 'runtime error' not in stderr and 'Sanitizer' not in stderr, stderr[-4000:]
        roundtrips = [json.loads(line) for line in done.stdout.splitlines()]
        with open(ledger.name, encoding='utf8') as f:
            counted = json.load(f)
    check_ledger(counted, roundtrips if not options else None)
    return Run(roundtrips, counted, stderr)


def watch_frames(frames, *options, name='test.pcap'):
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, name)
        mixed = len({f.linktype for f in frames}) > 1 or len({f.iface for f in frames}) > 1
        capfile.write(path, capfile.pcapng_bytes(frames) if mixed or 'pcapng' in name else capfile.pcap_bytes(frames))
        return watch(path, *options)


def watch_packets(packets, *options, encapsulation='ethernet'):
    return watch_frames([wire.frame(p, encapsulation) for p in packets], *options)


def check_ledger(ledger, roundtrips=None):
    """Every sum the ledger promises, computed here again, and against the lines that came out."""
    assert ledger['problem'] == '', ledger['problem']
    assert ledger['packets'] == sum(ledger['decode'].values()), ledger['decode']
    f = ledger['flow']
    assert f['stream_bytes'] == sum(f[k] for k in ('parsed', 'skipped', 'duplicate', 'unrecognised', 'opaque', 'late', 'held', 'snapped_bytes', 'no_memory_bytes')), f
    assert f['held'] == 0 and f['conns_live'] == 0, f
    assert f['conns_opened'] == sum(f['conns_' + k] for k in ('closed', 'reset', 'refused', 'expired', 'evicted', 'cut')), f
    protocols = ledger['protocols']
    for name, p in protocols.items():
        assert p['requests'] == sum(p[o] for o in OUTCOMES), (name, p)
        assert p['waiting'] == 0, (name, p)
    if roundtrips is not None:
        out = collections.Counter((r['Proto'], r['Outcome']) for r in roundtrips)
        counted = {(name, o): p[o] for name, p in protocols.items() for o in OUTCOMES if p[o]}
        assert counted == out, (counted, out)
        assert ledger['roundtrips']['delivered'] == len(roundtrips), ledger['roundtrips']


def short(r):
    """One RoundTrip for a message: who, what, how it ended."""
    q, a = r['Request'], r.get('Response') or {}
    what = q.get('URL') or q.get('Statement') or (q.get('Packet') or {}).get('Statement') or str(q.get('Message', {}).get('QuestionSec', ''))
    came = a.get('Header', {}).get('X-Item') if r['Proto'] == 'http' else a.get('Message', {}).get('AnswerSec') if r['Proto'] == 'dns' else a.get('Size')
    return '%s %s:%s %s %s %s -> %s %s %s%s' % (r['Proto'], q['Host'], q['Port'], q.get('Method') or q.get('Command') or q.get('CmdName') or '', what[:60], q.get('Time', ''),
                                             r['Outcome'], a.get('StatusCode', ''), str(came)[:120], ' partial' if r.get('Partial') else '')


# What a rewriting of a capture may change, from least to most.
SAME = ('Capture', 'Connection')                                    # where it was captured, how connections are numbered
NETWORK = SAME + ('Network',)                                       # and what the network did
CLOSING = NETWORK + ('closing time',)                               # and when an end was noticed that overtook the bytes before it
TIMES = NETWORK + ('Duration', 'FirstByte', 'Request.Time', 'Response.Time')  # and when


def normal(roundtrip, without=SAME, renamed=None):
    """One canonical text of a RoundTrip without the fields of `without`; addresses replaced by `renamed`."""
    r = copy.deepcopy(roundtrip)
    if 'closing time' in without and ended_by_closing(r):
        without = TIMES
    for path in without:
        *parents, last = path.split('.')
        d = r
        for name in parents:
            d = (d or {}).get(name)
        if d:
            d.pop(last, None)
    for side in ('Request', 'Response'):
        if renamed and r.get(side):
            r[side]['Host'] = renamed.get(r[side]['Host'], r[side]['Host'])
    return json.dumps(r, sort_keys=True)


def ended_by_closing(r):
    a = r.get('Response')
    return r['Outcome'] == 'reset' or (r['Proto'] == 'http' and a and not a['Chunked'] and 'Content-Length' not in a['Header'])


def assert_same(run, expected, without=SAME, renamed=None):
    got = collections.Counter(normal(r, without, renamed) for r in run.roundtrips)
    want = collections.Counter(normal(r, without) for r in expected.roundtrips)
    missing, extra = list((want - got).elements()), list((got - want).elements())
    assert not missing and not extra, '%d missing, %d extra of %d\nmissing: %s\nextra:   %s\n%s\n%s' % (
        len(missing), len(extra), sum(want.values()), '\n         '.join(short(json.loads(m)) for m in missing[:3]),
        '\n         '.join(short(json.loads(m)) for m in extra[:3]), first_difference(missing, extra), run.stderr[-1500:])


def first_difference(missing, extra):
    """The fields in which a missing RoundTrip and its nearest extra one differ."""
    def flat(value, path=''):
        if isinstance(value, dict):
            return {p: v for k, x in value.items() for p, v in flat(x, path + '.' + k).items()}
        return {path[1:]: json.dumps(value)}
    if not missing or not extra:
        return ''
    a = flat(json.loads(missing[0]))
    b = min((flat(json.loads(e)) for e in extra), key=lambda f: len(set(f.items()) ^ set(a.items())))
    return 'differs: ' + ', '.join('%s: %s not %s' % (k, b.get(k), a.get(k)) for k in sorted(set(a) | set(b)) if a.get(k) != b.get(k))[:1000]

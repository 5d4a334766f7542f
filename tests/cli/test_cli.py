"""The command line: exit codes, messages, formats, signals, files. PACKETD names the program; live tests need root."""
import gzip
import json
import os
import pty
import re
import select
import signal
import socket
import stat
import struct
import subprocess
import threading
import time

import pytest

import packets

PACKETD = os.environ.get('PACKETD', 'build/packetd')
ROOT = os.geteuid() == 0
live = pytest.mark.skipif(not ROOT, reason='live capture needs root')
TIMEOUT = 60


def run(*args, data=None, **more):
    return subprocess.run([PACKETD, *map(str, args)], input=data, capture_output=True, timeout=TIMEOUT, **more)


def watch(*args, **more):
    return run('watch', *args, **more)


def lines(out):
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def capture(tmp_path):
    path = tmp_path / 'dns.pcap'
    path.write_bytes(packets.dns_capture(50).bytes())
    return path


# --- words ---

def test_without_arguments_says_how_to_use_it():
    r = run()
    assert r.returncode == 0 and r.stderr == b''
    assert b'Usage:' in r.stdout and b'packetd watch' in r.stdout


@pytest.mark.parametrize('command', ['watch', 'log', 'ifaces', 'protocols', 'version', 'completion', 'help'])
@pytest.mark.parametrize('flag', ['-h', '--help'])
def test_help_everywhere(command, flag):
    r = run(command, flag)
    assert r.returncode == 0 and r.stderr == b''
    assert r.stdout.count(b'Usage:') == 1


def test_help_of_a_command_is_the_same_both_ways():
    assert run('help', 'watch').stdout == run('watch', '--help').stdout


def test_help_fits_the_page():
    for line in run('watch', '--help').stdout.decode().splitlines():
        assert len(line) <= 110, line


def test_version():
    r = run('version')
    assert r.returncode == 0
    version, commit, built = r.stdout.decode().splitlines()
    assert re.fullmatch(r'Version: \d+\.\d+\.\d+', version)
    assert re.fullmatch(r'GitHash: ([0-9a-f]+|unknown)', commit)
    assert re.fullmatch(r'BuildTime: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', built)


def test_ifaces():
    r = run('ifaces')
    assert r.returncode == 0
    for line in r.stdout.decode().splitlines():
        assert re.fullmatch(r'- \S+: \[\S+/\d+( \S+/\d+)*\]', line)
    assert '- lo: [127.0.0.1/8' in r.stdout.decode()


def test_protocols():
    r = run('protocols')
    assert r.returncode == 0
    for name in ('http', 'dns', 'redis'):
        assert re.search(rf'^{name} ', r.stdout.decode(), re.M)


@pytest.mark.parametrize('args, expect', [
    (['wacth'], ['unknown command "wacth"', "'watch'"]),
    (['--nope'], ['unknown flag: --nope']),
    (['help', 'nope'], ['unknown command "nope"']),
    (['version', '--x'], ['unknown flag: --x']),
    (['version', 'now'], ["unexpected argument 'now'"]),
    (['watch', '--filtre', 'x'], ['unknown flag: --filtre', '--filter']),
    (['watch', '-Z'], ['unknown flag: -Z']),
    (['watch', '--proto'], ['flag needs a value: --proto RULE']),
    (['watch', '--count', 'many'], ["invalid value 'many'", '--count']),
    (['watch', '--ipv', 'v5'], ["invalid value 'v5'", 'both, v4 or v6']),
    (['watch', '-o', 'yaml'], ["invalid value 'yaml'", 'table, json or wide']),
    (['watch', '--proto', 'htpt;80'], ['unsupported protocol (htpt)', 'http']),
    (['watch', '--proto', 'http;x'], ["invalid port 'x'"]),
    (['watch', '--proto', 'http;0'], ["invalid port '0'"]),
    (['watch', '--proto', 'http;80;1.2.3.4;5'], ['invalid --proto input']),
    (['watch', '-i', 'l0'], ['no such interface: l0', 'lo']),
    (['watch', '-i', 'lo,nope0'], ['no such interface: nope0']),
    (['watch', '-i', '^(lo'], ['bad regular expression']),
    (['watch', '--engine', 'afpackt'], ['unknown engine: afpackt', 'afpacket']),
    (['watch', '--engine', 'afpacket', '-r', 'x'], ['not for files']),
    (['watch', '--filter', 'http.status >='], []),
    (['watch', '--filter', 'dns.qestion == x'], ['dns.question']),
    (['completion', 'tcsh'], ["'tcsh'", 'bash, zsh or fish']),
    (['completion'], ['bash, zsh or fish']),
])
def test_nonsense_is_refused(args, expect):
    r = run(*args)
    assert r.returncode == 2
    assert r.stdout == b''
    text = r.stderr.decode()
    assert text.startswith('Error: ')
    for e in expect:
        assert e in text


def test_completions_are_programs():
    for shell in ('bash', 'zsh', 'fish'):
        r = run('completion', shell)
        assert r.returncode == 0 and b'pcap-file' in r.stdout and b'sample' not in r.stdout.replace(b'samples', b'')
    assert subprocess.run(['bash', '-n'], input=run('completion', 'bash').stdout).returncode == 0


def test_help_of_the_filter_language():
    assert b'dns.question' in run('help', 'filter').stdout


def test_bash_completes():
    def complete(*words):
        script = run('completion', 'bash').stdout.decode()
        script += "COMP_WORDS=(%s); COMP_CWORD=%d; _packetd; echo ${COMPREPLY[@]}" % (' '.join("'%s'" % w for w in words), len(words) - 1)
        return subprocess.run(['bash', '-c', script], capture_output=True, text=True).stdout.split()
    assert complete('packetd', 'wa') == ['watch']
    assert '--pcap-file' in complete('packetd', 'watch', '--pc')
    assert complete('packetd', 'watch', '-o', 'js') == ['json']
    assert 'redis' in complete('packetd', 'watch', '--proto', '')


def test_man_page():
    page = run('help', '--man').stdout.decode()
    assert page.startswith('.TH PACKETD 1')
    for flag in re.findall(r'--([a-z.-]+)', run('watch', '--help').stdout.decode().split('What to watch:')[1]):
        assert flag.replace('-', '\\-') in page, flag


# --- reading files ---

def test_file_to_json(capture):
    r = watch('-r', capture)
    assert r.returncode == 0
    got = lines(r.stdout)
    assert len(got) == 50
    assert [g['Request']['Message']['QuestionSec']['Name'] for g in got] == [f'host{i}.example.com.' for i in range(50)]
    assert all(g['Outcome'] == 'answered' and g['Duration'] == '250µs' for g in got)
    assert b'\x1b' not in r.stdout + r.stderr
    assert b'dns' in r.stderr  # the ledger


def test_flags_after_arguments_and_spellings(capture):
    expect = watch('-r', capture).stdout
    for form in (['--pcap-file', capture], [f'--pcap-file={capture}'], [f'-r{capture}'], [f'--pcap.file={capture}'], ['-o', 'json', '-r', capture, '--proto=dns']):
        assert watch(*form).stdout == expect
    assert run('log', '-r', capture).stdout == expect


def test_same_bytes_every_time(capture):
    assert len({watch('-r', capture).stdout for _ in range(5)}) == 1


def test_standard_input(capture):
    assert watch('-r', '-', data=capture.read_bytes()).stdout == watch('-r', capture).stdout


def test_compressed(capture, tmp_path):
    path = tmp_path / 'x.pcap.gz'
    path.write_bytes(gzip.compress(capture.read_bytes()))
    assert watch('-r', path).stdout == watch('-r', capture).stdout


def test_cut_file(capture, tmp_path):
    path = tmp_path / 'cut.pcap'
    path.write_bytes(capture.read_bytes()[:-30])
    r = watch('-r', path)
    assert r.returncode == 0
    assert [g['Outcome'] for g in lines(r.stdout)] == ['answered'] * 49 + ['open']
    assert re.search(rb'Warning: .*cut\.pcap.*\d+', r.stderr)


def test_no_file(tmp_path):
    r = watch('-r', tmp_path / 'nothing.pcap')
    assert r.returncode == 1 and b'nothing.pcap' in r.stderr and b'No such file' in r.stderr


def test_not_a_capture(tmp_path):
    path = tmp_path / 'text.pcap'
    path.write_text('this is no capture file\n' * 10)
    r = watch('-r', path)
    assert r.returncode == 1 and b'text.pcap' in r.stderr and r.stdout == b''


@pytest.mark.parametrize('data', [b'', b'this is no capture', bytes(8)])
def test_standard_input_that_is_no_capture(data):
    r = watch('-r', '-', data=data)
    assert r.returncode == 1 and r.stdout == b''
    assert b'standard input' in r.stderr and b'cannot be read as a capture' in r.stderr and b'Bad message' not in r.stderr


def test_proto_rules(capture):
    assert watch('-r', capture, '--proto', 'dns').stdout == watch('-r', capture).stdout
    assert len(lines(watch('-r', capture, '--proto', 'dns;53').stdout)) == 50
    assert watch('-r', capture, '--proto', 'dns;54').stdout == b''
    assert watch('-r', capture, '--proto', 'http').stdout == b''
    assert len(lines(watch('-r', capture, '--proto', 'dns;53;10.1.0.7').stdout)) == 50
    assert watch('-r', capture, '--proto', 'dns;53;10.1.0.8').stdout == b''


def test_ipv(capture):
    assert len(lines(watch('-r', capture, '--ipv', 'v4').stdout)) == 50
    r = watch('-r', capture, '--ipv', 'v6')
    assert r.returncode == 0 and r.stdout == b'' and b'left_out' in r.stderr
    assert len(lines(watch('-r', capture, '--ipv=').stdout)) == 50


def test_filter(capture):
    r = watch('-r', capture, '--filter', 'dns.question == "host7.example.com."')
    assert r.returncode == 0 and len(lines(r.stdout)) == 1


def test_count(capture):
    for n in (1, 7, 50, 60):
        r = watch('-r', capture, '-n', n)
        assert r.returncode == 0
        assert r.stdout == b''.join(watch('-r', capture).stdout.splitlines(True)[:n])


def test_summary_where_it_belongs(capture):
    assert watch('-r', capture, '--no-summary').stderr == b''
    quiet = watch('-r', capture, '--quiet')
    assert quiet.stderr == b'' and b'dns' in quiet.stdout and b'host7' not in quiet.stdout
    ledger = json.loads(watch('-r', capture, '-q', '-o', 'json').stdout)
    assert ledger


# --- output ---

def in_terminal(*args, env=None, cols=120):
    """Runs with standard output on a terminal; returns what it showed."""
    import fcntl
    import termios
    main, sub = pty.openpty()
    fcntl.ioctl(sub, termios.TIOCSWINSZ, struct.pack('HHHH', 40, cols, 0, 0))
    p = subprocess.Popen([PACKETD, *map(str, args)], stdout=sub, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                         env={**{k: v for k, v in os.environ.items() if k != 'NO_COLOR'}, 'TERM': 'xterm', **(env or {})})
    os.close(sub)
    out = b''
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:
            break
        if not part:
            break
        out += part
    os.close(main)
    assert p.wait(TIMEOUT) == 0
    return out.decode()


def test_table_and_colours(capture):
    coloured = in_terminal('watch', '-r', capture)
    assert '\x1b[' in coloured and 'host7.example.com' in coloured and '"Proto"' not in coloured
    for plain in (in_terminal('watch', '-r', capture, env={'NO_COLOR': '1'}), in_terminal('watch', '-r', capture, '--no-color'),
                  in_terminal('watch', '-r', capture, env={'TERM': 'dumb'})):
        assert '\x1b' not in plain and 'host7.example.com' in plain
    piped = watch('-r', capture, '-o', 'table').stdout
    assert b'\x1b' not in piped and b'host7.example.com' in piped
    assert b'\x1b[' in watch('-r', capture, '-o', 'table', '--color').stdout
    assert '"Proto"' in in_terminal('watch', '-r', capture, '-o', 'json')


def test_reader_that_leaves(tmp_path):
    path = tmp_path / 'large.pcap'
    path.write_bytes(packets.dns_capture(30000).bytes())
    p = subprocess.Popen([PACKETD, 'watch', '-r', str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.readline()
    p.stdout.close()
    err = p.stderr.read()
    assert p.wait(TIMEOUT) == 0
    assert err == b''


def test_closed_descriptors(capture, tmp_path):
    out = tmp_path / 'rt.jsonl'
    subprocess.run(['sh', '-c', 'exec "$0" watch -r "$1" -w "$2" <&- >&- 2>&-', PACKETD, str(capture), str(out)], timeout=TIMEOUT, check=True)
    assert len(lines(out.read_bytes())) == 50  # and no ledger among them


def test_no_space(capture):
    if not os.path.exists('/dev/full'):
        pytest.skip('no /dev/full')
    with open('/dev/full', 'w') as full:
        r = subprocess.run([PACKETD, 'watch', '-r', str(capture)], stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT)
    assert r.returncode == 1
    assert r.stderr.count(b'No space left') == 1 and b'no_space' in r.stderr


def test_progress_of_a_long_file(tmp_path):
    path = tmp_path / 'large.pcap'
    path.write_bytes(packets.dns_capture(30000).bytes())
    main, sub = pty.openpty()
    p = subprocess.Popen([PACKETD, 'watch', '-r', str(path)], stdout=subprocess.PIPE, stderr=sub)
    os.close(sub)
    time.sleep(1.5)  # nobody reads: it takes its time
    p.stdout.read()
    assert p.wait(TIMEOUT) == 0
    err = b''
    try:
        while part := os.read(main, 65536):
            err += part
    except OSError:
        pass
    os.close(main)
    assert re.search(rb'large\.pcap +\d+% \[#*-*\].* packets', err)
    assert err.count(b'\r\x1b[K') == 1 and err.index(b'\r\x1b[K') < err.index(b'protocol ')  # gone before the ledger


def test_file_output(capture, tmp_path):
    expect = watch('-r', capture).stdout
    out = tmp_path / 'new' / 'dir' / 'rt.jsonl'
    r = watch('-r', capture, '--roundtrips.file', out)
    assert r.returncode == 0 and r.stdout == b'' and out.read_bytes() == expect
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    watch('-r', capture, '-w', out)
    assert out.read_bytes() == expect * 2  # appended
    r = watch('-r', capture, '-w', out, '--console')
    assert r.stdout == expect and out.read_bytes() == expect * 2
    r = watch('-r', capture, '-w', tmp_path / 'new')
    assert r.returncode == 1 and b'cannot be written' in r.stderr


def test_rotation(tmp_path):
    path, out = tmp_path / 'large.pcap', tmp_path / 'out' / 'packetd.roundtrips'
    path.write_bytes(packets.dns_capture(8000).bytes())
    expect = watch('-r', path).stdout
    r = watch('-r', path, '--roundtrips.file', out, '--roundtrips.size', 1, '--roundtrips.backups', 100)
    assert r.returncode == 0
    old = sorted(n for n in os.listdir(out.parent) if n != out.name)
    assert len(old) == -(-len(expect) // (1 << 20)) - 1
    for n in old:
        assert re.fullmatch(r'packetd-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.roundtrips', n)
        assert (1 << 20) - 4096 < os.path.getsize(out.parent / n) <= 1 << 20
    assert b''.join((out.parent / n).read_bytes() for n in [*old, out.name]) == expect
    watch('-r', path, '--roundtrips.file', out, '--roundtrips.size', 1, '--roundtrips.backups', 2)
    assert len(os.listdir(out.parent)) == 3


# --- running ---

class Running:
    """A watch that reads a capture from a pipe for as long as the test likes."""

    def __init__(self, *args, **more):
        self.p = subprocess.Popen([PACKETD, 'watch', *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        self.unread = b''

    def feed(self, data):
        self.p.stdin.write(data)
        self.p.stdin.flush()

    def more(self, seconds):
        """Reads what there is; False when nothing comes for so long."""
        if not select.select([self.p.stdout], [], [], seconds)[0]:
            return False
        part = os.read(self.p.stdout.fileno(), 1 << 20)
        self.unread += part
        return bool(part)

    def line(self, seconds=10):
        while b'\n' not in self.unread:
            assert self.more(seconds), 'nothing came'
        line, self.unread = self.unread.split(b'\n', 1)
        return line

    def drain(self, seconds=0.5):
        """All that comes until nothing has come for so long."""
        while self.more(seconds):
            pass
        out, self.unread = self.unread, b''
        return out

    def end(self, sig=signal.SIGINT):
        self.p.send_signal(sig)
        out, err = self.unread + self.p.stdout.read(), self.p.stderr.read()
        return self.p.wait(TIMEOUT), out, err


@pytest.fixture
def running():
    all_of_them = []

    def start(*args, **more):
        all_of_them.append(Running(*args, **more))
        return all_of_them[-1]
    yield start
    for r in all_of_them:
        r.p.kill()
        r.p.wait()
        for f in (r.p.stdin, r.p.stdout, r.p.stderr):
            try:
                f.close()
            except BrokenPipeError:
                pass


def test_a_line_comes_at_once(running):
    r = running('-r', '-')
    p = packets.dns_capture(3)
    r.feed(p.header + b''.join(p.packets[:2]))
    r.line()
    began = time.monotonic()
    r.feed(b''.join(p.packets[2:4]))
    assert json.loads(r.line())['Proto'] == 'dns'
    assert time.monotonic() - began < 0.5


def test_interrupt_prints_the_ledger(running):
    for sig in (signal.SIGINT, signal.SIGTERM):
        r = running('-r', '-')
        r.feed(packets.dns_capture(3).bytes() + b'\0' * 8)  # and the half of a header: the end has not come
        for _ in range(3):
            r.line()
        code, out, err = r.end(sig)
        assert code == 0 and out == b'' and b'dns' in err


def test_interrupt_although_a_shell_ignores_it(running):
    r = running('-r', '-', preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    r.feed(packets.dns_capture(1).bytes())
    r.line()
    assert r.end()[0] == 0


def test_hangup_does_no_harm(running):
    r = running('-r', '-')
    p = packets.dns_capture(2)
    r.feed(p.header + b''.join(p.packets[:2]))
    r.line()
    r.p.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert r.p.poll() is None
    r.feed(b''.join(p.packets[2:]))
    r.line()
    assert r.end()[0] == 0


def test_hangup_begins_a_new_file(running, tmp_path):
    def wait_for(path, n):
        end = time.monotonic() + 10
        while not path.exists() or path.read_bytes().count(b'\n') < n:
            assert time.monotonic() < end, path
            time.sleep(0.02)
    out, moved = tmp_path / 'rt.jsonl', tmp_path / 'moved'
    r = running('-r', '-', '-w', out)
    p = packets.dns_capture(2)
    r.feed(p.header + b''.join(p.packets[:2]))
    wait_for(out, 1)
    out.rename(moved)
    r.p.send_signal(signal.SIGHUP)
    wait_for(out, 0)
    r.feed(b''.join(p.packets[2:]))
    wait_for(out, 1)
    assert r.end()[0] == 0
    assert len(lines(moved.read_bytes())) == len(lines(out.read_bytes())) == 1


def test_a_reader_that_stands_still_cannot_hold_it(running, tmp_path):
    path = tmp_path / 'large.pcap'
    path.write_bytes(packets.dns_capture(60000).bytes())
    r = running('-r', path)
    time.sleep(1)
    assert r.p.poll() is None  # waits for the reader
    r.p.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert r.p.wait(20) == 0
    assert time.monotonic() - began < 8
    assert b'abandoned' in r.p.stderr.read()


def test_second_interrupt_ends_at_once(running, tmp_path):
    path = tmp_path / 'large.pcap'
    path.write_bytes(packets.dns_capture(60000).bytes())
    r = running('-r', path)
    assert select.select([r.p.stdout], [], [], TIMEOUT)[0]  # it writes, and nobody reads
    time.sleep(0.5)
    r.p.send_signal(signal.SIGINT)
    time.sleep(0.4)  # it would wait for 2 s
    r.p.send_signal(signal.SIGINT)
    assert r.p.wait(TIMEOUT) == 130


@live
def test_interrupt_on_a_terminal():
    """The terminal shows ^C where the cursor is: the ledger begins on a line of its own."""
    main, sub = pty.openpty()
    p = subprocess.Popen(['setsid', '--ctty', '--wait', PACKETD, 'watch', '-i', 'lo', '--proto', 'dns;1'], stdin=sub, stdout=sub, stderr=sub, env=dict(os.environ, TERM='xterm'))
    os.close(sub)
    out = b''
    while b'Ctrl-C ends' not in out:
        assert select.select([main], [], [], TIMEOUT)[0]
        out += os.read(main, 4096)
    os.write(main, b'\x03')
    try:
        while part := os.read(main, 4096):
            out += part
    except OSError:
        pass
    os.close(main)
    assert p.wait(TIMEOUT) == 0
    assert out.count(b'^C\r\nno packets were seen\r\n') == 1


def test_a_signal_that_comes_twice_at_once_is_one(running):
    """timeout(1) sends to the process and to its group."""
    for _ in range(5):
        r = running('-r', '-')
        r.feed(packets.dns_capture(3).bytes() + b'\0' * 8)
        for _ in range(3):
            r.line()
        r.p.send_signal(signal.SIGTERM)
        time.sleep(0.01)
        code, out, err = r.end(signal.SIGTERM)
        assert code == 0 and b'dns' in err


# --- rights ---

def as_nobody():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


@pytest.fixture
def public(tmp_path, capture):
    """The program and a capture where another user can read them."""
    import shutil
    import tempfile
    with tempfile.TemporaryDirectory(prefix='packetd-') as d:
        os.chmod(d, 0o755)
        for src, name in ((PACKETD, 'packetd'), (capture, 'dns.pcap')):
            shutil.copy(src, f'{d}/{name}')
            os.chmod(f'{d}/{name}', 0o755)
        yield d


@live
def test_without_rights(public):
    r = subprocess.run([f'{public}/packetd', 'watch'], preexec_fn=as_nobody, capture_output=True, timeout=TIMEOUT)
    assert r.returncode == 1 and r.stdout == b''
    text = r.stderr.decode()
    assert 'no right to capture' in text and f'sudo setcap cap_net_raw,cap_net_admin+ep {public}/packetd' in text and 'sudo ' in text
    assert text.count('setcap') == 1 and text.count('no right') == 1  # said once


@live
def test_sample_without_rights(public):
    r = subprocess.run([f'{public}/packetd', 'watch', '--sample', f'{public}/dns.pcap'], preexec_fn=as_nobody, capture_output=True, timeout=TIMEOUT)
    assert r.returncode == 0 and len(lines(r.stdout)) == 50
    assert b'setcap' in r.stderr


def status_of(pid):
    with open(f'/proc/{pid}/status') as f:
        return dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)


# --- live ---

class DnsServer:
    """Answers every question on a port of the loopback; `ask` returns when the answer has come."""

    def __init__(self):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind(('127.0.0.1', 0))
        self.port = self.s.getsockname()[1]
        self.c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.c.settimeout(5)
        self.n = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                q, who = self.s.recvfrom(4096)
                self.s.sendto(packets.dns_answer(int.from_bytes(q[:2], 'big'), 'live.example.com'), who)
            except OSError:
                return

    def ask(self):
        self.n += 1
        self.c.sendto(packets.dns_query(self.n & 0xffff, 'live.example.com'), ('127.0.0.1', self.port))
        self.c.recv(4096)

    def close(self):
        self.s.close()
        self.c.close()


@pytest.fixture
def dns():
    d = DnsServer()
    yield d
    d.close()


def wait_until_it_captures(r, dns, seconds=10):
    """Asks until the first line comes, and forgets what came."""
    end = time.monotonic() + seconds
    while not r.unread:
        assert time.monotonic() < end and r.p.poll() is None, 'nothing captured'
        dns.ask()
        r.more(0.3)
    r.drain()


@live
@pytest.mark.parametrize('interfaces', ['any', 'lo', '^lo$'])
def test_live(running, dns, interfaces):
    r = running('-i', interfaces, '--proto', f'dns;{dns.port}')
    wait_until_it_captures(r, dns)
    began = time.monotonic()
    dns.ask()
    first = json.loads(r.line())
    assert time.monotonic() - began < 0.3
    assert first['Outcome'] == 'answered' and first['Response']['Port'] == dns.port
    for _ in range(200):
        dns.ask()
    out = r.drain()
    assert len(lines(out)) == 200  # each once, although the loopback shows packets twice
    code, out, err = r.end()
    assert code == 0 and b'dns' in err


@live
def test_live_gives_up_its_rights(running, dns):
    r = running('-i', 'any', '--proto', f'dns;{dns.port}')
    wait_until_it_captures(r, dns)
    st = status_of(r.p.pid)
    assert int(st['CapEff'], 16) == 0 and int(st['CapPrm'], 16) == 0
    assert st['NoNewPrivs'] == '1'
    if st['Uid'].split()[0] != '0':  # builds with sanitizers keep these
        assert st['Seccomp'] == '2'
    assert r.end()[0] == 0


@live
def test_live_keeps_what_it_needs_for_new_interfaces(running, dns):
    r = running('-i', '^(lo|pktd.*)$', '--proto', f'dns;{dns.port}')
    wait_until_it_captures(r, dns)
    assert int(status_of(r.p.pid)['CapEff'], 16) == 1 << 13  # CAP_NET_RAW
    assert r.end()[0] == 0


@live
@pytest.mark.parametrize('engine, workers', [('afpacket', 1), ('afpacket', 2), ('libpcap', 1)])
def test_live_engines(running, dns, engine, workers):
    r = running('-i', 'lo', '--engine', engine, '--workers', workers, '--proto', f'dns;{dns.port}')
    wait_until_it_captures(r, dns)
    for _ in range(100):
        dns.ask()
    assert len(lines(r.drain())) == 100
    code, out, err = r.end()
    assert code == 0 and b'Warning' not in err


def ip(*args, ok=True):
    subprocess.run(['ip', *args], check=ok, capture_output=not ok)


@pytest.fixture
def veth():
    """Makes a veth pair whose peer, 10.77.0.2, lives in a namespace and has a DNS server; returns how to make it."""
    server = None
    ip('netns', 'del', 'pktdtest', ok=False)
    ip('netns', 'add', 'pktdtest')

    def make():
        nonlocal server
        ip('link', 'add', 'pktdt0', 'type', 'veth', 'peer', 'name', 'pktdt1', 'netns', 'pktdtest')
        ip('addr', 'add', '10.77.0.1/24', 'dev', 'pktdt0')
        ip('link', 'set', 'pktdt0', 'up')
        ip('-n', 'pktdtest', 'addr', 'add', '10.77.0.2/24', 'dev', 'pktdt1')
        ip('-n', 'pktdtest', 'link', 'set', 'pktdt1', 'up')
        if not server:
            here = os.path.dirname(os.path.abspath(__file__))
            program = ("import socket, sys; sys.path.insert(0, %r); import packets\n"
                       "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', 53))\n"
                       "while True:\n q, who = s.recvfrom(4096); s.sendto(packets.dns_answer(int.from_bytes(q[:2], 'big'), 'veth.example'), who)" % here)
            server = subprocess.Popen(['ip', 'netns', 'exec', 'pktdtest', 'python3', '-c', program])
    yield make
    ip('link', 'del', 'pktdt0', ok=False)
    if server:
        server.kill()
        server.wait()
    ip('netns', 'del', 'pktdtest', ok=False)


def ask_until_seen(r, seconds=15):
    """Asks the server behind the veth until a RoundTrip is reported."""
    end = time.monotonic() + seconds
    n = 0
    while time.monotonic() < end and r.p.poll() is None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
            c.settimeout(0.3)
            try:
                c.sendto(packets.dns_query(n, 'veth.example'), ('10.77.0.2', 53))
                c.recv(4096)
            except OSError:
                continue
        n += 1
        if r.more(0.3):
            return [g for g in lines(r.drain()) if g['Outcome'] == 'answered']
    raise AssertionError('nothing seen')


@live
@pytest.mark.parametrize('workers', [1, 2])
def test_live_interfaces_come_and_go(running, veth, workers):
    """Although all rights but one are gone: opened when they appear, again after they vanished."""
    r = running('-i', 'pktdt.*', '--proto', 'dns;53', '--workers', workers)
    assert select.select([r.p.stderr], [], [], TIMEOUT)[0]  # says that it waits
    assert r.p.poll() is None
    for _ in range(2):
        veth()
        got = ask_until_seen(r)
        assert got and got[-1]['Response']['Host'] == '10.77.0.2'
        assert got[-1]['Capture']['Interface'] == 'pktdt0'
        ip('link', 'del', 'pktdt0')
        time.sleep(0.3)
    code, out, err = r.end()
    assert code == 0 and b'waiting' in err


@live
def test_live_count(running, dns):
    r = running('-i', 'lo', '--proto', f'dns;{dns.port}', '-n', 3)
    end = time.monotonic() + 20
    while r.p.poll() is None:
        assert time.monotonic() < end
        dns.ask()
        time.sleep(0.02)
    assert r.p.returncode == 0 and len(lines(r.drain())) == 3


@live
def test_live_workers(running, dns):
    r = running('-i', 'lo', '--proto', f'dns;{dns.port}', '--workers', 3)
    wait_until_it_captures(r, dns)
    clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(60)]
    for i, c in enumerate(clients):
        c.settimeout(5)
        c.sendto(packets.dns_query(i, 'live.example.com'), ('127.0.0.1', dns.port))
        c.recv(4096)
        c.close()
    got = lines(r.drain())
    assert len(got) == 60 and all(g['Outcome'] == 'answered' for g in got)
    assert r.end()[0] == 0


@live
def test_live_what_was_captured_before_the_end_is_reported(running, dns):
    r = running('-i', 'lo', '--proto', f'dns;{dns.port}')
    wait_until_it_captures(r, dns)
    for _ in range(500):
        dns.ask()
    code, out, err = r.end()  # at once
    assert code == 0 and len(lines(out)) == 500


# --- what is checked in ---

HERE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.mark.parametrize('path, args', [('docs/PROTOCOLS.md', ['protocols', '--markdown']), ('docs/packetd.1', ['help', '--man'])])
def test_docs_are_current(path, args):
    with open(os.path.join(HERE, path), 'rb') as f:
        assert f.read() == run(*args).stdout, 'run make docs'


def commands(text):
    """What a README's blocks say is to be typed, without its remarks."""
    for block in re.findall(r'^```\n(.*?)^```', text, re.M | re.S):
        yield from (line.split('  #')[0].strip() for line in block.splitlines() if not re.match(r'\d\d:|\S+ +\d|packets|connections|protocol|\^C', line))


def test_readmes():
    """The links of both lead somewhere; the Chinese one has the same commands, protocols and ports as the other."""
    texts = {}
    for name in ('README.md', 'README.zh-CN.md'):
        with open(os.path.join(HERE, name), encoding='utf8') as f:
            texts[name] = f.read()
        for target in re.findall(r'\]\(([^)#:]+)\)', texts[name]):
            assert os.path.exists(os.path.join(HERE, target)), target
    english, chinese = texts.values()
    assert len(list(commands(chinese))) > 15 and set(commands(chinese)) == set(commands(english))
    names = [re.findall(r'^\| `(\w+)` \|', t, re.M) for t in texts.values()]
    assert sorted(names[0]) == sorted(names[1])
    for port in re.findall(r'\b\d{2,5}\b', ' '.join(re.findall(r'^\| `\w+` \|.*?\|.*?\|(.*?)\|', english, re.M))):
        assert port in chinese, port


def test_sample():
    r = watch('-r', os.path.join(HERE, 'samples/sample.pcap'))
    got = lines(r.stdout)
    assert r.returncode == 0
    count = {}
    for g in got:
        count[g['Proto'], g['Outcome']] = count.get((g['Proto'], g['Outcome']), 0) + 1
    assert count == {('dns', 'answered'): 4, ('http', 'answered'): 11, ('http', 'reset'): 1, ('redis', 'answered'): 12, ('redis', 'reset'): 1}
    assert {g['Error'] for g in got if 'Error' in g} >= {'NXDOMAIN', '404', '502', 'WRONGTYPE', 'connection_reset', 'connection_refused'}
    assert b'secret' not in r.stdout and b'wrong-password' not in r.stdout
    shown = watch('-r', os.path.join(HERE, 'samples/sample.pcap'), '--show-secrets').stdout
    assert b'wrong-password' in shown

"""Real servers for recordings and live tests: nginx, redis-server, unbound, mariadbd, each in a folder of its own and ended by close()."""

import collections
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

NGINX = '''
daemon off; master_process off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log; {user}
worker_rlimit_nofile {files};
events {{ worker_connections {connections}; }}
http {{
  log_format truth '$connection $remote_addr $remote_port $request_method $request_uri $status $body_bytes_sent $sent_http_transfer_encoding $request_completion $http_expect';
  access_log {access_log}; default_type text/plain; keepalive_requests 1000000; keepalive_timeout 60; tcp_nodelay on; etag on;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  gzip_types text/plain; gzip_min_length 100; gzip_http_version 1.0;
  server {{
    {listen}
    add_header X-Item $arg_id always;
    location ~ ^/item/(?<n>\\d+)$ {{ add_header X-Item $n always; return 200 "item $n\\n"; }}
    location /size/ {{ root {dir}/www; }}
    location /slow/ {{ limit_rate 50k; alias {dir}/www/size/; }}
    location /zip/ {{ gzip on; root {dir}/www; }}
    location = /empty {{ return 204; }}
    location = /moved {{ return 301 /item/1; }}
    location = /upload {{ client_max_body_size 8m; proxy_pass http://unix:{dir}/back.sock:/; proxy_hide_header X-Item; }}
    location = /hang {{ proxy_pass http://unix:{dir}/hang.sock:/; }}
  }}
  server {{ listen unix:{dir}/back.sock; access_log off; location / {{ return 200 "stored\\n"; }} location = /status {{ stub_status; }} }}
}}
'''


def wait_for(check, what, seconds=15):
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise RuntimeError('%s did not start within %d s' % (what, seconds))
        time.sleep(0.03)


class Server:
    """A child process in a scratch folder; `namespace` is a network namespace to run it in."""

    def __init__(self, namespace=None):
        self.dir = tempfile.mkdtemp(prefix='packetd-test-')
        os.chmod(self.dir, 0o755)
        self.prefix = ['ip', 'netns', 'exec', namespace] if namespace else []
        self.child = None

    def start(self, command, ready, env=None):
        self.log = open(os.path.join(self.dir, 'log'), 'wb')
        self.child = subprocess.Popen(self.prefix + command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=env)

        def up():
            if self.child.poll() is not None:
                with open(self.log.name, encoding='utf8', errors='replace') as f:
                    raise RuntimeError('%s ended: %s' % (command[0], f.read()[-2000:]))
            return ready()
        wait_for(up, command[0])

    def listening(self, address, port):
        """Whether something accepts there, without opening a connection that a recording would show."""
        out = subprocess.run(self.prefix + ['ss', '-Hltun', 'sport', '= :%d' % port], capture_output=True, text=True, check=False)
        return ':%d ' % port in out.stdout

    def close(self):
        if self.child and self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        if self.child:
            self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Nginx(Server):
    """Answers /item/N, /size/N (N bytes), /zip/N (compressed, chunked), /upload, /hang (never) …; X-Item repeats ?id=."""

    SIZES = (0, 1, 100, 1400, 2000, 5000, 20000, 100000, 3000000)

    def __init__(self, address='127.0.0.1', port=18080, namespace=None, extra_listen=(), connections=4096, access_log=False):
        super().__init__(namespace)
        self.address, self.port, self.asked = address, port, 0
        self.access_log = os.path.join(self.dir, 'access.log') if access_log else None
        self.log_read = 0
        for kind in ('size', 'zip'):
            os.makedirs(os.path.join(self.dir, 'www', kind))
            for n in self.SIZES:
                with open(os.path.join(self.dir, 'www', kind, str(n)), 'wb') as f:
                    f.write((b'0123456789abcdef HTTP/1.1 200 OK\r\n\r\n' * (n // 36 + 1))[:n])
        self.hang = socket.socket(socket.AF_UNIX)
        self.hang.bind(os.path.join(self.dir, 'hang.sock'))
        self.hang.listen(64)
        os.chmod(os.path.join(self.dir, 'hang.sock'), 0o777)
        listen = ' '.join('listen %s:%d;' % ('[%s]' % a if ':' in a else a, port) for a in (address, *extra_listen))
        conf = os.path.join(self.dir, 'nginx.conf')
        with open(conf, 'w', encoding='utf8') as f:
            f.write(NGINX.format(dir=self.dir, listen=listen, access_log=self.access_log + ' truth' if access_log else 'off', connections=connections, files=connections + 100, user='user root;' if os.geteuid() == 0 else ''))
        self.start(['nginx', '-p', self.dir, '-c', conf], lambda: self.listening(address, port))

    def requests(self):
        """Requests it has been sent so far, by its own count, but for those that ask for the count."""
        text = subprocess.run(['curl', '-sS', '--unix-socket', os.path.join(self.dir, 'back.sock'), 'http://x/status'], capture_output=True, text=True, check=True).stdout
        self.asked += 1
        return int(text.split('\n')[2].split()[2]) - self.asked

    def logged(self):
        """What its access log has got since the last time, as (client, method, URI, status, bytes of the body or None when chunked, whether it
        was all sent), in the order of each connection."""
        with open(self.access_log, encoding='utf8') as f:
            f.seek(self.log_read)
            text = f.read()
        text = text[:text.rfind('\n') + 1]
        self.log_read += len(text.encode())
        for line in text.splitlines():
            _, address, port, method, uri, status, size, encoding, completed, expect = line.split(' ')
            size = int(size) - (len('HTTP/1.1 100 Continue\r\n\r\n') if expect == '100-continue' else 0)  # which it counts among the body
            client = '%s:%s' % ('[%s]' % address if ':' in address else address, port)
            yield client, method, uri, int(status), None if encoding == 'chunked' else size, completed == 'OK'

    def close(self):
        self.hang.close()
        super().close()


class Redis(Server):
    def __init__(self, address='127.0.0.1', port=16379, namespace=None, extra_listen=()):
        super().__init__(namespace)
        self.address, self.port = address, port
        self.start(['redis-server', '--port', str(port), '--bind', address, *extra_listen, '--save', '', '--appendonly', 'no', '--dir', self.dir,
                    '--protected-mode', 'no', '--unixsocket', os.path.join(self.dir, 'sock')], lambda: self.listening(address, port))
        self.asked = 0

    def commands(self):
        """Commands it has carried out so far, by its own count, but for those that ask for the count."""
        text = subprocess.run(['redis-cli', '-s', os.path.join(self.dir, 'sock'), 'INFO', 'stats'], capture_output=True, text=True, check=True).stdout
        count = int(re.search(r'total_commands_processed:(\d+)', text)[1]) - self.asked
        self.asked += 1
        return count

    def calls(self):
        """Command -> how often it was carried out or refused so far, by its own count; but for INFO, which is how we ask."""
        text = subprocess.run(['redis-cli', '-s', os.path.join(self.dir, 'sock'), 'INFO', 'commandstats'], capture_output=True, text=True, check=True).stdout
        found = re.findall(r'cmdstat_(\S+?):calls=(\d+).*?rejected_calls=(\d+)', text)
        return collections.Counter({name.replace('|', ' ').upper(): int(calls) + int(rejected) for name, calls, rejected in found if name != 'info'})


UNBOUND = '''
server:
{interfaces}
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
  do-daemonize: no
  use-syslog: no
  logfile: ""
  username: ""
  chroot: ""
  directory: "{dir}"
  pidfile: "{dir}/pid"
  num-threads: {threads}
  module-config: "iterator"
  incoming-num-tcp: 200
  do-not-query-localhost: yes
  root-hints: ""
  local-zone: "test." static
  local-data: "test. 60 IN SOA ns.test. admin.test. 1 2 3 4 5"
{data}
  extended-statistics: yes
remote-control:
  control-enable: yes
  control-interface: {dir}/control
  control-use-cert: no
'''


class Unbound(Server):
    """Authoritative for test.: n0…n255.test A 10.0.0.N, t1…t20 TXT (long ones), mx, alias, big (a TXT of 1 kB); anything else there is NXDOMAIN."""

    def __init__(self, address='127.0.0.1', port=15300, namespace=None, threads=1, extra_listen=()):
        super().__init__(namespace)
        self.address, self.port = address, port
        data = ['n%d.test. 60 IN A 10.0.0.%d' % (n, n) for n in range(256)]
        data += ['n%d.test. 60 IN AAAA 2001:db8::%x' % (n, n) for n in range(1, 128)]
        data += ["t%d.test. 60 IN TXT \"%s\"" % (n, 'text %d ' % n * n) for n in range(1, 21)]
        data += ['mx.test. 60 IN MX 10 n1.test.', 'alias.test. 60 IN CNAME n1.test.', '_s._tcp.test. 60 IN SRV 1 2 80 n1.test.',
                 '1.0.0.10.in-addr.arpa. 60 IN PTR n1.test.']
        data.append('big.test. 60 IN TXT ' + ' '.join('"%s"' % (c * 250) for c in 'abcd'))
        self.conf = conf = os.path.join(self.dir, 'unbound.conf')
        with open(conf, 'w', encoding='utf8') as f:
            f.write(UNBOUND.format(dir=self.dir, threads=threads, interfaces='\n'.join('  interface: %s@%d' % (a, port) for a in (address, *extra_listen)),
                                   data='\n'.join("  local-data: '%s'" % d for d in data)))
        self.start(['unbound', '-d', '-c', conf], lambda: self.listening(address, port))

    def counts(self):
        """Its own statistics so far: total.num.queries, num.query.tcp, num.query.type.A, num.answer.rcode.NOERROR …"""
        text = subprocess.run(['unbound-control', '-c', self.conf, 'stats_noreset'], capture_output=True, text=True, check=True).stdout
        return collections.Counter({k: int(v) for k, v in (line.split('=') for line in text.splitlines()) if k.split('.')[-1] != 'avg' and v.isdigit()})


class Tcpdump:
    """Records to a file until closed; waits until it really captures. A context manager."""

    def __init__(self, path, interface, expression, namespace=None, options=()):
        self.prefix = ['ip', 'netns', 'exec', namespace] if namespace else []
        self.path = path
        self.child = subprocess.Popen(self.prefix + ['tcpdump', '-Z', 'root', '-U', '-n', '-i', interface, '-w', path, '-B', '16384', '--immediate-mode', '--time-stamp-precision=nano',
                                                     *options, expression], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        ready = threading.Event()

        def read():
            for line in self.child.stderr:
                if b'listening on' in line:
                    ready.set()
        threading.Thread(target=read, daemon=True).start()
        if not ready.wait(10):
            raise RuntimeError('tcpdump does not start')
        time.sleep(0.2)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        time.sleep(0.5)
        self.child.send_signal(signal.SIGINT)
        self.child.wait(10)


class Loopback:
    """A namespace of its own with nothing but a loopback interface, which nobody else uses."""

    def __init__(self, name='pdl%d' % (os.getpid() % 100000)):
        self.name = name
        self.close()
        Veth.run('ip', 'netns', 'add', name)
        Veth.run('ip', '-n', name, 'link', 'set', 'lo', 'up')
        wait_for(lambda: 'inet6 ::1' in subprocess.run(['ip', '-n', name, 'addr', 'show', 'lo'], capture_output=True, text=True, check=True).stdout, 'the loopback')

    def packets(self):
        """What the kernel says has passed so far."""
        out = subprocess.run(['ip', '-n', self.name, '-j', '-s', 'link', 'show', 'lo'], capture_output=True, text=True, check=True).stdout
        return json.loads(out)[0]['stats64']['rx']['packets']

    def close(self):
        subprocess.run(['ip', 'netns', 'delete', self.name], capture_output=True, check=False)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Bridged:
    """As containers on one host: a client and a server in namespaces of their own, each with a veth into the host's, which bridges them. NAMEh is
    the host, with the ends hc and hs and the bridge br; NAMEc (10.78.0.1) and NAMEs (10.78.0.2) call theirs eth0. Segments as large as the kernel makes them."""

    CLIENT, SERVER = '10.78.0.1', '10.78.0.2'

    def __init__(self, name='pdb%d' % (os.getpid() % 10000)):
        self.client, self.server, self.host = name + 'c', name + 's', name + 'h'
        self.close()
        try:
            self.build()
        except Exception:
            self.close()
            raise

    def build(self):
        for n in (self.client, self.server, self.host):
            Veth.run('ip', 'netns', 'add', n)
            Veth.run('ip', '-n', n, 'link', 'set', 'lo', 'up')
        Veth.run('ip', '-n', self.host, 'link', 'add', 'name', 'br', 'type', 'bridge', 'forward_delay', '0')
        Veth.run('ip', '-n', self.host, 'link', 'set', 'dev', 'br', 'up')
        self.plug('hc', self.client, self.CLIENT)
        self.plug('hs', self.server, self.SERVER)
        wait_for(lambda: all('state forwarding' in subprocess.run(['ip', '-n', self.host, '-d', 'link', 'show', end], capture_output=True, text=True, check=True).stdout
                             for end in ('hc', 'hs')), 'the bridge')

    def plug(self, end, namespace, address):
        Veth.run('ip', 'link', 'add', end, 'netns', self.host, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
        Veth.run('ip', '-n', namespace, 'address', 'add', address + '/24', 'dev', 'eth0')
        Veth.run('ip', '-n', self.host, 'link', 'set', end, 'master', 'br', 'up')
        Veth.run('ip', '-n', namespace, 'link', 'set', 'eth0', 'up')

    def unplug(self, end):
        Veth.run('ip', '-n', self.host, 'link', 'delete', end)

    def close(self):
        for n in (self.client, self.server, self.host):
            subprocess.run(['ip', 'netns', 'delete', n], capture_output=True, check=False)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Veth:
    """Two namespaces joined by a veth pair: NAMEc (10.77.0.1) and NAMEs (10.77.0.2), segments of at most 1500 bytes."""

    CLIENT, SERVER = '10.77.0.1', '10.77.0.2'

    def __init__(self, name='pdt%d' % (os.getpid() % 10000)):
        self.client, self.server = name + 'c', name + 's'
        self.close()
        for n in (self.client, self.server):
            self.run('ip', 'netns', 'add', n)
        self.run('ip', 'link', 'add', 'v0', 'netns', self.client, 'type', 'veth', 'peer', 'name', 'v0', 'netns', self.server)
        for n, a in ((self.client, self.CLIENT), (self.server, self.SERVER)):
            self.run('ip', '-n', n, 'address', 'add', a + '/24', 'dev', 'v0')
            self.run('ip', '-n', n, 'link', 'set', 'lo', 'up')
            self.run('ip', '-n', n, 'link', 'set', 'v0', 'up')
            self.run('ip', 'netns', 'exec', n, 'ethtool', '-K', 'v0', 'tso', 'off', 'gso', 'off', 'gro', 'off')
        wait_for(lambda: all('state UP' in subprocess.run(['ip', '-n', n, 'link', 'show', 'v0'], capture_output=True, text=True, check=True).stdout
                             for n in (self.client, self.server)), 'the veth pair')

    @staticmethod
    def run(*command):
        subprocess.run(command, check=True, capture_output=True)

    def close(self):
        for n in (self.client, self.server):
            subprocess.run(['ip', 'netns', 'delete', n], capture_output=True, check=False)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class MariaDB(Server):
    """mariadbd with database `d`, user u (password pw), its general log in `log_file`, and SQL over its socket by sql()."""

    USER, PASSWORD, DATABASE = 'u', 'pw', 'd'

    def __init__(self, address='127.0.0.1', port=13306, namespace=None, options=()):
        super().__init__(namespace)
        self.address, self.port = address, port
        data, self.socket = os.path.join(self.dir, 'data'), os.path.join(self.dir, 's')
        self.log_file = os.path.join(self.dir, 'general.log')
        user = ['--user=root'] if os.geteuid() == 0 else []
        subprocess.run(['mariadb-install-db', '--no-defaults', *user, '--datadir=' + data, '--skip-test-db', '--auth-root-authentication-method=normal'],
                       check=True, capture_output=True, timeout=120)
        self.start(['mariadbd', '--no-defaults', *user, '--datadir=' + data, '--socket=' + self.socket, '--port=%d' % port, '--bind-address=' + address,
                    '--general-log=1', '--log-output=FILE', '--general-log-file=' + self.log_file, '--local-infile=1', '--max-allowed-packet=64M',
                    '--skip-name-resolve', '--innodb-buffer-pool-size=16M', '--pid-file=' + os.path.join(self.dir, 'pid'), *options],
                   lambda: self.listening(address, port) and os.path.exists(self.socket))
        self.sql("create database d; create user u@'%' identified by 'pw'; grant all on *.* to u@'%'")

    def sql(self, text):
        done = subprocess.run(['mariadb', '--no-defaults', '-S', self.socket, '-uroot', '-N', '-B'], input=text, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    def logged(self):
        """Its own list of what it was asked: (thread, command, text), text with the line breaks it came with."""
        entry = re.compile(r'^(?:\d{6} [ \d]\d:\d\d:\d\d)?\t+ *(\d+) ([A-Z][A-Za-z ]*)\t(.*)$')
        out = []
        with open(self.log_file, encoding='utf8', errors='replace') as f:
            for line in f:
                m = entry.match(line.rstrip('\n'))
                if m:
                    out.append([int(m[1]), m[2], m[3]])
                elif out and not line.startswith(('Tcp port:', 'Time  ')):
                    out[-1][2] += '\n' + line.rstrip('\n')
        return [tuple(e) for e in out]

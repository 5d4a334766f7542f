#!/usr/bin/env bash
# Records sample.pcap: real nginx, redis and unbound, and their real clients, in two network namespaces joined by a veth pair.
# usage (as root): samples/record.sh [OUT]     needs nginx with echo, redis, unbound, tcpdump, curl, dig, python3
set -eu
out=$(realpath "${1:-$(dirname "$0")/sample.pcap}")
dir=$(mktemp -d)
c=pktd-sample-c s=pktd-sample-s
cleanup() {
	set +e
	for f in "$dir"/*.pid; do [ -f "$f" ] && kill "$(cat "$f")"; done
	sleep 0.5
	ip netns del $c
	ip netns del $s
	rm -rf "$dir"
}
trap cleanup EXIT

ip netns add $c
ip netns add $s
ip link add pktd0 netns $c type veth peer name pktd1 netns $s
ip -n $c link set lo up
ip -n $s link set lo up
ip -n $c addr add 10.1.0.7/24 dev pktd0
for a in 2 9 21; do ip -n $s addr add 10.1.0.$a/24 dev pktd1; done
ip -n $c link set pktd0 up
ip -n $s link set pktd1 up
client() { ip netns exec $c "$@"; }
server() { ip netns exec $s "$@"; }

# --- servers: web 10.1.0.21, redis 10.1.0.9, dns 10.1.0.2 ---
mkdir -p "$dir/www"
chmod 755 "$dir" "$dir/www"
head -c 120000 /dev/zero | tr '\0' '#' > "$dir/www/report.csv"
cat > "$dir/nginx.conf" <<CONF
load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;
user root; worker_processes 1; pid $dir/nginx.pid; error_log $dir/nginx.log;
events { worker_connections 100; }
http {
	access_log off; server_tokens off; default_type application/json;
	server {
		listen 10.1.0.21:80; root $dir/www;
		location = /items { return 200 '{"items":[{"id":3,"name":"lamp"}]}'; }
		location = /login { add_header Set-Cookie "session=8c1f2d; HttpOnly"; return 204; }
		location = /orders { return 201 '{"order":1207}'; }
		location = /stock { echo_sleep 0.35; echo '{"lamp":4}'; }
		location = /pay { return 502 '{"error":"payment service unreachable"}'; }
		location = /old { return 301 /items; }
		location = /report.csv { limit_rate 300k; }
	}
}
CONF
server nginx -c "$dir/nginx.conf" -p "$dir"
server redis-server --bind 10.1.0.9 --port 6379 --save '' --daemonize yes --pidfile "$dir/redis.pid" --dir "$dir" --protected-mode no > /dev/null
cat > "$dir/unbound.conf" <<CONF
server:
	interface: 10.1.0.2
	access-control: 10.1.0.0/24 allow
	do-daemonize: yes
	use-syslog: no
	chroot: ""
	username: ""
	directory: "$dir"
	pidfile: "$dir/unbound.pid"
	local-zone: "shop.example." static
	local-data: "www.shop.example. 60 A 10.1.0.21"
	local-data: "www.shop.example. 60 AAAA fd00::21"
	local-data: "cache.shop.example. 60 A 10.1.0.9"
	local-data: "shop.example. 300 MX 10 mail.shop.example."
remote-control:
	control-enable: no
CONF
server unbound -c "$dir/unbound.conf" 2> /dev/null
sleep 1

# --- what clients do ---
client tcpdump -i pktd0 -U -s 0 -w "$dir/out.pcap" 'tcp or udp or icmp' 2> /dev/null &
tcpdump=$!
sleep 1
dig() { client dig +tries=1 +time=2 "$@" @10.1.0.2 > /dev/null || true; }
get() { client curl -s -A shop/1.4 --resolve www.shop.example:80:10.1.0.21 "$@" > /dev/null || true; }
redis() { client redis-cli -h 10.1.0.9 "$@" > /dev/null || true; }

dig www.shop.example A
dig www.shop.example AAAA
dig api.shop.example A
dig +tcp shop.example MX
get http://www.shop.example/items?id=3 http://www.shop.example/old http://www.shop.example/nothing
get -u anna:secret http://www.shop.example/login
get -X POST -H 'Content-Type: application/json' -d '{"item":3}' http://www.shop.example/orders
get http://www.shop.example/stock?item=lamp
get -X POST -d 'order=1207' http://www.shop.example/pay
get http://www.shop.example/report.csv
redis SET session:17 '{"user":"anna"}' EX 600
redis GET session:17
redis GET session:99
redis HSET cart:17 lamp 1 bulb 4
redis HGETALL cart:17
redis LPUSH session:17 x
redis AUTH wrong-password
client python3 - <<'PY'
import socket, struct, time
# A batch in one write: five commands, five answers.
r = socket.create_connection(('10.1.0.9', 6379))
r.sendall(b''.join(b'*2\r\n$4\r\nINCR\r\n$%d\r\n%s\r\n' % (len(k), k) for k in (b'hits', b'hits', b'visitors', b'hits', b'visitors')))
time.sleep(0.1)
r.recv(4096)
r.close()
# Three requests before the first answer.
w = socket.create_connection(('10.1.0.21', 80))
w.sendall(b''.join(b'GET /items?id=%d HTTP/1.1\r\nHost: www.shop.example\r\n\r\n' % i for i in (4, 5, 6)))
time.sleep(0.1)
w.recv(65536)
w.close()
# A client that loses patience and resets.
w = socket.create_connection(('10.1.0.21', 80))
w.sendall(b'GET /stock?item=chair HTTP/1.1\r\nHost: www.shop.example\r\n\r\n')
time.sleep(0.12)
w.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
w.close()
# Nobody listens there.
try:
    socket.create_connection(('10.1.0.21', 6379), 1)
except OSError:
    pass
PY
sleep 1
kill $tcpdump
wait $tcpdump || true
cp "$dir/out.pcap" "$out"
ls -l "$out"

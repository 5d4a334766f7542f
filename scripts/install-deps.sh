#!/bin/sh
# Installs what is missing to build and run (`run`), or also to test (`test`, and `peers` for `make test-peers`), to fuzz (`fuzz`) or to compare (`bench`), on Debian and its kin.
# Uses apt-get only when something is missing, with sudo when not root.
set -eu

# A line for each purpose.
run='gcc make meson ninja-build pkg-config
	libpcap-dev libxxhash-dev zlib1g-dev libzstd-dev libbrotli-dev
	libcap-ng-dev libseccomp-dev
	libmicrohttpd-dev libyaml-dev libcurl4-openssl-dev librdkafka-dev libjansson-dev libsnappy-dev'
test="$run clang libcmocka-dev git zstd openssl
	python3 python3-pytest python3-pip python3-yaml python3-jsonschema rabbitmq-server python3-pika
	tcpdump curl iproute2 ethtool libcap2-bin
	nginx-light apache2-utils wrk
	libnghttp2-dev nghttp2-server nghttp2-client nghttp2-proxy nodejs python3-grpcio
	redis-server redis-tools python3-redis
	unbound bind9-dnsutils dnsperf python3-dnspython
	mariadb-server sysbench python3-pymysql python3-mysqldb
	postgresql python3-psycopg2 python3-psycopg python3-asyncpg libpostgresql-jdbc-java
	python3-pymongo python3-snappy python3-zstandard
	python3-confluent-kafka
	prometheus victoria-metrics python3-prometheus-client python3-protobuf python3-h2"
peers="$test g++ libgrpc++-dev default-jdk-headless maven kcat"
fuzz="$run clang libclang-rt-dev llvm"
bench="$run python3 mariadb-server sysbench postgresql nginx-light redis-server redis-tools unbound tcpdump tshark wrk dnsperf iproute2
	nghttp2-server nghttp2-client python3-confluent-kafka rabbitmq-server python3-pika"

case "${1:-run}" in
run) wanted=$run ;;
test) wanted=$test ;;
peers) wanted=$peers ;;
fuzz) wanted=$fuzz ;;
bench) wanted=$bench ;;
*) echo "usage: $0 run|test|peers|fuzz|bench" >&2; exit 2 ;;
esac

if ! command -v dpkg-query > /dev/null; then
	echo "This is not Debian: please install what corresponds to: $wanted" >&2
	exit 0
fi

missing=
for p in $wanted; do
	dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2> /dev/null | grep -q '^.i' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo > /dev/null; then
		echo "Missing:$missing" >&2
		echo "Please install them as root: apt-get install$missing" >&2
		exit 1
	fi
	sudo="sudo env DEBIAN_FRONTEND=noninteractive"
fi
echo "Installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
if ! $sudo apt-get install -y --no-install-recommends $missing > /dev/null 2>&1; then
	$sudo apt-get update -qq
	$sudo apt-get install -y --no-install-recommends $missing > /dev/null
fi

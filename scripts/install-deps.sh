#!/bin/sh
# Installs what is missing to build and run (`run`), or also to test (`test`), to fuzz (`fuzz`) or to compare (`bench`), on Debian and its kin.
# Uses apt-get only when something is missing, with sudo when not root.
set -eu

run='gcc make meson ninja-build pkg-config libpcap-dev libxxhash-dev zlib1g-dev libzstd-dev libbrotli-dev libcap-ng-dev libseccomp-dev libmicrohttpd-dev libyaml-dev libcurl4-openssl-dev librdkafka-dev libjansson-dev libsnappy-dev'
test="$run clang libcmocka-dev git zstd python3 python3-pytest python3-redis python3-dnspython
	nginx-light redis-server redis-tools unbound python3-confluent-kafka tcpdump curl bind9-dnsutils apache2-utils wrk dnsperf libcap2-bin iproute2 ethtool python3-prometheus-client python3-protobuf prometheus victoria-metrics python3-h2 openssl python3-jsonschema python3-yaml"
fuzz="$run clang libclang-rt-dev llvm"
bench="$run python3 nginx-light redis-server redis-tools unbound tcpdump tshark wrk dnsperf iproute2"

case "${1:-run}" in
run) wanted=$run ;;
test) wanted=$test ;;
fuzz) wanted=$fuzz ;;
bench) wanted=$bench ;;
*) echo "usage: $0 run|test|fuzz|bench" >&2; exit 2 ;;
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

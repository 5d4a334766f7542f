#!/bin/sh
# How long the text of N series takes (default 100 000 counters and 5 000 histograms): ours beside client_golang, the library behind
# node_exporter and Prometheus itself. Fails when ours takes more than 1.5 times as long. Needs go, its module proxy, and a build configured with -Dtests=true.
#   bench/exposition/run.sh [BUILD_DIR] [N]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
probe=$(cd "${1:-build}" && pwd)/metrics_probe
n=${2:-100000}
work=${XDG_CACHE_HOME:-$HOME/.cache}/packetd-exposition
mkdir -p "$work"
cp "$here/main.go" "$work/"
cd "$work"
[ -f go.mod ] || go mod init exposition > /dev/null 2>&1
[ -x exposition ] && [ ! main.go -nt exposition ] || { go mod tidy > /dev/null 2>&1; go build -o exposition .; }
theirs=$(./exposition "$n")
ours=$("$probe" series "$n" text c)
echo "client_golang: $theirs (seconds bytes)"
echo "packetd:       $ours"
echo "$ours $theirs" | awk '{ printf "ratio: %.2f\n", $1 / $3; exit $1 > 1.5 * $3 }'

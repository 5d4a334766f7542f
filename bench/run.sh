#!/usr/bin/env bash
# Speed, memory and completeness beside other programs, on this machine; `make bench` calls it.
#   bench/run.sh [--no-fail] [offline] [live] [databases] [memory] [agent]     default: all; live and databases need root
# Prints tables, and at the end every target: met or missed (then exit 1, unless --no-fail). All of it is also in build/bench/results.md.
# ROUNDS=5: repetitions, in which all programs take turns. BENCH_SCALE=1: 0.05 is a quick look. LIVE_SECONDS=6: length of a load.
# PACKETD=build/packetd: which one. Captures are recorded once, into build/bench (7 GB); BENCH_DATA moves them.
# As root it runs in a network namespace of its own: nobody else's traffic is on its loopback interface.
set -eu
cd "$(dirname "$0")/.."
scripts/install-deps.sh bench
data=${BENCH_DATA:-build/bench}
mkdir -p "$data"
for tool in measure gencap multiply; do ${CC:-gcc} -O2 -o "$data/$tool" "bench/$tool.c"; done
${CC:-gcc} -O2 -o "$data/pcaploop" bench/pcaploop.c -lpcap
run='exec /usr/bin/python3 bench/bench.py "$@"'
if [ "$(id -u)" -eq 0 ]; then
	exec unshare --net sh -c "ip link set lo up && $run" sh "$@"
fi
exec sh -c "$run" sh "$@"

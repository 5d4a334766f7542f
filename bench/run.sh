#!/usr/bin/env bash
# Speed, memory and completeness beside other programs, on this machine; `make bench` calls it. Writes bench/results.md.
#   bench/run.sh [offline] [live] [memory]     default: all three, the last two as root
# Rounds are interleaved; ROUNDS=5 and PACKETD=build/packetd can be set. Captures are recorded once into bench/data.
set -eu
cd "$(dirname "$0")/.."
scripts/install-deps.sh bench
mkdir -p bench/data
for tool in measure gencap multiply; do gcc -O2 -o "bench/data/$tool" "bench/$tool.c"; done
gcc -O2 -o bench/data/pcaploop bench/pcaploop.c -lpcap
exec /usr/bin/python3 bench/bench.py "$@"

#!/bin/sh
# Builds receivers of the real kind with Go, for tests/export/test_transport.py to use when they are there: the OpenTelemetry
# Collector's OTLP receiver, Prometheus' remote write handler with its store, and VictoriaLogs. Takes some minutes once. usage: real.sh [FOLDER]
# SPDX-License-Identifier: Apache-2.0
set -eu
to=${1:-${PACKETD_REAL:-${XDG_CACHE_HOME:-$HOME/.cache}/packetd-real}}
mkdir -p "$to"
to=$(cd "$to" && pwd)
cd "$(dirname "$0")"
[ -x "$to/otlpsink" ] || (cd otlpsink && go build -o "$to/otlpsink" .)
[ -x "$to/rwsink" ] || (cd rwsink && go build -o "$to/rwsink" .)
[ -x "$to/victoria-logs" ] || GOBIN=$to go install github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs@latest
echo "in $to:"
ls "$to"

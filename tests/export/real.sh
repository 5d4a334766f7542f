#!/bin/sh
# Builds receivers of the real kind with Go and Maven, for tests/export/test_transport.py and tests/integration/test_real_backends.py to use when they
# are there: the OpenTelemetry Collector's OTLP receiver, Prometheus' remote write handler with its store, VictoriaLogs, Jaeger and OpenSearch. Takes some
# minutes once; what cannot be had is left out, and its tests say so. `make test-backends` runs this and them. usage: real.sh [FOLDER]
# SPDX-License-Identifier: Apache-2.0
set -eu
try() { # NAME COMMAND...
	[ -x "$to/$1" ] || "$2" || echo "$1 cannot be built here: its tests are left out" >&2
}
collector() { (cd otlpsink && go build -o "$to/otlpsink" .); }
prometheus() { (cd rwsink && go build -o "$to/rwsink" .); }
victoria_logs() { GOBIN=$to go install github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs@latest; }
jaeger() { # its module replaces others and so cannot be installed, but it can be built as somebody's dependency
	work=$(mktemp -d) && (
		cd "$work" && go mod init packetd/jaeger && go get github.com/jaegertracing/jaeger/cmd/all-in-one@v1.76.0 &&
			go build -mod=mod -o "$to/jaeger" github.com/jaegertracing/jaeger/cmd/all-in-one
	)
	made=$?
	rm -rf "$work"
	return $made
}
opensearch() { # a node from its libraries: there is no package of the whole
	lib=$to/opensearch.d/lib classes=$to/opensearch.d/classes
	mvn -q -B -f opensearch/pom.xml dependency:copy-dependencies -DoutputDirectory="$lib" && javac -cp "$lib/*" -d "$classes" opensearch/Store.java &&
		printf '#!/bin/sh\nexec java -Xmx512m -XX:+UseSerialGC -cp "%s:%s/*" Store "$@"\n' "$classes" "$lib" > "$to/opensearch" && chmod +x "$to/opensearch"
}
to=${1:-${PACKETD_REAL:-${XDG_CACHE_HOME:-$HOME/.cache}/packetd-real}}
mkdir -p "$to"
to=$(cd "$to" && pwd)
cd "$(dirname "$0")"
try otlpsink collector
try rwsink prometheus
try victoria-logs victoria_logs
try jaeger jaeger
try opensearch opensearch
echo "in $to:"
ls "$to"

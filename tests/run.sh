#!/usr/bin/env bash
# All tests: `make test` calls this. Prints what each part does and, as its last line, "N passed, N failed[, N skipped]".
#   tests/run.sh [PART]...     parts: static clang unit fuzz-replay captures metrics cases metamorphic cost cli exporters deploy integration corpus odd (default: all); and backends,
#                          which has real receivers that tests/export/real.sh builds (make test-backends), and peers, whose
#                          clients and servers of other makes tests/peers/build.sh makes (make test-peers)
# The program is built with gcc, AddressSanitizer and UBSan in build-asan; once more with clang in build-clang. Captures with known
# exchanges beside the checkout (../shared, or $PACKETD_SHARED) are scored when they are there.
set -u
cd "$(dirname "$0")/.." || exit 1

ROOT=$PWD
ASAN=${PACKETD_BUILD_ASAN:-build-asan}
SHARED=${PACKETD_SHARED:-../shared}
PYTHON=${PYTHON:-/usr/bin/python3}
RESULTS=$(mktemp -d)
trap 'rm -rf "$RESULTS"' EXIT
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
export PACKETD=$ROOT/$ASAN/packetd
passed=0 failed=0 skipped=0
parts=("$@")
[ $# -gt 0 ] || parts=(static clang unit fuzz-replay captures metrics cases metamorphic cost cli exporters deploy integration corpus odd)

wanted() {
	local p
	for p in "${parts[@]}"; do [ "$p" = "$1" ] && return 0; done
	return 1
}

# count PASSED FAILED SKIPPED NAME
count() {
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
	printf '== %-22s %4d passed, %d failed, %d skipped  (%d s)\n' "$4" "$1" "$2" "$3" $((SECONDS - began))
}

# one NAME SECONDS COMMAND...: a part that is one test
one() {
	local name=$1 seconds=$2
	shift 2
	began=$SECONDS
	if timeout --kill-after=10 "$seconds" "$@" > "$RESULTS/out" 2>&1; then
		count 1 0 0 "$name"
	else
		tail -n 40 "$RESULTS/out"
		count 0 1 0 "$name"
	fi
}


build() {
	local name=$1 dir=$2
	shift 2
	one "$name" 900 bash -c 'dir=$1; shift; { if [ -f "$dir/build.ninja" ]; then meson setup --reconfigure "$dir" "$@"; else meson setup "$dir" "$@"; fi; } && ninja -C "$dir"' - "$dir" "$@"
}

# meson_suite NAME SUITE SECONDS
meson_suite() {
	began=$SECONDS
	timeout --kill-after=10 "$3" meson test -C "$ASAN" --no-rebuild --suite "$2" --print-errorlogs > "$RESULTS/out" 2>&1
	local code=$? numbers
	numbers=$("$PYTHON" tests/lib/count_results.py meson "$ASAN/meson-logs/testlog.json" "$code") || numbers='0 1 0'
	set -- "$1" $numbers
	[ "$3" -eq 0 ] || tail -n 60 "$RESULTS/out"
	count "$2" "$3" "$4" "$1"
}

# python NAME SECONDS FILE...
python() {
	local name=$1 seconds=$2 code numbers
	shift 2
	began=$SECONDS
	timeout --kill-after=10 "$seconds" "$PYTHON" -m pytest -q -p no:cacheprovider --tb=short --maxfail=40 --junit-xml="$RESULTS/$name.xml" "$@" > "$RESULTS/out" 2>&1
	code=$?
	[ "$code" -eq 0 ] || [ "$code" -eq 5 ] || tail -n 80 "$RESULTS/out"
	numbers=$("$PYTHON" tests/lib/count_results.py junit "$RESULTS/$name.xml" "$code") || numbers='0 1 0'
	count $numbers "$name"
}

if wanted static; then
	one 'layers' 60 scripts/check-layers.py
	one 'tree' 60 scripts/check-tree.py
fi
wanted clang && CC=clang build 'compiles with clang' build-clang --buildtype=release
before=$failed
build 'compiles with gcc, asan' "$ASAN" -Dtests=true --buildtype=debugoptimized -Db_sanitize=address,undefined
if [ "$failed" -gt "$before" ]; then
	echo "Stopped: what does not compile cannot be tested." >&2
	echo "$passed passed, $failed failed"
	exit 1
fi
if [ -d "$SHARED/corpus/files" ]; then PACKETD_CORPUS=$(cd "$SHARED/corpus" && pwd); export PACKETD_CORPUS; fi
wanted unit && meson_suite 'unit' unit 900
wanted fuzz-replay && grep -q "suite: 'fuzz'" meson.build && meson_suite 'fuzz replay' fuzz 600
wanted captures && python 'captures' 300 tests/captures
wanted metrics && python 'metrics' 300 tests/metrics
wanted cases && python 'cases' 300 tests/cases
wanted metamorphic && python 'metamorphic' 1200 tests/metamorphic
wanted cost && PACKETD_PLAIN=$ROOT/build-clang/packetd python 'cost' 300 tests/cost
wanted cli && python 'command-line' 300 tests/cli
wanted exporters && python 'exporters' 900 tests/export
wanted deploy && python 'deploy' 300 tests/deploy
wanted integration && PACKETD_PLAIN=$ROOT/build-clang/packetd python 'integration' 900 tests/integration
wanted backends && python 'backends' 600 tests/export/test_transport.py tests/integration/test_real_backends.py
wanted peers && python 'peers' 900 tests/peers
if [ -x "$SHARED/tools/score" ] && [ -d "$SHARED/corpus" ]; then
	export PACKETD_SHARED=$SHARED
	wanted corpus && python 'corpus' 900 tests/corpus/test_score.py
	wanted odd && python 'odd captures' 600 tests/corpus/test_odd.py
elif wanted corpus; then
	echo "no captures to score in $SHARED: left out"
fi

if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

#!/usr/bin/env bash
# Runs each fuzz target for a while with libFuzzer, AddressSanitizer and UBSan; `make fuzz [TIME=60] [TARGET=http]` calls this.
# What is learned stays in build-fuzz/corpus, inputs that fail in build-fuzz/found; each is named with the command that repeats it.
# MAX_LEN=2000 makes inputs short and runs many. An input that failed once becomes a seed of its target (see README.md), so that the tests replay it for ever.
set -u
cd "$(dirname "$0")/../.." || exit 1
TIME=${TIME:-60} TARGET=${TARGET:-} BUILD=${BUILD_FUZZ:-build-fuzz}
MEGABYTES=${MEGABYTES:-1500} SECONDS_PER_INPUT=${SECONDS_PER_INPUT:-10} MAX_LEN=${MAX_LEN:-65536}

case $TIME in
'' | *[!0-9]*) echo "TIME=$TIME: seconds for each target, a number" >&2; exit 2 ;;
esac

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1:handle_abort=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
if [ -f "$BUILD/build.ninja" ]; then
	meson setup --reconfigure "$BUILD" -Dwerror=false > "$BUILD/configure.log" 2>&1 || { tail -n 20 "$BUILD/configure.log" >&2; exit 1; }
else
	mkdir -p "$BUILD"
	CC=${FUZZ_CC:-clang} meson setup "$BUILD" -Dfuzz=true -Dwerror=false --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false > "$BUILD/configure.log" 2>&1 ||
		{ tail -n 20 "$BUILD/configure.log" >&2; exit 1; }
fi

protocols=$(sed -n 's/^X(\(.*\))$/\1/p' src/proto/proto_list.h)
others=$(cd tests/fuzz && printf '%s\n' fuzz_*.c | sed -e 's/^fuzz_//' -e 's/\.c$//' -e '/^proto$/d')
all=$(printf '%s\n' $protocols $others)
if [ -n "$TARGET" ]; then
	for t in ${TARGET//,/ }; do
		printf '%s\n' "$all" | grep -qx "${t#fuzz_}" || { echo "TARGET=$t: there are" $all >&2; exit 2; }
	done
	all=${TARGET//,/ }
fi
ninja -C "$BUILD" --quiet $(printf 'fuzz_%s ' ${all//fuzz_/}) || exit 1

# options TARGET: seeds and dictionaries, where there are any
options() {
	local name=$1 path
	for path in "src/proto/$name/seeds" "tests/fuzz/seeds/fuzz_$name"; do
		[ -d "$path" ] && echo "$path"
	done
	for path in "src/proto/$name/fuzz.dict" "tests/fuzz/fuzz_$name.dict"; do
		[ -f "$path" ] && echo "-dict=$path"
	done
}

# what a target did, from the last lines libFuzzer wrote
summary() {
	local runs paths
	runs=$(grep -o 'stat::number_of_executed_units: *[0-9]*' "$1" | grep -o '[0-9]*$')
	paths=$(grep -o 'cov: [0-9]*' "$1" | tail -n 1)
	echo "${runs:-?} runs, ${paths:-cov: ?}"
}

failed=0 passed=0
mkdir -p "$BUILD/found" "$BUILD/log"
for t in $all; do
	name=${t#fuzz_} target=fuzz_${t#fuzz_} log=$BUILD/log/fuzz_${t#fuzz_}
	mkdir -p "$BUILD/corpus/$target"
	began=$SECONDS
	touch "$BUILD/log/began"
	nice -n 10 timeout --kill-after=10 $((TIME + 120)) "$BUILD/$target" -max_total_time="$TIME" -timeout="$SECONDS_PER_INPUT" -rss_limit_mb="$MEGABYTES" \
		-malloc_limit_mb="$MEGABYTES" -max_len="$MAX_LEN" -reduce_inputs=1 -entropic=0 -print_final_stats=1 -artifact_prefix="$BUILD/found/$target-" \
		"$BUILD/corpus/$target" $(options "$name") > "$log" 2>&1
	code=$?
	if [ $code -eq 0 ]; then
		passed=$((passed + 1))
		printf '== %-22s ok, %s  (%d s)\n' "$target" "$(summary "$log")" $((SECONDS - began))
		continue
	fi
	failed=$((failed + 1))
	printf '== %-22s FAILED (exit %d), all of it in %s\n' "$target" $code "$log"
	grep -m 1 -A 12 -E 'ERROR: |runtime error|^fuzz_' "$log" || tail -n 12 "$log"
	find "$BUILD/found" -name "$target-*" -newer "$BUILD/log/began" | sort | while read -r input; do
		echo "   again: $BUILD/$target $input"
	done
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]

# A thin layer over meson: `make run` and `make test` are all a newcomer needs.
#   make run [CONFIG=file]                  the agent on live traffic: a line per RoundTrip here, metrics and API on 127.0.0.1:9091
#   make run PCAP=file [ARGS='-o wide']     a capture file
#   make watch [ARGS='-o wide']             live traffic without the agent
#   make build      build/packetd (optimised)
#   make test       all tests, with sanitizers
#   make test-peers      clients and servers of other makes (Go, Java, C++, Python, Node; Kafka's and RabbitMQ's brokers) talk, live
#   make test-backends   that, and against Jaeger, the OpenTelemetry Collector's receiver, Prometheus' newest handler, VictoriaLogs and OpenSearch, built with Go and Maven
#   make bench [BENCH_SCALE=0.05] [ARGS=--no-fail]   speed, memory and completeness, beside other programs
#   make fuzz [TIME=60] [TARGET=http]   every fuzz target for a while
#   make docs       docs/PROTOCOLS.md, docs/CONFIG.md and docs/packetd.1 from the tables in the program
#   make install    DESTDIR=, PREFIX=/usr/local: program, man page, completions
BUILD  ?= build
PREFIX ?= /usr/local
BUILDTYPE ?= release
PCAP   ?=
ARGS   ?=
CONFIG ?=

# One name per line, and the commit; when a file or commit comes or goes the list changes and meson looks again.
SOURCE_LIST := $(BUILD)/sources.txt

.PHONY: build run watch test test-backends test-peers bench fuzz docs install clean deps sources

build: sources
	@[ -x $(BUILD)/packetd ] || echo 'Building packetd …' >&2
	@ninja -C $(BUILD) --quiet packetd > $(BUILD)/build.log 2>&1 || { cat $(BUILD)/build.log >&2; exit 1; }

sources:
	@mkdir -p $(BUILD)
	@find src tests/unit -name '*.[ch]' | sort > $(SOURCE_LIST).new
	@git rev-parse HEAD >> $(SOURCE_LIST).new 2> /dev/null || true
	@if [ ! -f $(BUILD)/build.ninja ]; then \
		meson setup $(BUILD) --buildtype=$(BUILDTYPE) --prefix=$(PREFIX) > /dev/null; \
	elif ! cmp -s $(SOURCE_LIST).new $(SOURCE_LIST); then \
		meson setup --reconfigure $(BUILD) --prefix=$(PREFIX) > /dev/null; \
	fi
	@mv $(SOURCE_LIST).new $(SOURCE_LIST)

deps:
	@scripts/install-deps.sh run

run: deps
	@$(MAKE) --no-print-directory build
ifneq ($(PCAP),)
	@$(BUILD)/packetd watch --pcap-file '$(PCAP)' $(ARGS)
else
	@$(BUILD)/packetd agent --show $(if $(CONFIG),--config '$(CONFIG)') --sample samples/sample.pcap $(ARGS)
endif

watch: deps
	@$(MAKE) --no-print-directory build
	@$(BUILD)/packetd watch --sample samples/sample.pcap $(ARGS)

test:
	@scripts/install-deps.sh test
	@tests/run.sh

test-backends:
	@scripts/install-deps.sh test
	@tests/export/real.sh
	@scripts/install-deps.sh peers
	@tests/peers/build.sh
	@tests/run.sh backends peers

test-peers:
	@scripts/install-deps.sh peers
	@tests/peers/build.sh
	@tests/run.sh peers

bench: deps
	@$(MAKE) --no-print-directory build
	@bench/run.sh $(ARGS)

fuzz:
	@scripts/install-deps.sh fuzz
	@TIME='$(TIME)' TARGET='$(TARGET)' tests/fuzz/run.sh

docs: build
	$(BUILD)/packetd protocols --markdown > docs/PROTOCOLS.md
	$(BUILD)/packetd config docs > docs/CONFIG.md
	$(BUILD)/packetd help --man > docs/packetd.1

install: sources
	@meson configure $(BUILD) --prefix=$(PREFIX)
	@meson install -C $(BUILD)

clean:
	rm -rf $(BUILD) build-*

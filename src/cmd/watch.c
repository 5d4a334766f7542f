#include "cmd/watch.h"

#include <stdarg.h>
#include <stdio.h>

void watch_say(const char *kind, const char *format, ...)
{
	struct buf text = { 0 };
	va_list ap;
	va_start(ap, format);
	buf_addf(&text, "%s: ", kind);
	buf_vaddf(&text, format, ap);
	va_end(ap);
	buf_addc(&text, '\n');
	fwrite(text.data, 1, text.len, stderr);
	buf_done(&text);
}

static int watch_run(void *values, char *const *arguments, u32 n)
{
	struct watch w = { .v = values, .wake_fd = -1, .ledger_fd = -1, .signal_fd = -1 };
	int code = watch_setup(&w);
	if (code == EXIT_OK)
		code = watch_open(&w);
	if (code == EXIT_OK) {
		code = watch_loop(&w);
		watch_report(&w);
	}
	watch_done(&w);
	return code;
}

static const char *const output_names[] = { "auto", "table", "json", "wide", NULL };
static const char *const family_names[] = { "both", "v4", "v6", NULL };

#define AT(type, member) OPTION_AT(type, struct watch_values, member)

static const struct option watch_options[] = {
	{ .name = "ifaces", .letter = 'i', AT(OPTION_TEXT, ifaces), .value = "NAMES", .values = VALUES_INTERFACE, .fallback = "any", .group = "What to watch",
	  .help = "interfaces: any, a name, a list a,b,c, or a regular expression that the whole name must match" },
	{ .name = "pcap-file", .alias = "pcap.file", .letter = 'r', AT(OPTION_TEXT, pcap_file), .value = "FILE", .values = VALUES_FILE,
	  .help = "read this capture (pcap or pcapng, also .gz or .zst; - for standard input) instead of interfaces" },
	{ .name = "proto", AT(OPTION_LIST, proto), .value = "RULE", .values = VALUES_PROTOCOL, .fallback = "all protocols, recognised by content",
	  .help = "only this: protocol, protocol;ports or protocol;ports;host (may be given several times)" },
	{ .name = "filter", AT(OPTION_TEXT, filter), .value = "EXPR", .help = "only RoundTrips this is true of: 'http.status >= 500 and duration > 100ms'" },
	{ .name = "ipv", AT(OPTION_CHOICE, ipv), .choices = family_names, .value = "VERSION", .fallback = "both", .help = "only packets of IPv4, or of IPv6" },
	{ .name = "count", .letter = 'n', AT(OPTION_NUMBER, count), .value = "N", .min = 1, .help = "stop after N RoundTrips" },

	{ .name = "output", .letter = 'o', AT(OPTION_CHOICE, output), .choices = output_names, .value = "FORMAT", .group = "What to show",
	  .fallback = "table on a terminal, else json", .help = "a line each for people (wide: with more columns), or JSON lines" },
	{ .name = "quiet", .letter = 'q', AT(OPTION_FLAG, quiet), .help = "only the ledger, on standard output" },
	{ .name = "no-summary", AT(OPTION_FLAG, no_summary), .help = "no ledger at the end" },
	{ .name = "show-secrets", AT(OPTION_FLAG, show_secrets), .help = "do not mask passwords, tokens and cookies" },
	{ .name = "body", AT(OPTION_SIZE, body), .value = "BYTES", .max = 16 * MIB, .fallback = "0", .help = "show this much of each body" },
	{ .name = "statement-length", AT(OPTION_NUMBER, statement_length), .value = "N", .min = 1, .max = 65536, .fallback = "1024",
	  .help = "characters of a statement to show" },
	{ .name = "statement-parameters", AT(OPTION_FLAG, statement_parameters), .help = "show the values of prepared statements' parameters (MySQL, PostgreSQL)" },
	{ .name = "pushes", AT(OPTION_FLAG, pushes), .help = "also show messages nobody asked for (pub/sub)" },
	{ .name = "progress", AT(OPTION_DURATION, progress), .value = "TIME", .fallback = "only at their end", .help = "show long gRPC and HTTP/2 streams each time this has passed" },
	{ .name = "grpc-as-http2", AT(OPTION_FLAG, grpc_as_http2), .help = "show gRPC calls as HTTP/2 exchanges, too" },
	{ .name = "color", .alias = "colour", AT(OPTION_FLAG, color), .help = "colours, also in a pipe" },
	{ .name = "no-color", .alias = "no-colour", AT(OPTION_FLAG, no_color), .help = "no colours (as with NO_COLOR in the environment)" },

	{ .name = "roundtrips.file", .letter = 'w', AT(OPTION_TEXT, file), .value = "FILE", .values = VALUES_FILE, .group = "Where to write",
	  .fallback = "standard output", .help = "append to this file" },
	{ .name = "roundtrips.size", AT(OPTION_NUMBER, file_size), .value = "MB", .min = 1, .max = 1 << 20, .fallback = "100", .help = "rename the file before it gets larger" },
	{ .name = "roundtrips.backups", AT(OPTION_NUMBER, file_backups), .value = "N", .max = 4000, .fallback = "10",
	  .help = "renamed files to keep (0: all), for 7 days at the most" },
	{ .name = "ledger-json", AT(OPTION_TEXT, ledger_json), .value = "FILE", .values = VALUES_FILE, .help = "at the end, write the ledger there as one JSON object" },
	{ .name = "console", AT(OPTION_FLAG, console), .help = "to standard output, even with --roundtrips.file" },

	{ .name = "timeout", AT(OPTION_DURATION, timeout), .value = "TIME", .group = "How to capture", .fallback = "60s, DNS 20s, others over UDP 15s",
	  .help = "report a request without an answer after this time" },
	{ .name = "workers", AT(OPTION_NUMBER, workers), .value = "N", .min = 1, .max = OBSERVER_WORKERS_MAX, .fallback = "by the CPUs",
	  .help = "threads that share live traffic" },
	{ .name = "ring", AT(OPTION_SIZE, ring), .value = "BYTES", .min = 256 * KIB, .max = 4096 * MIB, .fallback = "8M", .help = "memory in which the kernel keeps packets until they are read" },
	{ .name = "snaplen", AT(OPTION_SIZE, snaplen), .value = "BYTES", .min = 64, .max = 262144, .fallback = "whole packets", .help = "cut packets to this length" },
	{ .name = "engine", AT(OPTION_TEXT, engine), .value = "NAME", .help = "how to capture: afpacket or libpcap", .fallback = "afpacket" },
	{ .name = "promisc", AT(OPTION_FLAG, promisc), .help = "also packets for other machines" },
	{ .name = "no-promisc", AT(OPTION_FLAG, no_promisc), .help = "only packets for this machine (the default)" },
	{ .name = "sample", .hidden = true, AT(OPTION_TEXT, sample), .value = "FILE", .values = VALUES_FILE,
	  .help = "without the right to capture, say so and read this file instead" },
	{ .name = "no-sandbox", .hidden = true, AT(OPTION_FLAG, no_sandbox), .help = "keep all rights and system calls (for debuggers)" },
};

static const struct example watch_examples[] = {
	{ "packetd watch", "everything on all interfaces" },
	{ "packetd watch -i eth0 --proto 'http;80,8080' --proto dns", "HTTP on two ports, and DNS wherever it is" },
	{ "packetd watch --filter 'http.status >= 500 or duration > 1s'", "what fails or is slow" },
	{ "packetd watch -r dump.pcap -o json | jq .Duration", "a capture file, for programs" },
	{ "ssh host tcpdump -U -w - | packetd watch -r -", "another machine, which needs no packetd" },
	{ NULL, NULL },
};

const struct command command_watch = {
	.name = "watch",
	.alias = "log",
	.summary = "Watch requests and their responses, live or from a capture file",
	.about = "Without flags it watches all interfaces and recognises the protocols by what is said, on any port. Live capture needs root or CAP_NET_RAW. "
		 "At the end, and on Ctrl-C, the ledger says what was seen, reported, lost, and why.",
	.options = watch_options,
	.options_len = ARRAY_LEN(watch_options),
	.values_size = sizeof(struct watch_values),
	.examples = watch_examples,
	.run = watch_run,
};

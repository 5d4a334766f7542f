#include "cmd/agent.h"

#include <stdlib.h>

static int agent_run(void *values, char *const *arguments, u32 n)
{
	struct agent *a = calloc(1, sizeof(*a)); /* large, and shared with threads */
	if (!a)
		return EXIT_FAILED;
	a->v = values;
	a->wake_fd = a->watch_fd = a->notify_fd = -1;
	pthread_mutex_init(&a->request.lock, NULL);
	pthread_cond_init(&a->request.done, NULL);
	pthread_mutex_init(&a->exporters_lock, NULL);
	pthread_rwlock_init(&a->config_lock, NULL);
	agent_open_notify(a);
	int code = agent_open(a);
	if (code == EXIT_OK)
		code = agent_loop(a);
	agent_close(a);
	free(a);
	return code;
}

#define AT(type, member) OPTION_AT(type, struct agent_values, member)

static const struct option agent_options[] = {
	{ .name = "config", .letter = 'c', AT(OPTION_TEXT, config), .value = "FILE", .values = VALUES_FILE, .fallback = "packetd.yaml if it is there, else built-in defaults",
	  .group = "Settings", .help = "the configuration; packetd config prints one with all keys" },
	{ .name = "pcap-file", .letter = 'r', AT(OPTION_TEXT, pcap_file), .value = "FILE", .values = VALUES_FILE,
	  .help = "read this capture instead of interfaces: its metrics, traces and records go out with the capture's own times, then the program ends" },
	{ .name = "show", AT(OPTION_FLAG, show), .help = "also print a line for each RoundTrip, as watch does" },
	{ .name = "sample", .hidden = true, AT(OPTION_TEXT, sample), .value = "FILE", .values = VALUES_FILE,
	  .help = "without the right to capture, say so and read this file instead" },
	{ .name = "no-sandbox", .hidden = true, AT(OPTION_FLAG, no_sandbox), .help = "keep all rights and system calls (for debuggers)" },
};

static const struct example agent_examples[] = {
	{ "packetd agent", "all protocols on all interfaces; metrics on 127.0.0.1:9091" },
	{ "packetd agent --config /etc/packetd/packetd.yaml", "as configured" },
	{ "packetd agent --config packetd.yaml --pcap-file incident.pcap.gz", "yesterday's incident into today's back ends" },
	{ "curl -X POST localhost:9091/-/reload", "read the configuration again (as SIGHUP does)" },
	{ NULL, NULL },
};

const struct command command_agent = {
	.name = "agent",
	.summary = "Run on a host for good: metrics, traces, records, HTTP API",
	.about = "Watches the traffic and keeps metrics of it, sends traces and records where the configuration says, and answers over HTTP. "
		 "SIGHUP reads the configuration again, without losing a packet; SIGUSR2 opens the log file again; SIGTERM and Ctrl-C deliver what is queued and end.",
	.options = agent_options,
	.options_len = ARRAY_LEN(agent_options),
	.values_size = sizeof(struct agent_values),
	.examples = agent_examples,
	.run = agent_run,
};

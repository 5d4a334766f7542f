/* `packetd watch`, in parts: what was asked (watch.c), turning that into an observer (watch_setup.c), running it
 * (watch_run.c), saying what came of it (watch_report.c). Internal to the command.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CMD_WATCH_H
#define PACKETD_CMD_WATCH_H

#include <stdatomic.h>

#include "cmd/command.h"
#include "export/file_sink.h"
#include "export/lines.h"
#include "process/observer.h"
#include "process/rules.h"
#include "roundtrip/filter.h"

enum watch_output { OUTPUT_AUTO, OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_WIDE };
enum watch_family { FAMILY_BOTH, FAMILY_V4, FAMILY_V6 };

/* What was asked: the values of the options. */
struct watch_values {
	struct option_list proto;
	const char *ifaces, *pcap_file, *filter, *file, *ledger_json, *engine, *sample;
	u32 output, ipv;
	u64 count, file_size, file_backups;
	u64 body, statement_length, progress, timeout, workers, ring, snaplen;
	bool console, promisc, no_promisc, quiet, no_summary, show_secrets, statement_parameters, pushes, grpc_as_http2, color, no_color, no_sandbox;
};

/* The output of one worker. */
struct watch_sink {
	struct observer *observer;
	u32 worker;
	struct sink *sink;
};

struct watch {
	const struct watch_values *v;
	struct rules rules;
	struct buf bpf;            /* capture filter text */
	struct rt_filter *filter;     /* NULL: everything */
	struct observer_options options;
	struct observer *observer;
	struct lines *lines;       /* NULL with --quiet */
	struct watch_sink sinks[OBSERVER_WORKERS_MAX];
	u32 sinks_len;
	u8 format;                 /* enum watch_output, decided */
	bool colour;
	bool terminal;             /* lines go to one */
	struct table table;
	int wake_fd;               /* the writer or a filter has something to say */
	int ledger_fd;             /* where the ledger goes as JSON; -1: nowhere */
	int signal_fd;             /* signals to end, and to open files again */
	_Atomic u64 kept;          /* RoundTrips that --count counts */
	_Atomic bool closed;       /* nobody reads standard output any more */
	_Atomic int failed;        /* a failure to write that has not been said, negative errno; 0: none */
	bool write_failed;         /* one was said */
	bool lines_stopped;
	bool interrupted;          /* by Ctrl-C, as it seems: a terminal shows ^C where the cursor is */
	bool progress_shown;
	u64 progress_since;        /* monotonic */
};

/* A line on standard error: "Warning: …". */
void watch_say(const char *kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Turns w->v into w->options, output and filter. EXIT_OK, or the exit code, having said why. */
int watch_setup(struct watch *w);
/* The terminal may have been resized. */
void watch_fit(struct watch *w);
/* Opens the output and the engines, gives up rights. The same. */
int watch_open(struct watch *w);
/* Signals are read from a descriptor; threads started from now on never see them. */
int watch_signals(void);
/* Watches until the end. */
int watch_loop(struct watch *w);
/* Prints the ledger, as far as it is wanted. */
void watch_report(struct watch *w);
void watch_done(struct watch *w);

/* The progress line on standard error. */
bool watch_progress_wanted(const struct watch *w);
void watch_progress(struct watch *w);
void watch_progress_clear(struct watch *w);

#endif

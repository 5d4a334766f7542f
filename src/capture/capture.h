/* A capture engine delivers packets in batches; all engines stand behind this one interface.
 * An engine is one file ending with its `struct capture_engine`, listed in engine_list.h.
 * A `struct capture` belongs to one thread; capture_close frees all. Errors are negative errno, with a
 * sentence in `options.error`. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CAPTURE_CAPTURE_H
#define PACKETD_CAPTURE_CAPTURE_H

#include "capture/packet.h"

#define CAPTURE_BATCH 64 /* packets a poll returns at the most */

/* What to open. Texts are borrowed until capture_open returns. */
struct capture_options {
	const char *file;       /* path, or "-" for standard input; NULL for live */
	const char *interfaces; /* "any", a name, a comma list, or an anchored extended regular expression; NULL means any */
	const char *filter;     /* libpcap filter text, NULL for everything */
	u32 ring_bytes;         /* kernel buffer of this worker; 0 means 8 MiB */
	u32 snaplen;            /* bytes to keep of a packet; 0 means all */
	u32 poll_ms;            /* longest wait of one poll; 0 means 5 */
	u16 worker, workers;    /* this worker's number of how many: they share one fanout group */
	u16 fanout_id;          /* the group's id, the same for all workers of one run */
	bool promiscuous;
	char error[256];        /* out: why opening failed, one sentence that names the way out */
};

struct capture_stats {
	u64 received; /* packets the kernel (or file) offered, without the dropped ones; past the filter */
	u64 dropped;  /* packets the kernel dropped for lack of room; from a pcapng file: what its recorder says it lost */
	u64 ignored;  /* duplicates the engine itself left out (loopback's outgoing copy) */
	u64 filtered; /* packets that did not match a filter applied outside the kernel (files) */
	u64 bytes;    /* bytes read, for files: of the file */
	u64 total;    /* bytes to read in all, when known (progress); 0 otherwise */
};

struct capture {
	const struct capture_engine *engine;
	/* engine's own fields follow in its private struct */
};

struct capture_engine {
	const char *name;
	bool live;
	bool fanout; /* several workers can share the traffic; without it `workers` must be 0 or 1 */
	int (*open)(struct capture_options *options, struct capture **ret);
	/* Up to `max` packets into out[]; waits at most poll_ms. 0: nothing yet. -ENODATA: the end (files).
	 * -ENETDOWN and the like: broken. The packets before stay valid until the next call. */
	int (*poll)(struct capture *c, struct packet *out, int max);
	void (*stats)(struct capture *c, struct capture_stats *ret);
	/* Replaces the filter while running; NULL when an engine cannot. */
	int (*set_filter)(struct capture *c, const char *filter, char error[256]);
	/* A wish: the bytes of this flow up to a sequence number need not be delivered. May be NULL. */
	void (*skip)(struct capture *c, const void *flow, u32 until_seq);
	/* A sentence about something odd since the last call ("file cut short at byte N"), or NULL. */
	const char *(*warning)(struct capture *c);
	/* The name of an interface by packet.ifindex; NULL when unknown. Valid until close. */
	const char *(*interface_name)(struct capture *c, u16 ifindex);
	void (*close)(struct capture *c);
};

/* All engines, ended by NULL. */
extern const struct capture_engine *const capture_engines[];
/* One engine, by name; NULL for an unknown one. */
const struct capture_engine *capture_engine_find(const char *name);
/* The default for these options on this system: "file" with a file, otherwise "afpacket" on Linux, "libpcap" elsewhere. */
const struct capture_engine *capture_engine_default(const struct capture_options *options);
/* Why an engine has ended, from its (negative) return. */
const char *capture_strerror(int rc);

#endif

/* The HTTP side of the agent: metrics, API, live stream. A thread per connection (at most max_connections), so that a slow
 * reader holds up nobody but itself. What an answer needs comes through struct server_app, from any of those threads.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_SERVER_SERVER_H
#define PACKETD_SERVER_SERVER_H

#include "config/config.h"
#include "metrics/snapshot.h"
#include "roundtrip/ledger.h"
#include "server/tap.h"

/* What the program is asked. All functions are thread-safe; they live as long as the server. */
struct server_app {
	struct registry *registry;
	struct tap *tap;
	void *arg;
	void (*ledger)(void *arg, struct ledger *ret);
	/* Reads the configuration again and takes it over. 0; or negative errno with what is wrong in `text`. `text` may hold remarks in any case. */
	int (*reload)(void *arg, struct buf *text);
	/* "debug", "info", "warn", "error". -EINVAL for another one. */
	int (*log_level)(void *arg, const char *level);
	/* True when packets are being captured and nothing stands in the way; else a sentence. */
	bool (*ready)(void *arg, struct buf *why);
	/* Appends members to the JSON object of /api/v1/status: exporters, capture, uptime. */
	void (*status)(void *arg, struct buf *out);
	u64 (*now)(void *arg); /* ns: the clock of the metrics */
};

struct server;

/* Binds the address; nothing is answered before server_start. Where `old` (NULL: none) listens on the same address, its socket is used as
 * well, so that no client is refused in between. Negative errno with a sentence in `error`. */
int server_new(const struct config_server *config, const struct server_app *app, const struct server *old, struct server **ret, struct buf *error);
int server_start(struct server *s, struct buf *error);
/* Address it listens on, with the port that was chosen for :0. */
const char *server_address(const struct server *s);
/* "http" or "https" */
const char *server_scheme(const struct server *s);
/* Ends all connections. NULL is fine. */
void server_free(struct server *s);

#endif

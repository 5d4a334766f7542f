/* What the files of the server share: requests, answers, routes. Internal to src/server/. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_SERVER_HTTP_H
#define PACKETD_SERVER_HTTP_H

#include "server/http_library.h"
#include "server/server.h"

#define HTTP_BODY_MAX (64 * KIB) /* of a request; more is refused with 413 */

enum http_methods { METHOD_GET = 1, METHOD_POST = 2 }; /* GET includes HEAD */

struct http_request {
	struct server *server;
	const struct server_app *app;
	struct MHD_Connection *connection;
	const char *method, *path;
	struct buf body;
	char value[256]; /* of the field of a form that was asked for last */
	bool is_head;
};

/* What is to be sent. The handler fills it in; the server frees it. */
struct http_answer {
	unsigned status;       /* 200 */
	const char *type;      /* Content-Type */
	const char *allow;     /* 405 only */
	struct buf body;
	bool compressible;
	struct MHD_Response *stream; /* instead of the body */
};

enum http_access {
	ACCESS_OPEN,  /* for everybody, without credentials: health */
	ACCESS_USUAL, /* with credentials where they are configured */
	ACCESS_CLOSE, /* shows traffic or changes state: without credentials for this host alone (server/reach.h) */
};

struct http_route {
	const char *path;
	u8 methods;            /* enum http_methods bits */
	u8 access;             /* enum http_access */
	void (*handle)(struct http_request *q, struct http_answer *a);
	const char *meaning;   /* for people, a line */
};

/* All routes, ended by a NULL path. */
extern const struct http_route http_routes[];

/* A query parameter, or a field of a form in the body; NULL when it is not there. Valid until the next call. */
const char *http_parameter(struct http_request *q, const char *name);
const char *http_header(struct http_request *q, const char *name);
/* Text answer with one sentence and a line end. */
void http_say(struct http_answer *a, unsigned status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* {"status":"error","error":"…"} */
void http_json_error(struct http_answer *a, unsigned status, const char *text);
/* True when the sender is gone. */
bool http_gone(struct MHD_Connection *c);

/* Handlers, by file. */
void handle_metrics(struct http_request *q, struct http_answer *a);          /* metrics.c */
void handle_protocol_metrics(struct http_request *q, struct http_answer *a); /* metrics.c */
void handle_watch(struct http_request *q, struct http_answer *a);            /* watch.c */
void handle_roundtrips(struct http_request *q, struct http_answer *a);       /* watch.c */
void handle_ledger(struct http_request *q, struct http_answer *a);           /* api.c */
void handle_status(struct http_request *q, struct http_answer *a);           /* api.c */
void handle_reload(struct http_request *q, struct http_answer *a);           /* api.c */
void handle_logger(struct http_request *q, struct http_answer *a);           /* api.c */
void handle_healthz(struct http_request *q, struct http_answer *a);          /* api.c */
void handle_readyz(struct http_request *q, struct http_answer *a);           /* api.c */
void handle_pprof(struct http_request *q, struct http_answer *a);            /* api.c */
void handle_index(struct http_request *q, struct http_answer *a);            /* api.c */

#endif

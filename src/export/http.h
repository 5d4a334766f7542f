/* HTTP requests to back ends, on libcurl: keep-alive, TLS with client certificates, basic and bearer authentication, HTTP/2 for gRPC.
 * A target is what the configuration says about a back end: constant, shared by its clients, freed after them. A client belongs to
 * one thread. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_HTTP_H
#define PACKETD_EXPORT_HTTP_H

#include <stdatomic.h>

#include "config/config.h"
#include "export/outbox.h"
#include "util/buf.h"

#define HTTP_ANSWER_MAX (4 * MIB) /* bytes of an answer that are kept; an answer to a bulk request names each record */

struct http_target;
struct http_client;

struct http_target_options {
	const struct config_delivery *delivery;
	bool grpc;                  /* HTTP/2 from the first byte, trailers */
	const _Atomic bool *cancel; /* a request in progress is given up when it becomes true */
};

struct http_request {
	const char *method;         /* NULL: POST */
	const char *url;            /* NULL: the endpoint */
	const char *const *headers; /* "Name: value" */
	u32 headers_len;
	const void *body;
	size_t body_len;
};

struct http_answer {
	int status;       /* 0: there was none, `error` says why */
	bool cancelled;
	u64 retry_after;  /* ns; 0: it does not say */
	i32 grpc_status;  /* -1: it does not say */
	char grpc_message[160];
	char grpc_details[512]; /* grpc-status-details-bin, still base64 */
	i64 written;      /* samples and histograms a remote write 2.0 receiver says it has written; -1: it does not say */
	char error[160];
	struct buf body;  /* the first HTTP_ANSWER_MAX bytes; http_answer_done */
};

/* Negative errno with a sentence when the settings cannot work: URL, files that cannot be read. */
int http_target_new(const struct http_target_options *options, struct http_target **ret, struct buf *error);
void http_target_free(struct http_target *t);
/* An outbox, and the target its senders send to, whose requests end with it. On failure what was made is in *ret_box, for the caller to free. */
int http_outbox_new(const struct outbox_options *o, bool grpc, struct outbox **ret_box, struct http_target **ret, struct buf *error);
/* The endpoint without credentials, for messages. */
const char *http_target_name(const struct http_target *t);

/* NULL without memory. */
struct http_client *http_client_new(const struct http_target *t);
void http_client_free(struct http_client *c);
/* Sends and waits for the answer, for at most the configured time-out. `ret` may hold an earlier answer. */
void http_send(struct http_client *c, const struct http_request *q, struct http_answer *ret);
void http_answer_done(struct http_answer *a);

/* "120", or an HTTP date after `now` (ns): how long to wait, at most an hour. 0: neither. */
u64 http_retry_after(const char *value, u64 now);

#endif

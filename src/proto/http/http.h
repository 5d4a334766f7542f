/* HTTP/1.x messages, and what the files of this folder share. A message and all it points to lives in its arena.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_HTTP_HTTP_H
#define PACKETD_PROTO_HTTP_HTTP_H

#include "proto/body.h"
#include "proto/proto.h"

#define HTTP_HEAD_MAX (64 * KIB) /* bytes of a start line with its header section, of a trailer section */
#define HTTP_FIELDS_MAX 256      /* field lines kept of a section */
#define HTTP_METHOD_MAX 32       /* bytes */
#define HTTP_ENDS_MAX 40         /* line ends remembered; more are looked for again */

enum http_method { HTTP_OTHER, HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_CONNECT }; /* those that matter here; HTTP_GET: or any other known one */

/* What requests and responses have in common. */
struct http_message {
	struct message m;
	struct pairs headers, trailers;
	struct str version;        /* "HTTP/1.1" */
	struct str version_number; /* "1.1" */
	struct str content_type;
	struct body body;
	bool close;   /* the connection ends with this message */
	bool chunked;
};

struct http_request {
	struct http_message h;
	struct str method;
	const char *method_known; /* the same, or "_OTHER" */
	struct str method_original; /* when it is "_OTHER" */
	struct str url;           /* request target as sent, without credentials */
	struct str scheme, host, path, query;
	struct str route;         /* path without identifiers */
	struct str user_agent;
	const char *rpc;          /* "grpc-web", "connect"; NULL: no call of those */
	u8 method_id;             /* enum http_method */
};

struct http_response {
	struct http_message h;
	struct str status; /* "200 OK" */
	u16 code;
};

/* A start line; slices of what was read. */
struct http_line {
	bool response;
	bool preface;       /* PRI * HTTP/2.0 */
	u8 method_id;       /* enum http_method */
	u8 major, minor;
	u16 code;
	struct str version;
	struct str method, target; /* request */
	struct str status;         /* response: code and reason */
	const char *method_known;
};

enum http_match { HTTP_NO, HTTP_PREFIX, HTTP_YES };

/* What a header section says about the message. */
struct http_head {
	u64 length;          /* Content-Length */
	bool has_length;
	bool bad_length;     /* not a number, or two different ones */
	bool coded;          /* there is a Transfer-Encoding … */
	bool chunked;        /* … whose last coding is chunked */
	bool close, keep_alive, upgrade; /* Connection options */
	bool expect_continue;
	bool connect;        /* of the Connect protocol */
	u8 transfer_coding;  /* enum body_coding: another one before chunked */
	struct str host, content_type, content_encoding, user_agent, upgrade_to;
	bool kept;           /* those lie in the message's arena; else they are slices of what was read */
};

/* http_line.c */
/* Is it a start line? `n` bytes from its first to its line feed; *line is filled in for HTTP_YES. */
bool http_line_read(const u8 *p, size_t n, struct http_line *line);
/* Could these bytes begin a start line (n without line feed)? */
bool http_line_possible(const u8 *p, size_t n);
/* Do these bytes prove a message start: a whole start line with a method that exists, and a field line or the end of the section? */
enum http_match http_line_proved(const u8 *p, size_t n, bool *ret_response);
enum probe http_probe(const u8 *p, size_t n, enum side *side);

/* A section of lines that ends with an empty one, and where its first lines end, as found while looking for its end. */
struct http_section {
	const u8 *p;
	size_t n;
	u32 ends_len;
	u16 ends[HTTP_ENDS_MAX]; /* offsets of line feeds */
};

/* http_fields.c */
/* Reads the field lines of a section. Kept ones are added to *list (NULL: keep none) as slices of memory in the message's arena. */
void http_fields_read(struct parser *ps, struct message *m, const struct http_section *section, struct http_head *head, struct pairs *list);

/* http.c */
extern const struct proto proto_http;

/* http_table.c */
#define HTTP_FIELDS 40 /* rows of the table */
extern const struct field http_fields[];
void http_describe(const struct message *m, struct buf *out);

#endif

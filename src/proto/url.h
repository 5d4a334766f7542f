/* Request targets (RFC 9112 section 3.2, RFC 3986) taken apart. Results are slices of the target, or live in the arena.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_URL_H
#define PACKETD_PROTO_URL_H

#include "util/arena.h"

struct url {
	struct str scheme;    /* absolute-form only */
	struct str authority; /* without userinfo; absolute-form and authority-form */
	struct str path;      /* percent-decoded; empty for authority- and asterisk-form */
	struct str raw_path;  /* as sent */
	struct str query;     /* as sent, without "?" */
};

/* `connect`: the target is an authority. */
struct url url_split(struct arena *a, struct str target, bool connect);
/* "%41b" -> "Ab"; what is not two hex digits stays as it is. The argument itself when nothing is encoded. */
struct str url_decode(struct arena *a, struct str s);
/* The path with what looks like an identifier replaced: "/users/42/posts" -> "/users/{id}/posts". At most 10 segments
 * ("/..." then stands for the rest), so that it can be a label. */
struct str url_route(struct arena *a, struct str raw_path);

#endif

/* A RoundTrip's fields as OpenTelemetry attributes, encoded straight into a batch: of a span, or of a log record. What a protocol's
 * table says about names is prepared the first time the protocol is met. One encoder a thread. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_ATTRS_H
#define PACKETD_EXPORT_ATTRS_H

#include "export/exporter.h"
#include "export/pb.h"

enum attr_family { FAMILY_OTHER, FAMILY_HTTP, FAMILY_RPC, FAMILY_DB, FAMILY_DNS, FAMILY_MESSAGING };

#define ATTR_ROWS_MAX 96 /* rows with an attribute, of a protocol */

struct attr_row {
	const struct field *f;
	u16 row;          /* in the protocol's table */
	int same_as;      /* an earlier row of the plan with the same attribute; -1: none */
	u8 key_len;       /* encoded: tag, length, name */
	bool statement, sensitive;
	bool has_safe;    /* a statement: another row holds it in a form that may leave the host */
	const char *key;
};

/* What is known about a protocol's attributes. */
struct attr_plan {
	const struct proto *proto;
	u8 family; /* enum attr_family */
	bool has_transport;
	bool quotes; /* its messages of errors quote what was sent */
	/* Rows that spans are named after; NULL: it has none. */
	const struct field *summary, *operation, *target, *service, *operation_type, *status;
	u32 n;
	struct attr_row rows[ATTR_ROWS_MAX];
};

struct attrs;

/* NULL without memory. */
struct attrs *attrs_new(void);
void attrs_free(struct attrs *a);
/* NULL without memory. */
const struct attr_plan *attrs_plan(struct attrs *a, const struct proto *p);

/* The attributes as fields number `field` of the message being written: those of the table with the projection applied, the
 * addresses, the names added. */
void attrs_put(struct attrs *a, const struct attr_plan *plan, struct buf *b, u32 field, const struct view *v);
/* The value of a row as text of at most n bytes, with the projection applied; empty when there is none. Statements are made safe. */
struct str attrs_text(struct attrs *a, const struct view *v, const struct field *f, char *to, size_t n);

/* KeyValues as fields number `field`. Keys and text are valid UTF-8 already. */
void attr_put_text(struct buf *b, u32 field, struct str key, struct str value);
void attr_put_int(struct buf *b, u32 field, struct str key, i64 value);
void attr_put_double(struct buf *b, u32 field, struct str key, double value);
void attr_put_bool(struct buf *b, u32 field, struct str key, bool value);

/* Headers whose values are credentials: those of this name are not exported. */
bool header_is_secret(struct str name);

#endif

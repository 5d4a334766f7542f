/* A RoundTrip as a pipeline hands it on: with what processors before have decided about its fields. Consumers read fields
 * through it instead of through the field table alone, so that what was redacted stays redacted everywhere.
 * Constant tables per pipeline position, made when the configuration is loaded; no work per RoundTrip.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROCESS_VIEW_H
#define PACKETD_PROCESS_VIEW_H

#include "roundtrip/roundtrip.h"
#include "roundtrip/value.h"

/* Whom a pipeline position feeds. */
enum view_kind { VIEW_METRICS = 1, VIEW_TRACES = 2, VIEW_RECORDS = 4 };

enum field_action {
	FIELD_KEEP,
	FIELD_DROP,  /* as if it were empty */
	FIELD_MASK,  /* "***" instead of a value */
	FIELD_HASH,  /* 16 hex digits of a keyed hash instead of a value */
};

struct added_attribute {
	const char *name, *value;
};

/* What has been decided about a protocol's rows; `actions` and `renamed` run parallel to proto->fields, NULL: nothing. */
struct field_edits {
	const u8 *actions;            /* enum field_action */
	const char *const *renamed;   /* new attribute and label name; NULL: its own */
};

struct projection {
	struct field_edits edits[PROTO_MAX]; /* by proto->index */
	const struct added_attribute *added;
	u32 added_len;
	bool keep_statements; /* literals of statements are not replaced */
	bool traces;   /* it leads to roundtripstotraces, which says: */
	bool server_kind, both_kinds;
	u32 max_reuse; /* as in struct config_processor */
	u64 hash_key[2];
	const void *owner; /* the config_processor that it was last made for */
};

struct view {
	const struct roundtrip *rt;
	const struct projection *projection; /* NULL: nothing has been decided */
	double weight; /* exchanges this one stands for (1 / share kept by sampling); 1 */
	u32 worker;
};

/* Consumers of a position, on the worker's thread; as struct sink, but of views. */
struct view_sink {
	void (*view)(struct view_sink *s, const struct view *v);
	void (*flush)(struct view_sink *s, u64 now, bool last);
};

/* field_value with the projection applied: false also for dropped ones; masked and hashed ones are texts (in `scratch`). */
bool view_value(const struct view *v, const struct field *f, struct buf *scratch, struct value *ret);

#endif

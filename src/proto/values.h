/* The values of a statement's parameters as a list of texts, for every protocol that carries some: what does not fit the limits below is
 * left out, and what is cut, of a value or of the list, ends in "…". Texts stay as they are, bytes that are no text become \x and hexadecimal digits, NULL is STRS_NULL.
 * A list is built on the stack and copied into the arena once; nothing else is allocated. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_VALUES_H
#define PACKETD_PROTO_VALUES_H

#include "proto/field.h"
#include "proto/sql.h"
#include "util/rd.h"

#define VALUES_MAX 64           /* values of a list */
#define VALUES_LOOK (16 * KIB)  /* bytes of a message looked at for them */
#define VALUE_BYTES 256u        /* shown of one */
#define VALUES_BYTES (8 * KIB)  /* and of all */

struct values {
	struct str v[VALUES_MAX + 1];
	u32 n, used;
	u32 from;    /* where the value in progress begins in `text` */
	bool masked; /* each is shown as three stars */
	bool cut;    /* the value in progress does not fit, or goes on behind what is looked at */
	char text[VALUES_BYTES];
};

/* Values of this statement's parameters come. They are masked where one may be a secret. */
void values_begin(struct values *l, const struct sql *sql);
/* A value begins. False: no more of them are shown. */
bool values_next(struct values *l);
/* Adds to it. */
void values_put(struct values *l, const void *p, size_t n);
void values_putf(struct values *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
void values_real(struct values *l, double v, bool single);
/* It is these bytes: text, or something else. */
void values_bytes(struct values *l, const void *p, size_t n);
void values_hex(struct values *l, const void *p, size_t n);
/* It ends here; this is NULL. */
void values_end(struct values *l);
void values_null(struct values *l);
/* The list, with "…" for what is missing of the `count` there are; empty without memory. */
struct strs values_done(struct values *l, struct arena *a, u64 count);

/* Appends " (1, x, NULL)", for people, when there are any. */
void values_describe(struct buf *out, struct strs values);

#endif

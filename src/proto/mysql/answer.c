/* What the packets that begin or end a result say: OK, EOF, error. */
#include "proto/mysql/read.h"

#define TEXT_MAX 256 /* bytes of an error's text */

enum { TRACK_SCHEMA = 1, PROGRESS_CODE = 0xffff };

/* The session's state has changed: of interest is the database. */
static void changes_take(struct mysql_state *s, struct rd *r)
{
	u64 n = rd_lenenc(r);
	struct rd in = rd_make(r->p, (size_t)MIN(n, rd_left(r)));
	while (rd_left(&in) && !in.bad) {
		u8 type = rd_u8(&in);
		struct str data = rd_lenenc_str(&in);
		struct rd name = rd_make(data.p, data.n);
		if (type == TRACK_SCHEMA && !in.bad)
			mysql_database_set(s, rd_lenenc_str(&name));
	}
}

void mysql_ok_take(struct mysql_state *s, struct mysql_response *a, const struct mysql_packet *p)
{
	struct rd r = rd_make(p->p + 1, p->have - 1);
	u64 affected = rd_lenenc(&r), insert_id = rd_lenenc(&r);
	u16 status = rd_u16le(&r), warnings = rd_u16le(&r);
	a->affected += affected;
	a->insert_id = insert_id ? insert_id : a->insert_id;
	a->status = status;
	a->warnings = (u16)MIN(a->warnings + warnings, UINT16_MAX);
	if (!(status & STATUS_SESSION_CHANGED) || !(s->client_caps & CAP_SESSION_TRACK) || !rd_left(&r))
		return;
	rd_lenenc_str(&r);
	changes_take(s, &r);
}

void mysql_eof_take(struct mysql_response *a, const struct mysql_packet *p)
{
	struct rd r = rd_make(p->p + 1, p->have - 1);
	u16 warnings = rd_u16le(&r);
	a->status = rd_u16le(&r);
	a->warnings = (u16)MIN(a->warnings + warnings, UINT16_MAX);
}

/* MariaDB tells how far a long statement has come by errors that are none. */
bool mysql_is_progress(const struct mysql_packet *p)
{
	return p->have >= 3 && p->p[0] == HEAD_ERROR && le16(p->p + 1) == PROGRESS_CODE;
}

static bool is_state(const u8 *p)
{
	for (int i = 0; i < 5; i++)
		if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'A' && p[i] <= 'Z')))
			return false;
	return true;
}

/* 0xff, a number, and since 4.1 "#" with five characters before the text. */
bool mysql_error_plausible(const u8 *p, size_t have)
{
	if (have < 3 || p[0] != HEAD_ERROR)
		return false;
	u16 code = le16(p + 1);
	if (code < 1000 || code > 20000)
		return false;
	return have < 9 || p[3] != '#' || is_state(p + 4);
}

void mysql_error_take(struct mysql_response *a, const struct mysql_packet *p, bool masked)
{
	struct rd r = rd_make(p->p + 1, p->have - 1);
	char digits[8];
	u32 at = sizeof(digits);
	a->code = rd_u16le(&r);
	if (rd_left(&r) >= 6 && *r.p == '#' && is_state(r.p + 1)) {
		rd_skip(&r, 1);
		struct str state = rd_str(&r, 5);
		a->sqlstate = arena_str(&a->m.arena, state.p, state.n);
	}
	struct str text = str_make(r.p, rd_left(&r));
	const char *end = text.n ? memchr(text.p, '\n', text.n) : NULL;
	text.n = end ? (u32)(end - text.p) : text.n;
	text.n = (u32)sql_cut(text, TEXT_MAX);
	a->text = sql_error_text(&a->m.arena, text, masked);
	u32 v = a->code;
	do
		digits[--at] = (char)('0' + v % 10);
	while (v /= 10);
	a->m.error = arena_str(&a->m.arena, digits + at, sizeof(digits) - at);
	a->m.flags |= MSG_FAILED;
	a->m.shape = SHAPE_ERROR;
	a->kind = "Error";
}

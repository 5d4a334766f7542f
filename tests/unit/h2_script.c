#include "unit.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "h2_script.h"
#include "util/base.h"

#define FIELDS 600

void script_bytes(struct h2_script *s, u8 dir, const void *p, size_t n)
{
	assert_true(s->len < SCRIPT_STEPS);
	u8 *copy = malloc(n + 1);
	assert_non_null(copy);
	if (n)
		memcpy(copy, p, n);
	s->steps[s->len++] = (struct feed_step){ dir, false, copy, n };
}

void script_frame(struct h2_script *s, u8 dir, u8 type, u8 flags, u32 stream, const void *payload, size_t n)
{
	u8 *frame = malloc(9 + n);
	assert_non_null(frame);
	const u8 header[9] = { (u8)(n >> 16), (u8)(n >> 8), (u8)n, type, flags, (u8)(stream >> 24), (u8)(stream >> 16), (u8)(stream >> 8), (u8)stream };
	memcpy(frame, header, 9);
	if (n)
		memcpy(frame + 9, payload, n);
	script_bytes(s, dir, frame, 9 + n);
	free(frame);
}

void script_init(struct h2_script *s, bool bare)
{
	static const u8 settings[6] = { 0, 3, 0, 0, 0, 100 };
	memset(s, 0, sizeof(*s));
	for (int dir = 0; dir < 2; dir++)
		assert_int_equal(nghttp2_hd_deflate_new((nghttp2_hd_deflater **)&s->encoder[dir], 4096), 0);
	if (bare)
		return;
	script_bytes(s, FEED_CLIENT, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	script_frame(s, FEED_CLIENT, F_SETTINGS, 0, 0, settings, sizeof(settings));
	script_frame(s, FEED_SERVER, F_SETTINGS, 0, 0, settings, sizeof(settings));
	script_frame(s, FEED_CLIENT, F_SETTINGS, F_ACKED, 0, NULL, 0);
}

void script_done(struct h2_script *s)
{
	for (size_t i = 0; i < s->len; i++)
		free((void *)(uintptr_t)s->steps[i].p);
	for (int dir = 0; dir < 2; dir++)
		nghttp2_hd_deflate_del(s->encoder[dir]);
}

void script_table_size(struct h2_script *s, u8 dir, size_t n)
{
	assert_int_equal(nghttp2_hd_deflate_change_table_size(s->encoder[dir], n), 0);
}

size_t script_block(struct h2_script *s, u8 dir, const char *fields, u8 *out, size_t room)
{
	static nghttp2_nv nv[FIELDS];
	size_t n = 0;
	for (const char *p = fields; *p;) {
		const char *eol = strchr(p, '\n'), *space = strchr(p, ' ');
		assert_true(eol && space && space < eol && n < FIELDS);
		nv[n++] = (nghttp2_nv){ .name = (u8 *)(uintptr_t)p, .namelen = (size_t)(space - p), .value = (u8 *)(uintptr_t)(space + 1), .valuelen = (size_t)(eol - space - 1) };
		p = eol + 1;
	}
	ssize_t used = nghttp2_hd_deflate_hd(s->encoder[dir], out, room, nv, n);
	assert_true(used >= 0);
	return (size_t)used;
}

void script_headers(struct h2_script *s, u8 dir, u32 stream, u8 flags, const char *fields)
{
	static u8 block[64 * KIB];
	size_t n = script_block(s, dir, fields, block, sizeof(block));
	script_frame(s, dir, F_HEADERS, flags | F_END_HEADERS, stream, block, n);
}

void script_split_headers(struct h2_script *s, u8 dir, u32 stream, u8 flags, const char *fields, size_t part)
{
	static u8 block[64 * KIB];
	size_t n = script_block(s, dir, fields, block, sizeof(block));
	for (size_t at = 0; at < n; at += part) {
		u8 last = at + part >= n ? F_END_HEADERS : 0;
		script_frame(s, dir, at ? F_CONTINUATION : F_HEADERS, (at ? 0 : flags) | last, stream, block + at, MIN(part, n - at));
	}
}

void script_data(struct h2_script *s, u8 dir, u32 stream, u8 flags, const void *p, size_t n)
{
	script_frame(s, dir, F_DATA, flags, stream, p, n);
}

void script_message(struct h2_script *s, u8 dir, u32 stream, u8 flags, u8 compressed, size_t n)
{
	u8 *p = calloc(1, n + 5);
	assert_non_null(p);
	p[0] = compressed;
	p[1] = (u8)(n >> 24);
	p[2] = (u8)(n >> 16);
	p[3] = (u8)(n >> 8);
	p[4] = (u8)n;
	memset(p + 5, 'm', n);
	script_data(s, dir, stream, flags, p, n + 5);
	free(p);
}

/* https://www.w3.org/TR/trace-context/ and https://github.com/openzipkin/b3-propagation */
#include "proto/trace_context.h"

#include "util/bytes.h"

#define TRACE_ID 16 /* bytes */
#define PARENT_ID 8

static int digit_of(char c, bool any_case)
{
	return !any_case && c >= 'A' && c <= 'F' ? -1 : hex_digit(c);
}

/* 2n digits into n bytes. */
static bool hex_bytes(const char *p, u8 *out, size_t n, bool any_case)
{
	for (size_t i = 0; i < n; i++) {
		int high = digit_of(p[2 * i], any_case), low = digit_of(p[2 * i + 1], any_case);
		if (high < 0 || low < 0)
			return false;
		out[i] = (u8)(high << 4 | low);
	}
	return true;
}

static bool all_zero(const u8 *p, size_t n)
{
	u8 any = 0;
	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return any == 0;
}

/* version "-" trace-id "-" parent-id "-" trace-flags; a later version may go on after another "-". */
static bool read_traceparent(struct str v, u8 out[25])
{
	u8 version;
	if (v.n < 55 || v.p[2] != '-' || v.p[35] != '-' || v.p[52] != '-' || !hex_bytes(v.p, &version, 1, false))
		return false;
	if (version == 0xff || (version == 0 && v.n != 55) || (v.n > 55 && v.p[55] != '-'))
		return false;
	return hex_bytes(v.p + 3, out, TRACE_ID, false) && hex_bytes(v.p + 36, out + 16, PARENT_ID, false) &&
	       hex_bytes(v.p + 53, out + 24, 1, false);
}

/* A B3 trace id has 16 or 32 digits; the short one is the lower half. */
static bool read_b3_ids(struct str trace, struct str span, u8 out[25])
{
	if ((trace.n != 32 && trace.n != 16) || span.n != 16)
		return false;
	size_t n = trace.n / 2;
	memset(out, 0, TRACE_ID);
	return hex_bytes(trace.p, out + TRACE_ID - n, n, true) && hex_bytes(span.p, out + 16, PARENT_ID, true);
}

static struct str take_part(struct str *rest)
{
	struct str part = *rest;
	if (part.n == 0)
		return part;
	const char *dash = memchr(part.p, '-', part.n);
	if (dash)
		part.n = (u32)(dash - rest->p);
	u32 used = dash ? part.n + 1 : part.n;
	*rest = str_make(rest->p + used, rest->n - used);
	return part;
}

static bool is_sampled(struct str state)
{
	return state.n && (state.p[0] == '1' || state.p[0] == 'd' || state.p[0] == 't');
}

/* TraceId "-" SpanId ["-" SamplingState ["-" ParentSpanId]] */
static bool read_b3(struct str v, u8 out[25])
{
	struct str trace = take_part(&v), span = take_part(&v), state = take_part(&v);
	if (!read_b3_ids(trace, span, out))
		return false;
	out[24] = is_sampled(state);
	return true;
}

static bool read_b3_headers(const struct trace_headers *h, u8 out[25])
{
	if (!read_b3_ids(h->b3_trace_id, h->b3_span_id, out))
		return false;
	out[24] = is_sampled(h->b3_sampled) || is_sampled(h->b3_flags);
	return true;
}

void trace_context_set(struct message *m, const struct trace_headers *h)
{
	u8 t[25];
	if (!(h->traceparent.n | h->b3.n | h->b3_trace_id.n))
		return;
	if (!read_traceparent(h->traceparent, t) && !read_b3(h->b3, t) && !read_b3_headers(h, t))
		return;
	if (all_zero(t, TRACE_ID) || all_zero(t + 16, PARENT_ID))
		return;
	memcpy(m->trace, t, sizeof(t));
	m->has_trace = true;
}

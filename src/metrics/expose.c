#include "metrics/buckets.h"
#include "metrics/expose_private.h"

#include <stdlib.h>

/* --- content negotiation: RFC 9110 section 12.5.1 --- */

/* What a media range of Accept says about one of our formats. */
struct wish {
	double q;
	int specific; /* 0: nothing, 1: any type, 2: any subtype, 3: the type, more: with parameters that fit */
};

static const char *const types[] = { [EXPOSE_TEXT] = "text/plain",
				     [EXPOSE_OPENMETRICS] = "application/openmetrics-text",
				     [EXPOSE_PROTOBUF] = "application/vnd.google.protobuf" };

static struct str trimmed(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_make(s.p + 1, s.n - 1);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* The next part up to the separator; separators within quotes do not count. */
static struct str next_part(struct str *rest, char separator)
{
	bool quoted = false;
	u32 n = 0;
	for (; n < rest->n && (quoted || rest->p[n] != separator); n++) {
		if (rest->p[n] == '"')
			quoted = !quoted;
		else if (quoted && rest->p[n] == '\\' && n + 1 < rest->n)
			n++;
	}
	struct str part = trimmed(str_make(rest->p, n));
	u32 used = n < rest->n ? n + 1 : n;
	*rest = str_make(rest->p + used, rest->n - used);
	return part;
}

static double quality(struct str value)
{
	char text[8];
	if (value.n == 0 || value.n >= sizeof(text))
		return 0;
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	char *end;
	double q = strtod(text, &end);
	return *end == '\0' && q >= 0 && q <= 1 ? q : 0;
}

static int type_fits(struct str type, enum expose_format f)
{
	if (str_eq_nocase(type, str_from(types[f])))
		return 3;
	if (str_eq(type, STR("*/*")))
		return 1;
	u32 slash = (u32)(strchr(types[f], '/') - types[f]) + 1;
	return type.n == slash + 1 && type.p[slash] == '*' && str_eq_nocase(str_make(type.p, slash), str_make(types[f], slash)) ? 2 : 0;
}

static struct str unquoted(struct str v)
{
	return v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"' ? str_make(v.p + 1, v.n - 2) : v;
}

/* False when the format has this parameter with another value. */
static bool parameter_fits(enum expose_format f, struct str name, struct str value)
{
	if (f != EXPOSE_PROTOBUF && str_eq_nocase(name, STR("version")))
		return str_eq(value, f == EXPOSE_TEXT ? STR("0.0.4") : STR("1.0.0")) || (f == EXPOSE_OPENMETRICS && str_eq(value, STR("0.0.1")));
	if (f == EXPOSE_PROTOBUF && str_eq_nocase(name, STR("proto")))
		return str_eq_nocase(value, STR("io.prometheus.client.MetricFamily"));
	if (f == EXPOSE_PROTOBUF && str_eq_nocase(name, STR("encoding")))
		return str_eq_nocase(value, STR("delimited"));
	return true; /* charset, escaping: ours is as good as any, our names need no escaping */
}

static void range_apply(struct str range, enum expose_format f, struct wish *w)
{
	struct str type = next_part(&range, ';');
	int specific = type_fits(type, f);
	double q = 1;
	while (specific && range.n) {
		struct str value = next_part(&range, ';');
		struct str name = next_part(&value, '=');
		value = unquoted(value);
		if (str_eq_nocase(name, STR("q")))
			q = quality(value);
		else if (!parameter_fits(f, name, value))
			return;
		else
			specific++;
	}
	if (specific && (specific > w->specific || (specific == w->specific && q > w->q)))
		*w = (struct wish){ q, specific };
}

enum expose_format expose_negotiate(const char *accept)
{
	/* a wish for anything gets what all can read; of formats named with the same weight the one that says most */
	static const enum expose_format order[] = { EXPOSE_TEXT, EXPOSE_PROTOBUF, EXPOSE_OPENMETRICS };
	enum expose_format best = EXPOSE_TEXT;
	double best_q = 0;
	for (size_t i = 0; accept && i < ARRAY_LEN(order); i++) {
		struct str rest = str_from(accept);
		struct wish w = { 0 };
		while (rest.n) {
			struct str range = next_part(&rest, ',');
			range_apply(range, order[i], &w);
		}
		if (w.q > best_q || (w.q > 0 && w.q == best_q && w.specific >= 3)) {
			best = order[i];
			best_q = w.q;
		}
	}
	return best;
}

const char *expose_content_type(enum expose_format f)
{
	switch (f) {
	case EXPOSE_OPENMETRICS:
		return "application/openmetrics-text; version=1.0.0; charset=utf-8";
	case EXPOSE_PROTOBUF:
		return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
	default:
		return "text/plain; version=0.0.4; charset=utf-8";
	}
}

u32 expose_ranges_as_bounds(const struct snapshot_histogram *h, double *bounds, u64 *counts)
{
	u32 n = 0;
	for (u32 i = 0; i < h->vmrange_len; i++) {
		bounds[n] = vmrange_upper(h->vmrange[i].bucket);
		counts[n++] = h->vmrange[i].count;
	}
	if (n == 0 || h->vmrange[h->vmrange_len - 1].bucket != VMRANGE_BUCKETS - 1) {
		bounds[n] = (double)__builtin_inf();
		counts[n++] = 0;
	}
	return n;
}

void expose(struct buf *out, const struct snapshot *s, enum expose_format f)
{
	if (f == EXPOSE_PROTOBUF)
		expose_protobuf(out, s);
	else
		expose_text(out, s, f == EXPOSE_OPENMETRICS);
}

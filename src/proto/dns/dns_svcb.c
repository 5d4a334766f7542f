/* Parameters of SVCB and HTTPS records (RFC 9460 section 2.1 and appendix A). */
#include "proto/dns/dns_wire.h"

enum svc_key { SVC_MANDATORY, SVC_ALPN, SVC_NO_DEFAULT_ALPN, SVC_PORT, SVC_IPV4HINT, SVC_ECH, SVC_IPV6HINT, SVC_DOHPATH, SVC_OHTTP, SVC_TLS_GROUPS };

static void put_key(struct text *t, u16 key)
{
	static const char *const names[] = {
		"mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp", "tls-supported-groups",
	};
	if (key < ARRAY_LEN(names)) {
		text_s(t, names[key]);
		return;
	}
	text_s(t, "key");
	text_u(t, key);
}

static void put_numbers(struct rd *v, struct text *t, bool keys)
{
	for (bool first = true; rd_left(v); first = false) {
		u16 n = rd_u16be(v);
		if (!first)
			text_c(t, ',');
		if (keys)
			put_key(t, n);
		else
			text_u(t, n);
	}
}

static void put_addresses(struct rd *v, struct text *t, size_t size)
{
	for (bool first = true; rd_left(v); first = false) {
		const u8 *p = rd_take(v, size);
		if (!p)
			return;
		if (!first)
			text_c(t, ',');
		if (size == 4)
			text_ipv4(t, p);
		else
			text_ipv6(t, p);
	}
}

/* A comma inside an identifier is \\, and a backslash \\\\: escaped for the list, then for the string. */
static void put_alpn(struct rd *v, struct text *t)
{
	text_c(t, '"');
	for (bool first = true; rd_left(v); first = false) {
		u8 n = rd_u8(v);
		const u8 *p = rd_take(v, n);
		if (!first)
			text_c(t, ',');
		for (u8 i = 0; p && i < n; i++) {
			if (p[i] == ',' || p[i] == '\\')
				text_s(t, "\\\\");
			text_escaped(t, p + i, 1, "\"\\");
		}
	}
	text_c(t, '"');
}

static void put_value(struct rd *v, struct text *t, u16 key)
{
	size_t n = rd_left(v);
	switch (key) {
	case SVC_MANDATORY:
	case SVC_TLS_GROUPS:
		put_numbers(v, t, key == SVC_MANDATORY);
		break;
	case SVC_ALPN:
		put_alpn(v, t);
		break;
	case SVC_PORT:
		text_u(t, rd_u16be(v));
		break;
	case SVC_IPV4HINT:
		put_addresses(v, t, 4);
		break;
	case SVC_IPV6HINT:
		put_addresses(v, t, 16);
		break;
	case SVC_ECH:
		text_base64(t, rd_take(v, n), n);
		break;
	default:
		text_quoted(t, rd_take(v, n), n);
	}
}

void dns_put_svc_params(struct rd *r, struct text *t)
{
	int last = -1;
	for (bool first = true; rd_left(r); first = false) {
		u16 key = rd_u16be(r), n = rd_u16be(r);
		const u8 *p = rd_take(r, n);
		if (!p || key <= last) { /* keys ascend, each once */
			rd_fail(r);
			return;
		}
		last = key;
		struct rd value = rd_make(p, n);
		if (!first)
			text_c(t, ' ');
		put_key(t, key);
		if (n) {
			text_c(t, '=');
			put_value(&value, t, key);
		}
		if (value.bad || rd_left(&value)) {
			rd_fail(r);
			return;
		}
	}
}

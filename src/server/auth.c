#include "server/auth.h"

#include <stdlib.h>
#include <strings.h>


/* Takes as long for a wrong text as for a right one of its length. */
static bool same(const char *given, size_t n, const char *wanted)
{
	size_t len = strlen(wanted);
	unsigned char differs = n != len;
	for (size_t i = 0; i < n; i++)
		differs |= (unsigned char)given[i] ^ (unsigned char)wanted[len ? i % len : 0];
	return !differs;
}

static int sextet(char c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

/* Decodes base64 up to the first byte that is none; the length. */
static size_t decode(const char *text, char *out, size_t room)
{
	unsigned bits = 0, have = 0;
	size_t n = 0;
	for (int v; (v = sextet(*text)) >= 0 && n < room; text++) {
		bits = (bits << 6 | (unsigned)v) & 0xffffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have);
		}
	}
	return n;
}

static bool basic_passes(const struct config_auth *a, const char *encoded)
{
	char plain[1024];
	size_t n = decode(encoded, plain, sizeof(plain));
	const char *colon = memchr(plain, ':', n);
	if (!colon)
		return false;
	bool user = same(plain, (size_t)(colon - plain), a->username);
	bool password = same(colon + 1, n - (size_t)(colon + 1 - plain), a->password);
	explicit_bzero(plain, sizeof(plain));
	return user & password;
}

bool auth_passes(const struct config_auth *a, const char *header)
{
	if (!*a->username && !*a->bearer)
		return true;
	if (!header)
		return false;
	if (*a->username && strncasecmp(header, "Basic ", 6) == 0)
		return basic_passes(a, header + 6);
	return *a->bearer && strncasecmp(header, "Bearer ", 7) == 0 && same(header + 7, strlen(header + 7), a->bearer);
}

const char *auth_challenge(const struct config_auth *a)
{
	return *a->username ? "Basic realm=\"packetd\", charset=\"UTF-8\"" : "Bearer realm=\"packetd\"";
}

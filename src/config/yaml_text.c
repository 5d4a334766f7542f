#include "config/yaml_text.h"

#include <stdio.h>

#define DIRECTIVES_MAX 16 /* libyaml compares each with all before it */

struct config_place yaml_text_place(struct str text, size_t at)
{
	struct config_place place = { 1, 1 };
	for (size_t i = 0; i < at && i < text.n; i++) {
		if (text.p[i] == '\n')
			place = (struct config_place){ place.line + 1, 1 };
		else if (((u8)text.p[i] & 0xc0) != 0x80)
			place.column++;
	}
	return place;
}

/* Length of the UTF-8 sequence at p (RFC 3629); 0 when there is none. */
static size_t sequence(const u8 *p, size_t n)
{
	size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] <= 0xdf ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;
	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if (len > 2) {
		u32 two = (u32)p[0] << 8 | p[1];
		bool overlong = two < 0xe0a0 || (two >= 0xf000 && two < 0xf090), surrogate = two >= 0xeda0 && two <= 0xedbf;
		if (overlong || surrogate || two > 0xf48f)
			return 0;
	}
	return len;
}

static bool wrong(struct findings *f, struct str text, size_t at, const char *what)
{
	finding_add(f, false, yaml_text_place(text, at), NULL, what);
	return false;
}

static bool check_bytes(struct str text, struct findings *f)
{
	for (size_t i = 0; i < text.n;) {
		u8 c = (u8)text.p[i];
		size_t len = sequence((const u8 *)text.p + i, text.n - i);
		char what[128];
		if (len == 0) {
			snprintf(what, sizeof(what), "byte 0x%02x is not UTF-8; save the file as UTF-8", c);
			return wrong(f, text, i, what);
		}
		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) {
			snprintf(what, sizeof(what), "byte 0x%02x cannot be in a YAML file; is this a binary file?", c);
			return wrong(f, text, i, what);
		}
		i += len;
	}
	return true;
}

static bool check_directives(struct str text, struct findings *f)
{
	u32 n = 0;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '%' && (i == 0 || text.p[i - 1] == '\n' || text.p[i - 1] == '\r') && ++n > DIRECTIVES_MAX)
			return wrong(f, text, i, "too many lines that begin with '%'");
	return true;
}

bool yaml_text_check(struct str text, struct findings *f)
{
	size_t i = 0;
	char what[128];
	if (text.n > CONFIG_FILE_MAX) {
		snprintf(what, sizeof(what), "larger than a configuration may be (%llu MiB)", CONFIG_FILE_MAX / MIB);
		finding_add(f, false, (struct config_place){ 0 }, NULL, what);
		return false;
	}
	while (i < text.n && (text.p[i] == ' ' || text.p[i] == '\n' || text.p[i] == '\r' || text.p[i] == '\t'))
		i++;
	if (i == text.n) {
		finding_add(f, false, (struct config_place){ 0 }, NULL,
			    "the file is empty; 'packetd config' prints one to begin with, and a comment alone means all defaults");
		return false;
	}
	if (text.n >= 2 && (memcmp(text.p, "\xff\xfe", 2) == 0 || memcmp(text.p, "\xfe\xff", 2) == 0))
		return wrong(f, text, 0, "this is UTF-16; save the file as UTF-8");
	return check_bytes(text, f) && check_directives(text, f);
}

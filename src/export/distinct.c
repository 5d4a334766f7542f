#include "export/distinct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX "Text"

/* Whether a row of any protocol stands inside an object of this path. */
static bool is_object(const char *path, u8 side)
{
	size_t n = strlen(path);
	for (u32 i = 0; proto_all[i]; i++) {
		const struct proto *p = proto_all[i];
		for (u32 row = 0; row < p->fields_len; row++) {
			const struct field *f = &p->fields[row];
			if (f->side == side && f->json && strncmp(f->json, path, n) == 0 && f->json[n] == '.')
				return true;
		}
	}
	return false;
}

static bool is_value(const struct field *f)
{
	return f->json && f->type != FIELD_OBJECT && f->type != FIELD_PAIRS;
}

static bool name_row(struct distinct *d, const struct proto *p, u32 row)
{
	const char *path = p->fields[row].json, *dot = strrchr(path, '.'), *last = dot ? dot + 1 : path;
	size_t room = strlen(last) + sizeof(SUFFIX);
	char *name = malloc(room);
	if (!d->names[p->index])
		d->names[p->index] = calloc(p->fields_len, sizeof(char *));
	if (!name || !d->names[p->index]) {
		free(name);
		return false;
	}
	snprintf(name, room, "%s" SUFFIX, last);
	d->names[p->index][row] = name;
	return true;
}

bool distinct_init(struct distinct *d)
{
	*d = (struct distinct){ 0 };
	for (u32 i = 0; proto_all[i]; i++)
		for (u32 row = 0; row < proto_all[i]->fields_len; row++) {
			const struct field *f = &proto_all[i]->fields[row];
			if (is_value(f) && is_object(f->json, f->side) && !name_row(d, proto_all[i], row))
				return false;
		}
	return true;
}

void distinct_done(struct distinct *d)
{
	for (u32 i = 0; proto_all[i]; i++) {
		const char **names = d->names[proto_all[i]->index];
		for (u32 row = 0; names && row < proto_all[i]->fields_len; row++)
			free((void *)names[row]);
		free(names);
	}
	*d = (struct distinct){ 0 };
}

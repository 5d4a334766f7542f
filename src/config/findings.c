#include "config/findings.h"

#include <stdlib.h>

#include "util/textline.h"

#define QUOTE_COLUMNS 60

void finding_quote(struct buf *out, const char *text)
{
	buf_addc(out, '\'');
	text_clean(out, str_from(text), QUOTE_COLUMNS);
	buf_addc(out, '\'');
}

void finding_add(struct findings *f, bool warning, struct config_place at, const char *key, const char *text)
{
	u32 *count = warning ? &f->warnings : &f->errors;
	struct buf line = { .max = FINDING_TEXT_MAX };
	if ((*count)++ >= FINDINGS_MAX)
		return;
	if (key && *key) {
		text_clean(&line, str_from(key), 160);
		buf_adds(&line, ": ");
	}
	buf_adds(&line, text);
	const char *whole = line.failed ? "wrong" : buf_cstr(&line);
	struct finding *v = &f->v[f->n];
	*v = (struct finding){ .at = at, .order = f->n, .warning = warning, .text = strdup(whole) };
	if (v->text)
		f->n++;
	else
		f->failed = true;
	buf_done(&line);
}

static int by_place(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	if (x->at.column != y->at.column)
		return x->at.column < y->at.column ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

void findings_write(struct findings *f, bool warnings, struct buf *out)
{
	u32 written = 0, all = warnings ? f->warnings : f->errors;
	qsort(f->v, f->n, sizeof(f->v[0]), by_place);
	for (u32 i = 0; i < f->n; i++) {
		const struct finding *v = &f->v[i];
		if (v->warning != warnings)
			continue;
		buf_adds(out, f->file);
		if (v->at.line)
			buf_addf(out, ":%u:%u", v->at.line, v->at.column);
		buf_addf(out, ": %s\n", v->text);
		written++;
	}
	if (written < all)
		buf_addf(out, "%s: %u more %s not shown\n", f->file, all - written, warnings ? "warnings" : "errors");
}

void findings_done(struct findings *f)
{
	for (u32 i = 0; i < f->n; i++)
		free(f->v[i].text);
	f->n = 0;
}

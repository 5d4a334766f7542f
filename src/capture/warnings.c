#include "capture/warnings.h"

#include <stdarg.h>
#include <stdio.h>

void warnings_add(struct warnings *w, const char *format, ...)
{
	if (w->len == CAPTURE_WARNINGS) {
		w->lost++;
		return;
	}
	va_list ap;
	va_start(ap, format);
	vsnprintf(w->text[(w->first + w->len) % CAPTURE_WARNINGS], sizeof(w->text[0]), format, ap);
	va_end(ap);
	w->len++;
}

const char *warnings_next(struct warnings *w)
{
	if (w->len) {
		memcpy(w->said, w->text[w->first], sizeof(w->said));
		w->first = (w->first + 1) % CAPTURE_WARNINGS;
		w->len--;
		return w->said;
	}
	if (!w->lost)
		return NULL;
	snprintf(w->said, sizeof(w->said), "%llu more warnings of the capture were left out", (unsigned long long)w->lost);
	w->lost = 0;
	return w->said;
}

#include "capture/capture.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define X(name) extern const struct capture_engine capture_##name;
#include "capture/engine_list.h"
#undef X

const struct capture_engine *const capture_engines[] = {
#define X(name) &capture_##name,
#include "capture/engine_list.h"
#undef X
	NULL,
};

const struct capture_engine *capture_engine_find(const char *name)
{
	for (const struct capture_engine *const *e = capture_engines; *e; e++)
		if (name && strcmp((*e)->name, name) == 0)
			return *e;
	return NULL;
}

const struct capture_engine *capture_engine_default(const struct capture_options *options)
{
	if (options->file)
		return capture_engine_find("file");
	const struct capture_engine *fastest = capture_engine_find("afpacket");
	return fastest ? fastest : capture_engine_find("libpcap");
}

const char *capture_strerror(int rc)
{
	return rc == -EBADMSG ? "what comes cannot be read as a capture" : strerror(-rc);
}

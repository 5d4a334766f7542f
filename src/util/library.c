#include "util/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int load(struct library *l, struct buf *error)
{
	void *handle = dlopen(l->soname, RTLD_NOW | RTLD_LOCAL);
	const char *why = handle ? NULL : dlerror();
	for (u32 i = 0; handle && l->names[i]; i++) {
		l->calls[i] = dlsym(handle, l->names[i]);
		if (!l->calls[i]) {
			if (error)
				buf_addf(error, "%s has no %s: it is older than the one this program was built with", l->soname, l->names[i]);
			return -ENOENT;
		}
	}
	if (!handle) {
		if (error)
			buf_addf(error, "%s cannot be loaded: %s", l->soname, why ? why : "unknown reason");
		return -ENOENT;
	}
	l->loaded = true;
	return 0;
}

int library_load(struct library *l, struct buf *error)
{
	pthread_mutex_lock(&lock);
	int rc = l->loaded ? 0 : load(l, error);
	pthread_mutex_unlock(&lock);
	return rc;
}

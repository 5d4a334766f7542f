/* A capture file of any bytes: read to its end without a crash, with sane packets only, in bounded time.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/capture.h"

#define PACKETS_MAX 200000 /* a small packed file may unpack to much */

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void read_all(const struct capture_engine *engine, struct capture *c)
{
	struct packet packets[CAPTURE_BATCH];
	struct capture_stats stats;
	u64 total = 0;
	volatile u8 sum = 0;
	int n;
	while ((n = engine->poll(c, packets, CAPTURE_BATCH)) >= 0 && total < PACKETS_MAX) {
		if (n > CAPTURE_BATCH)
			abort();
		for (int i = 0; i < n; i++) {
			const struct packet *p = &packets[i];
			if (p->caplen > p->len)
				abort();
			for (u32 k = 0; k < p->caplen; k++)
				sum = (u8)(sum + p->data[k]);
			engine->interface_name(c, p->ifindex);
		}
		total += (u64)n;
	}
	engine->stats(c, &stats);
	if (stats.received < total)
		abort();
	for (int i = 0; i < 100 && engine->warning(c); i++)
		;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct capture_options options = { .file = path, .filter = size % 4 == 3 ? "ip and not port 1" : NULL };
	const struct capture_engine *engine = capture_engine_find("file");
	struct capture *c = NULL;
	if (engine->open(&options, &c) == 0) {
		read_all(engine, c);
		engine->close(c);
	} else if (!options.error[0]) {
		fprintf(stderr, "fuzz_capture_file: refused without a reason\n");
		abort();
	}
	close(fd);
	return 0;
}

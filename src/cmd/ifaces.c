#include "cmd/command.h"

#include <stdio.h>

#include "cmd/help.h"
#include "cmd/interfaces.h"

static int ifaces_run(void *values, char *const *arguments, u32 n)
{
	struct buf out = { 0 };
	int rc = interfaces_list(&out);
	if (rc) {
		fprintf(stderr, "Error: the interfaces cannot be listed: %s\n", strerror(-rc));
		return EXIT_FAILED;
	}
	rc = print_out(&out);
	buf_done(&out);
	return rc;
}

const struct command command_ifaces = {
	.name = "ifaces",
	.summary = "List the network interfaces that have an address",
	.run = ifaces_run,
};

#include "cmd/rights.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

void say_rights(const char *command)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = 0;
	fprintf(stderr,
		"Error: no right to capture packets\n"
		"Run it as root:\n"
		"    sudo %s %s\n"
		"or give the program the right, once:\n"
		"    sudo setcap cap_net_raw,cap_net_admin+ep %s\n",
		n > 0 ? path : "packetd", command, n > 0 ? path : "packetd");
}

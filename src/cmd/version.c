#include "cmd/command.h"
#include "cmd/help.h"

#include "build_info.h"

static int version_run(void *values, char *const *arguments, u32 n)
{
	struct buf out = { 0 };
	buf_adds(&out, "Version: " BUILD_VERSION "\nGitHash: " BUILD_GIT_HASH "\nBuildTime: " BUILD_TIME "\n");
	int rc = print_out(&out);
	buf_done(&out);
	return rc;
}

const struct command command_version = {
	.name = "version",
	.summary = "Print version, commit and time of the build",
	.run = version_run,
};

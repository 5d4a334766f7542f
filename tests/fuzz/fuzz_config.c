/* A configuration file of any bytes: loaded or refused with a reason for each line that is wrong; what is loaded shows as a file
 * that loads to the same. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"

#define ERRORS_MAX (2 * MIB) /* a hundred findings are shown, the longest of 8 KiB */

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_config: %s\n", what);
	abort();
}

static bool is_printable(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (((u8)b->data[i] < ' ' && b->data[i] != '\n') || b->data[i] == 0x7f)
			return false;
	return true;
}

static struct config *load(struct str text)
{
	struct buf errors = { .max = ERRORS_MAX }, warnings = { .max = ERRORS_MAX };
	struct config *c = NULL;
	int rc = config_parse("fuzz", text, &c, &errors, &warnings);
	require((rc == 0) == (c != NULL), "a result that is neither a configuration nor an error");
	require((rc == 0) == (errors.len == 0), "an error without a message, or the other way round");
	require(!errors.failed && !warnings.failed, "messages without an end");
	require(is_printable(&errors) && is_printable(&warnings), "a control character in a message");
	buf_done(&errors);
	buf_done(&warnings);
	return c;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct config *c = load(str_make(data, size));
	if (!c)
		return 0;
	struct buf once = { 0 }, twice = { 0 }, keys = { 0 };
	config_show(c, &once);
	struct config *again = load(str_make(once.data, once.len));
	require(again != NULL, "what is shown is refused");
	config_show(again, &twice);
	require(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0, "what is shown loads to something else");
	require(!config_needs_restart(c, c, &keys), "a configuration differs from itself");
	config_free(c);
	config_free(again);
	buf_done(&once);
	buf_done(&twice);
	buf_done(&keys);
	return 0;
}

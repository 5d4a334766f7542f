/* Writes a recorded capture COPIES times, one after the other: each copy has its own client addresses and its own time.
 * usage: multiply FILE COPIES SERVER_PORT > OUT    (pcap, Ethernet, IPv4, native byte order)
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
	uint32_t sec, frac, caplen, len;
};

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Puts the copy's number into the client's address: the side whose port is not the server's. */
static void rename_client(uint8_t *p, uint32_t n, uint32_t copy, unsigned port)
{
	if (n < 38 || get16(p + 12) != 0x0800)
		return;
	unsigned head = (p[14] & 15u) * 4;
	if (n < 14 + head + 4)
		return;
	uint8_t *client = get16(p + 14 + head) == port ? p + 30 : p + 26;
	client[1] = (uint8_t)(copy >> 8);
	client[2] = (uint8_t)copy;
}

static uint8_t *read_all(const char *path, size_t *ret_n)
{
	FILE *f = fopen(path, "rb");
	uint8_t *all = NULL;
	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	long n = ftell(f);
	rewind(f);
	if (n > 24)
		all = malloc((size_t)n);
	if (all && fread(all, 1, (size_t)n, f) != (size_t)n)
		n = 0;
	*ret_n = (size_t)n;
	fclose(f);
	return all;
}

int main(int argc, char **argv)
{
	size_t n = 0;
	uint8_t *all = argc == 4 ? read_all(argv[1], &n) : NULL;
	uint32_t magic, copies, unit;
	if (!all || n < 24) {
		fprintf(stderr, "usage: multiply FILE COPIES SERVER_PORT > OUT\n");
		return 2;
	}
	memcpy(&magic, all, 4);
	unit = magic == 0xa1b23c4d ? 1000000000 : 1000000;
	copies = (uint32_t)strtoul(argv[2], NULL, 10);
	unsigned port = (unsigned)strtoul(argv[3], NULL, 10);
	struct record r, first = { 0 }, last = { 0 };
	memcpy(&first, all + 24, sizeof(first));
	for (size_t at = 24; at + sizeof(r) <= n; at += sizeof(r) + r.caplen) {
		memcpy(&r, all + at, sizeof(r));
		last = r;
	}
	uint32_t span = last.sec - first.sec + 2; /* seconds a copy takes */
	fwrite(all, 24, 1, stdout);
	for (uint32_t k = 0; k < copies; k++)
		for (size_t at = 24; at + sizeof(r) <= n;) {
			memcpy(&r, all + at, sizeof(r));
			if (at + sizeof(r) + r.caplen > n || r.frac >= unit)
				break;
			r.sec += k * span;
			rename_client(all + at + sizeof(r), r.caplen, k, port);
			fwrite(&r, sizeof(r), 1, stdout);
			fwrite(all + at + sizeof(r), 1, r.caplen, stdout);
			r.sec -= k * span;
			at += sizeof(r) + r.caplen;
		}
	free(all);
	return fflush(stdout) || ferror(stdout);
}

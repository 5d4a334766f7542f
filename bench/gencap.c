/* Writes a capture of HTTP/1.1 keep-alive exchanges, spread evenly over many connections.
 * usage: gencap CONNECTIONS EXCHANGES BODY_BYTES > FILE
 * First every connection opens (SYN, SYN-ACK, ACK), then the exchanges go round all of them in turn; none is closed.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENT, SERVER };
enum { FLAG_SYN = 2, FLAG_PSH = 8, FLAG_ACK = 16 };

struct connection {
	uint32_t seq[2];
};

static uint64_t now = 1700000000ull * 1000000000;

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* Connection i: its own client address and port, one server. */
static void packet(struct connection *c, uint32_t i, int from, uint8_t flags, const char *payload, uint32_t n)
{
	uint8_t b[54] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45 };
	uint8_t *client = b + (from == CLIENT ? 26 : 30), *server = b + (from == CLIENT ? 30 : 26);
	uint32_t head[4] = { (uint32_t)(now / 1000000000), (uint32_t)(now % 1000000000), 54 + n, 54 + n };
	put16(b + 16, 40 + n);
	b[22] = 64;
	b[23] = 6;
	put32(client, 0x0a000001 + i / 20000);
	put32(server, 0xc0a80001);
	put16(b + (from == CLIENT ? 34 : 36), 20000 + i % 20000);
	put16(b + (from == CLIENT ? 36 : 34), 80);
	put32(b + 38, c->seq[from]);
	put32(b + 42, flags & FLAG_ACK ? c->seq[!from] : 0);
	b[46] = 0x50;
	b[47] = flags;
	put16(b + 48, 64000);
	c->seq[from] += n + !!(flags & FLAG_SYN);
	fwrite(head, sizeof(head), 1, stdout);
	fwrite(b, sizeof(b), 1, stdout);
	fwrite(payload, 1, n, stdout);
	now += 1000;
}

int main(int argc, char **argv)
{
	static const uint32_t file_head[6] = { 0xa1b23c4d, 4 << 16 | 2, 0, 0, 262144, 1 };
	if (argc != 4) {
		fprintf(stderr, "usage: gencap CONNECTIONS EXCHANGES BODY_BYTES\n");
		return 2;
	}
	uint32_t n = (uint32_t)strtoul(argv[1], NULL, 10), exchanges = (uint32_t)strtoul(argv[2], NULL, 10), body = (uint32_t)strtoul(argv[3], NULL, 10);
	struct connection *all = calloc(n, sizeof(*all));
	char ask[256], *answer = malloc(256 + body);
	if (!all || !answer || !n)
		return 1;
	fwrite(file_head, sizeof(file_head), 1, stdout);
	for (uint32_t i = 0; i < n; i++) {
		all[i] = (struct connection){ { i * 2654435761u, i * 40503u } };
		packet(&all[i], i, CLIENT, FLAG_SYN, "", 0);
		packet(&all[i], i, SERVER, FLAG_SYN | FLAG_ACK, "", 0);
		packet(&all[i], i, CLIENT, FLAG_ACK, "", 0);
	}
	for (uint32_t e = 0; e < exchanges; e++) {
		struct connection *c = &all[e % n];
		int q = snprintf(ask, sizeof(ask), "GET /item/%u HTTP/1.1\r\nHost: shop.test\r\nAccept: */*\r\nUser-Agent: gencap\r\n\r\n", e);
		int a = snprintf(answer, 256, "HTTP/1.1 200 OK\r\nServer: gencap\r\nContent-Type: text/plain\r\nContent-Length: %u\r\n\r\n", body);
		memset(answer + a, 'x', body);
		packet(c, e % n, CLIENT, FLAG_PSH | FLAG_ACK, ask, (uint32_t)q);
		packet(c, e % n, SERVER, FLAG_PSH | FLAG_ACK, answer, (uint32_t)a + body);
	}
	free(answer);
	free(all);
	return fflush(stdout) || ferror(stdout);
}

/* Every packet of a folder of captures (environment PACKETD_CORPUS, with the folders `files` and `odd`), decoded against an
 * unreadable page, whole and cut. Skipped where the folder is not at hand. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <dirent.h>
#include <stdio.h>

#include <pcap/pcap.h>

#include "decode_check.h"

#define PREFIX_PACKETS 20u  /* packets of a capture of which every prefix is tried */
#define PREFIX_BYTES 400u

struct tally {
	u64 results[NET_RESULT_COUNT];
	u64 packets;
	u32 captures;
};

/* One guarded page area reused for all packets: its end is the packet's end. */
static u8 *guard_end;

static void guard_open(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = 512 * KIB;
	u8 *map = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map + room, page, PROT_NONE), 0);
	guard_end = map + room;
}

static enum net_result decode_at_end(struct net *n, struct packet p, u32 caplen, u32 len)
{
	struct segment seg;
	unsigned sum = 0;
	memmove(guard_end - caplen, p.data, caplen);
	p.data = guard_end - caplen;
	p.caplen = caplen;
	p.len = len;
	enum net_result r = net_decode(n, &p, &seg);
	assert_in_range(r, 0, NET_RESULT_COUNT - 1);
	if (r == NET_SEGMENT) {
		assert_true(seg.caplen <= seg.len);
		for (u32 i = 0; i < seg.caplen; i++)
			sum += *(const volatile u8 *)(seg.payload + i);
		assert_true(sum <= seg.caplen * 255u);
	}
	return r;
}

static void read_capture(const char *path, struct tally *t)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *file = pcap_open_offline(path, error);
	if (!file)
		return; /* one of those that are broken on purpose, or of several link types */
	struct net *n = net_new(0);
	struct pcap_pkthdr *h;
	const u_char *data;
	assert_non_null(n);
	for (u32 i = 0; pcap_next_ex(file, &h, &data) == 1; i++) {
		if (h->caplen > 400 * KIB)
			continue;
		struct packet p = { .ts = (u64)h->ts.tv_sec * NS_PER_SEC, .data = data, .caplen = h->caplen, .len = h->len, .linktype = (u16)pcap_datalink(file) };
		t->results[decode_at_end(n, p, p.caplen, p.len)]++;
		t->packets++;
		if (i >= PREFIX_PACKETS)
			continue;
		for (u32 cut = 0; cut < MIN(p.caplen, PREFIX_BYTES); cut++) {
			decode_at_end(n, p, cut, p.len);
			decode_at_end(n, p, cut, cut);
		}
	}
	t->captures++;
	net_free(n);
	pcap_close(file);
}

static void read_folder(const char *corpus, const char *folder, struct tally *t)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", corpus, folder);
	DIR *d = opendir(path);
	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", corpus, folder, e->d_name);
		read_capture(path, t);
	}
	closedir(d);
}

static void test_corpus(void **state)
{
	const char *corpus = getenv("PACKETD_CORPUS");
	struct tally files = { { 0 } }, odd = { { 0 } };
	if (!corpus)
		skip();
	guard_open();
	read_folder(corpus, "files", &files);
	read_folder(corpus, "odd", &odd);
	for (int i = 0; i < NET_RESULT_COUNT; i++)
		print_message("%-18s %8llu %8llu\n", net_result_name((enum net_result)i), (unsigned long long)files.results[i], (unsigned long long)odd.results[i]);
	assert_true(files.captures + odd.captures > 0);
	/* The folder of good captures is application traffic: nearly all of it are segments, and no link type is foreign. */
	assert_true(files.packets == 0 || files.results[NET_SEGMENT] > files.packets / 10 * 9);
	assert_int_equal(files.results[NET_LINKTYPE], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_corpus) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

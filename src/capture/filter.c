#include "capture/filter.h"

#include <errno.h>
#include <stdio.h>

/* libpcap compiles for its own DLT numbers, which differ from the numbers in files for a few types. */
static int linktype_to_dlt(u16 linktype)
{
	static const struct {
		u16 linktype;
		int dlt;
	} differ[] = {
		{ 100, DLT_ATM_RFC1483 }, { LINKTYPE_RAW, DLT_RAW }, { 102, DLT_SLIP_BSDOS },
		{ 103, DLT_PPP_BSDOS },   { 104, DLT_C_HDLC },       { 106, DLT_ATM_CLIP },
		{ LINKTYPE_LOOP, DLT_LOOP },
	};
	for (size_t i = 0; i < ARRAY_LEN(differ); i++)
		if (differ[i].linktype == linktype)
			return differ[i].dlt;
	return linktype;
}

int filter_compile(struct bpf_program *ret, u16 linktype, u32 snaplen, const char *text, char error[256])
{
	*ret = (struct bpf_program){ 0 };
	pcap_t *dead = pcap_open_dead(linktype_to_dlt(linktype), (int)MIN(snaplen, (u32)FILTER_SNAPLEN));
	if (!dead)
		return -ENOMEM;
	int r = 0;
	if (pcap_compile(dead, ret, text, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		snprintf(error, 256, "filter \"%.120s\": %.100s", text, pcap_geterr(dead));
		*ret = (struct bpf_program){ 0 };
		r = -EINVAL;
	}
	pcap_close(dead);
	return r;
}

int filter_check(const char *text, char error[256])
{
	static const u16 common[] = { LINKTYPE_ETHERNET, LINKTYPE_LINUX_SLL, LINKTYPE_RAW, LINKTYPE_NULL, 105 };
	char other[256];
	for (size_t i = 0; i < ARRAY_LEN(common); i++) {
		struct bpf_program program;
		int r = filter_compile(&program, common[i], FILTER_SNAPLEN, text, i == 0 ? error : other);
		if (r == 0)
			filter_free(&program);
		if (r != -EINVAL)
			return r;
	}
	return -EINVAL;
}

void filter_free(struct bpf_program *program)
{
	pcap_freecode(program);
	*program = (struct bpf_program){ 0 };
}

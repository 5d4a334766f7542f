#ifdef __linux__
#include "capture/afp_program.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define SLL_BYTES 16
#define SLL_PROTOCOL 14
#define AD(what) ((u32)(SKF_AD_OFF + (what)))

/* Drops loopback's outgoing copy: every packet there is seen again coming in. */
static u16 prologue(struct sock_filter *to, const struct afp_link *link)
{
	u16 n = 0;
	if (!link->drop_outgoing)
		return 0;
	if (link->only_index) {
		to[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_IFINDEX));
		to[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, link->only_index, 0, 3);
	}
	to[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AD(SKF_AD_PKTTYPE));
	to[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1);
	to[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	return n;
}

/* A load compiled for a 16-byte SLL header, for data that begin behind it. False where there is no such thing. */
static bool uncook_load(struct sock_filter *i)
{
	if (i->k >= (u32)SKF_AD_OFF)
		return true;
	if (i->k >= SLL_BYTES)
		i->k -= SLL_BYTES;
	else if (i->k == SLL_PROTOCOL && BPF_CLASS(i->code) == BPF_LD && BPF_MODE(i->code) == BPF_ABS)
		i->k = AD(SKF_AD_PROTOCOL);
	else if (i->k == 0 && BPF_CLASS(i->code) == BPF_LD && BPF_MODE(i->code) == BPF_ABS)
		i->k = AD(SKF_AD_PKTTYPE);
	else
		return false;
	return true;
}

static bool uncook(struct sock_filter *insns, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		u16 class = BPF_CLASS(insns[i].code), mode = BPF_MODE(insns[i].code);
		bool load = (class == BPF_LD || class == BPF_LDX) && (mode == BPF_ABS || mode == BPF_IND || mode == BPF_MSH);
		if (load && !uncook_load(&insns[i]))
			return false;
	}
	return true;
}

/* `vlan` looks at the tag, which the kernel has taken off: libpcap makes the right program only for a live handle. */
static int compile_live(struct bpf_program *ret, const struct afp_link *link, u32 snaplen, const char *text, char error[256])
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_create(link->name, why);
	if (!p)
		return -ENOMEM;
	int r = -EINVAL;
	pcap_set_snaplen(p, (int)snaplen);
	pcap_set_buffer_size(p, 1 << 16);
	if (pcap_activate(p) < 0 || pcap_datalink(p) != DLT_EN10MB || pcap_compile(p, ret, text, 1, PCAP_NETMASK_UNKNOWN) < 0)
		snprintf(error, 256, "filter \"%.120s\": %.100s", text, pcap_geterr(p));
	else
		r = 0;
	pcap_close(p);
	return r;
}

/* Prologue and program together. -E2BIG: the kernel does not take that many, or looks at what is not there for it. */
static int assemble(struct afp_program *to, const struct afp_link *link, const struct bpf_program *program, u32 snaplen)
{
	to->insns = calloc(program->bf_len + 8, sizeof(*to->insns));
	if (!to->insns)
		return -ENOMEM;
	u16 n = prologue(to->insns, link);
	if (program->bf_len + n > BPF_MAXINSNS)
		return -E2BIG;
	for (u32 i = 0; i < program->bf_len; i++) {
		const struct bpf_insn *from = &program->bf_insns[i];
		to->insns[n + i] = (struct sock_filter){ from->code, from->jt, from->jf, from->k };
		if (from->code == (BPF_RET | BPF_K) && from->k)
			to->insns[n + i].k = snaplen;
	}
	to->len = (u16)(n + program->bf_len);
	return link->cooked && !uncook(to->insns + n, program->bf_len) ? -E2BIG : 0;
}

int afp_program_shorten(struct afp_program *p, const struct afp_link *link, u32 snaplen)
{
	struct bpf_insn all = BPF_STMT(BPF_RET | BPF_K, FILTER_SNAPLEN);
	struct bpf_program program = { 1, &all };
	free(p->insns);
	p->insns = NULL;
	p->short_ = true;
	return assemble(p, link, &program, snaplen);
}

int afp_program_build(struct afp_program *ret, const struct afp_link *link, const char *text, u32 snaplen, char error[256])
{
	*ret = (struct afp_program){ 0 };
	if (!text || !*text) {
		int none = afp_program_shorten(ret, link, snaplen);
		ret->short_ = false;
		return none;
	}
	bool live = !link->cooked && strstr(text, "vlan");
	struct bpf_program program = { 0 };
	int r = live ? compile_live(&program, link, FILTER_SNAPLEN, text, error)
		     : filter_compile(&program, link->cooked ? LINKTYPE_LINUX_SLL : LINKTYPE_ETHERNET, FILTER_SNAPLEN, text, error);
	if (r < 0)
		return r;
	r = assemble(ret, link, &program, snaplen);
	if (live)
		filter_free(&program);
	else
		ret->user = program;
	if (r == -E2BIG && !live)
		r = afp_program_shorten(ret, link, snaplen);
	else if (r == -E2BIG)
		snprintf(error, 256, "the filter is too long for the kernel");
	if (r < 0)
		afp_program_done(ret);
	return r;
}

void afp_program_done(struct afp_program *p)
{
	free(p->insns);
	filter_free(&p->user);
	*p = (struct afp_program){ 0 };
}

int afp_program_attach(const struct afp_program *p, int fd)
{
	struct sock_fprog f = { p->len, p->insns };
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof(f)) < 0 ? -errno : 0;
}

int afp_program_attach_none(int fd)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog f = { 1, &none };
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof(f)) < 0 ? -errno : 0;
}
#else
typedef int afp_program_is_for_linux; /* a translation unit may not be empty */
#endif

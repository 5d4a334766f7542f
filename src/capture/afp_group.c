#ifdef __linux__
#include "capture/afp_group.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Since 5.18; older headers lack it, older kernels ignore it (the filter's prologue does the same then). */
#ifndef PACKET_FANOUT_FLAG_IGNORE_OUTGOING
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000
#endif

struct afp_group {
	struct afp_group *next;
	u32 index; /* a group is of one interface (0: of all) */
	u16 wanted, kernel_id;
	u16 workers, len;
	bool known;   /* kernel_id is that of the kernel's group */
	bool started; /* all workers have been in it, or have been waited for */
	struct afp_socket *members[AFP_WORKERS_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct afp_group *groups;

void afp_group_lock(void)
{
	pthread_mutex_lock(&lock);
}

void afp_group_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

static int fanout(const struct afp_socket *s, u32 id, u32 flags)
{
	u32 type = PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_DEFRAG | flags;
	if (s->index && s->loopback)
		type |= PACKET_FANOUT_FLAG_IGNORE_OUTGOING;
	u32 value = (id & 0xffff) | type << 16;
	return setsockopt(s->fd, SOL_PACKET, PACKET_FANOUT, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* The first socket of a group asks the kernel for an id nobody uses (4.11 and later), else takes one that is likely free. */
static int first_fanout(struct afp_group *g, const struct afp_socket *s)
{
	int value = 0;
	socklen_t n = sizeof(value);
	if (fanout(s, 0, PACKET_FANOUT_FLAG_UNIQUEID) == 0) {
		if (getsockopt(s->fd, SOL_PACKET, PACKET_FANOUT, &value, &n) < 0)
			return -errno;
		g->kernel_id = (u16)value;
		return 0;
	}
	g->kernel_id = (u16)(g->wanted + s->index * 40503u);
	return fanout(s, g->kernel_id, 0);
}

static struct afp_group *group_find(const struct afp_socket *s, const struct afp_setup *setup)
{
	struct afp_group *g = groups;
	while (g && (g->wanted != setup->fanout_id || g->index != s->index))
		g = g->next;
	if (g)
		return g;
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->wanted = setup->fanout_id;
	g->index = s->index;
	g->workers = setup->workers;
	g->next = groups;
	groups = g;
	return g;
}

static void group_drop(struct afp_group *g)
{
	struct afp_group **at = &groups;
	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	free(g);
}

/* Which flows a socket gets depends on its place in the kernel's group. In the order of the workers a flow belongs to the same worker on
 * every interface, also on one that several workers find at the same time: only then are its copies seen to be copies. */
static struct afp_socket *next_to_share(const struct afp_group *g)
{
	struct afp_socket *next = NULL;
	for (u32 i = 0; i < g->len; i++)
		if (!g->members[i]->shares && (!next || g->members[i]->worker < next->worker))
			next = g->members[i];
	return next;
}

static int start_members(struct afp_group *g)
{
	struct afp_socket *s;
	int r = 0;
	g->started = true;
	while (r == 0 && (s = next_to_share(g))) {
		r = g->known ? fanout(s, g->kernel_id, 0) : first_fanout(g, s);
		s->shares = r == 0;
		g->known = g->known || s->shares;
	}
	for (u32 i = 0; i < g->len && r == 0; i++)
		r = afp_socket_arm(g->members[i]);
	return r;
}

static int join(struct afp_socket *s, const struct afp_setup *setup)
{
	struct afp_group *g = group_find(s, setup);
	if (!g)
		return -ENOMEM;
	if (g->len == AFP_WORKERS_MAX)
		return -ENOSPC;
	s->group = g;
	s->worker = setup->worker;
	g->members[g->len++] = s;
	return g->started || g->len >= g->workers ? start_members(g) : 0;
}

int afp_group_join(struct afp_socket *s, const struct afp_setup *setup)
{
	pthread_mutex_lock(&lock);
	int r = join(s, setup);
	pthread_mutex_unlock(&lock);
	return r;
}

void afp_group_leave(struct afp_socket *s)
{
	struct afp_group *g = s->group;
	if (!g)
		return;
	pthread_mutex_lock(&lock);
	for (u32 i = 0; i < g->len; i++)
		if (g->members[i] == s)
			g->members[i] = g->members[--g->len];
	if (g->len == 0)
		group_drop(g);
	s->group = NULL;
	pthread_mutex_unlock(&lock);
}

void afp_group_arm(struct afp_socket *s)
{
	pthread_mutex_lock(&lock);
	if (s->group)
		start_members(s->group);
	pthread_mutex_unlock(&lock);
}
#else
typedef int afp_group_is_for_linux;
#endif

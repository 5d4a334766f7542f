#include "capture/iface.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/suggest.h"

/* --- which exist --- */

static int by_index(const void *a, const void *b)
{
	const struct iface *x = a, *y = b;
	return (x->index > y->index) - (x->index < y->index);
}

int iface_list(struct iface **ret, size_t *ret_n)
{
	struct if_nameindex *names = if_nameindex();
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = -errno;
	if (fd < 0)
		fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t n = 0;
	while (names && names[n].if_index)
		n++;
	struct iface *list = calloc(n + 1, sizeof(*list));
	if (!names || fd < 0 || !list) {
		free(list);
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		struct ifreq q = { 0 };
		list[i].index = names[i].if_index;
		snprintf(list[i].name, sizeof(list[i].name), "%s", names[i].if_name);
		memcpy(q.ifr_name, list[i].name, sizeof(q.ifr_name));
		if (ioctl(fd, SIOCGIFFLAGS, &q) == 0) {
			list[i].up = q.ifr_flags & IFF_UP;
			list[i].loopback = q.ifr_flags & IFF_LOOPBACK;
		}
	}
	qsort(list, n, sizeof(*list), by_index);
	*ret = list;
	*ret_n = n;
	r = 0;
out:
	if (fd >= 0)
		close(fd);
	if (names)
		if_freenameindex(names);
	return r;
}

/* --- which are wanted --- */

struct wanted {
	char name[IF_NAMESIZE]; /* "" for an expression */
	char text[64];          /* as it was given, for sentences */
	regex_t expression;
};

struct iface_match {
	bool any;
	u32 len;
	struct wanted wanted[IFACE_WANTED_MAX];
};

/* Up to the next comma outside brackets. */
static size_t item_length(const char *p)
{
	int depth = 0;
	size_t n = 0;
	for (; p[n] && (p[n] != ',' || depth > 0); n++) {
		if (strchr("([{", p[n]))
			depth++;
		else if (strchr(")]}", p[n]))
			depth--;
	}
	return n;
}

static int add_expression(struct wanted *w, struct str item, char error[256])
{
	struct buf anchored = { .max = 4096 };
	buf_addf(&anchored, "^(%.*s)$", STR_ARG(item));
	int rc = regcomp(&w->expression, buf_cstr(&anchored), REG_EXTENDED | REG_NOSUB);
	bool failed = anchored.failed;
	buf_done(&anchored);
	if (rc == 0 && !failed)
		return 0;
	char why[128] = "too long";
	if (rc)
		regerror(rc, NULL, why, sizeof(why));
	else
		regfree(&w->expression);
	snprintf(error, 256, "bad regular expression '%.64s' for interfaces: %.100s", w->text, why);
	return -EINVAL;
}

static int add_item(struct iface_match *m, struct str item, char error[256])
{
	if (m->len == IFACE_WANTED_MAX) {
		snprintf(error, 256, "more than %d interfaces in a list; use an expression, or any", IFACE_WANTED_MAX);
		return -EINVAL;
	}
	struct wanted *w = &m->wanted[m->len];
	snprintf(w->text, sizeof(w->text), "%.*s", STR_ARG(item));
	if (strpbrk(w->text, "^$*+?()[]{}|\\")) {
		int r = add_expression(w, item, error);
		m->len += r == 0;
		return r;
	}
	if (item.n >= IF_NAMESIZE) {
		snprintf(error, 256, "'%.63s' is too long for the name of an interface", w->text);
		return -EINVAL;
	}
	m->any = m->any || str_eq(item, STR("any"));
	memcpy(w->name, item.p, item.n);
	m->len++;
	return 0;
}

int iface_match_new(const char *text, struct iface_match **ret, char error[256])
{
	struct iface_match *m = calloc(1, sizeof(*m));
	int r = 0;
	if (!m)
		return -ENOMEM;
	while (text && *text && r == 0) {
		size_t n = item_length(text), lead = strspn(text, " ");
		struct str item = str_make(text + MIN(lead, n), n - MIN(lead, n));
		while (item.n && item.p[item.n - 1] == ' ')
			item.n--;
		if (item.n)
			r = add_item(m, item, error);
		text += n + (text[n] == ',');
	}
	if (r < 0) {
		iface_match_free(m);
		return r;
	}
	m->any = m->any || m->len == 0;
	*ret = m;
	return 0;
}

void iface_match_free(struct iface_match *m)
{
	if (!m)
		return;
	for (u32 i = 0; i < m->len; i++)
		if (!m->wanted[i].name[0])
			regfree(&m->wanted[i].expression);
	free(m);
}

bool iface_match_is_any(const struct iface_match *m)
{
	return m->any;
}

static bool item_matches(const struct wanted *w, const char *name)
{
	return w->name[0] ? strcmp(w->name, name) == 0 : regexec(&w->expression, name, 0, NULL, 0) == 0;
}

bool iface_match_name(const struct iface_match *m, const char *name)
{
	bool match = m->any;
	for (u32 i = 0; i < m->len && !match; i++)
		match = item_matches(&m->wanted[i], name);
	return match;
}

/* "no such interface: eht0 (did you mean eth0?); there are: any, lo, eth0" */
static void unknown_interface(const char *name, const struct iface *list, size_t n, char error[256])
{
	const char **known = calloc(n + 1, sizeof(*known));
	struct buf b = { .max = 64 * KIB };
	for (size_t i = 0; known && i < n; i++)
		known[i] = list[i].name;
	const char *near = known ? suggest(name, known, n) : NULL;
	buf_addf(&b, "no such interface: %s", name);
	if (near)
		buf_addf(&b, " (did you mean %s?)", near);
	buf_adds(&b, "; there are: any");
	for (size_t i = 0; i < n && b.len < 200; i++)
		buf_addf(&b, ", %s", list[i].name);
	snprintf(error, 256, "%s", buf_cstr(&b));
	buf_done(&b);
	free(known);
}

int iface_match_check(const struct iface_match *m, const struct iface *list, size_t n, char error[256])
{
	u32 matches = 0;
	if (m->any)
		return 0;
	for (u32 i = 0; i < m->len; i++) {
		u32 before = matches;
		for (size_t k = 0; k < n; k++)
			matches += item_matches(&m->wanted[i], list[k].name);
		if (matches > before || !m->wanted[i].name[0])
			continue;
		unknown_interface(m->wanted[i].name, list, n, error);
		return -ENODEV;
	}
	if (matches)
		return 0;
	snprintf(error, 256, "no interface matches '%s' yet: waiting for one", m->wanted[0].text);
	return -EAGAIN;
}

/* --- what they are called --- */

#define NAME_CHAINS 256

struct known_name {
	struct known_name *next, *older; /* in its chain; of all */
	u32 index;
	u16 id;
	bool fresh;
	char name[IF_NAMESIZE];
};

struct iface_names {
	struct known_name *chains[NAME_CHAINS];
	struct known_name *newest;
	struct known_name *recent[NAME_CHAINS]; /* by index */
	u32 len;
	int fd;      /* to ask the kernel: later, opening one may not be allowed any more */
	u16 next_id; /* for indices above 16 bits, downwards */
};

struct iface_names *iface_names_new(void)
{
	struct iface_names *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->next_id = UINT16_MAX;
	t->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return t;
}

static bool ask_name(const struct iface_names *t, u32 index, char name[IF_NAMESIZE])
{
#ifdef SIOCGIFNAME
	struct ifreq q = { .ifr_ifindex = (int)index };
	if (t->fd >= 0 && ioctl(t->fd, SIOCGIFNAME, &q) == 0) {
		snprintf(name, IF_NAMESIZE, "%s", q.ifr_name);
		return true;
	}
#endif
	return if_indextoname(index, name) != NULL;
}

void iface_names_free(struct iface_names *t)
{
	for (struct known_name *k = t ? t->newest : NULL, *older; k; k = older) {
		older = k->older;
		free(k);
	}
	if (t && t->fd >= 0)
		close(t->fd);
	free(t);
}

/* The newest entry of an id comes first in its chain; older ones stay, for whoever still holds their name. */
static struct known_name *name_add(struct iface_names *t, u32 index, u16 id)
{
	struct known_name *k = t->len < IFACE_NAMES_MAX ? calloc(1, sizeof(*k)) : NULL;
	if (!k)
		return NULL;
	k->index = index;
	k->id = id;
	k->older = t->newest;
	k->next = t->chains[id % NAME_CHAINS];
	t->newest = t->chains[id % NAME_CHAINS] = k;
	t->len++;
	return k;
}

static struct known_name *name_find(const struct iface_names *t, u16 id)
{
	struct known_name *k = t->chains[id % NAME_CHAINS];
	while (k && k->id != id)
		k = k->next;
	return k;
}

u16 iface_names_id_slow(struct iface_names *t, u32 index)
{
	struct known_name *k = t->recent[index % NAME_CHAINS];
	if (likely(k && k->index == index))
		return k->id;
	for (k = t->newest; k && k->index != index; k = k->older)
		;
	if (!k) {
		k = name_add(t, index, t->next_id);
		if (!k)
			return 0;
		t->next_id--;
	}
	t->recent[index % NAME_CHAINS] = k;
	return k->id;
}

const char *iface_names_get(struct iface_names *t, u16 id)
{
	struct known_name *k = name_find(t, id);
	if (!k && id)
		k = name_add(t, id, id);
	if (!k)
		return NULL;
	char name[IF_NAMESIZE];
	if (!k->fresh && ask_name(t, k->index, name)) {
		if (k->name[0] && strcmp(k->name, name) != 0) {
			struct known_name *renamed = name_add(t, k->index, id);
			k = renamed ? renamed : k;
		}
		if (!k->name[0])
			memcpy(k->name, name, sizeof(name));
	}
	k->fresh = true; /* a name that is gone stays the last one known */
	return k->name[0] ? k->name : NULL;
}

void iface_names_refresh(struct iface_names *t)
{
	for (struct known_name *k = t->newest; k; k = k->older)
		k->fresh = false;
}

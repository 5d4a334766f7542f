#include "cmd/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cmd/interfaces.h"
#include "util/suggest.h"

/* Says why and that it is the user's to change. */
static int refuse(struct buf *why)
{
	watch_say("Error", "%s", buf_cstr(why));
	buf_done(why);
	return EXIT_USAGE;
}

static int setup_rules(struct watch *w)
{
	struct buf why = { 0 };
	for (u32 i = 0; i < w->v->proto.n; i++)
		if (rules_add(&w->rules, w->v->proto.v[i], &why))
			return refuse(&why);
	w->options.session.rules = w->rules.v;
	w->options.session.rules_len = w->rules.n;
	return EXIT_OK;
}

static int setup_engine(struct watch *w)
{
	const char *names[16];
	size_t n = 0;
	struct buf why = { 0 };
	w->options.engine = capture_engine_default(&w->options.capture);
	if (!w->v->engine && w->options.engine)
		return EXIT_OK;
	const struct capture_engine *e = w->v->engine ? capture_engine_find(w->v->engine) : NULL;
	if (e && e->live == !w->v->pcap_file) {
		w->options.engine = e;
		return EXIT_OK;
	}
	for (u32 i = 0; capture_engines[i] && n < ARRAY_LEN(names); i++)
		if (capture_engines[i]->live == !w->v->pcap_file)
			names[n++] = capture_engines[i]->name;
	const char *wanted = w->v->engine ? w->v->engine : "(default)", *close = suggest(wanted, names, n);
	if (e)
		buf_addf(&why, "engine %s is not for %s", wanted, w->v->pcap_file ? "files" : "interfaces");
	else
		buf_addf(&why, "unknown engine: %s", wanted);
	if (close)
		buf_addf(&why, " (did you mean %s?)", close);
	buf_adds(&why, "; there are:");
	for (size_t i = 0; i < n; i++)
		buf_addf(&why, "%s %s", i ? "," : "", names[i]);
	return refuse(&why);
}

static int setup_capture(struct watch *w)
{
	const struct watch_values *v = w->v;
	struct capture_options *c = &w->options.capture;
	struct buf why = { 0 };
	c->file = v->pcap_file;
	c->interfaces = v->ifaces && *v->ifaces ? v->ifaces : "any";
	c->snaplen = (u32)v->snaplen;
	c->promiscuous = v->promisc && !v->no_promisc;
	/* A poll that finds nothing costs a wake-up; what arrives ends it at once, and is shown at the end of the next one. */
	c->poll_ms = 40;
	w->options.ring_bytes = v->ring;
	w->options.workers = (u32)v->workers;
	w->options.family = v->ipv == FAMILY_V4 ? 4 : v->ipv == FAMILY_V6 ? 6 : 0;
	if (v->pcap_file && strcmp(v->pcap_file, "-") == 0 && isatty(STDIN_FILENO)) {
		buf_adds(&why, "standard input is a terminal: pipe a capture into it, as in tcpdump -w - | packetd watch -r -");
		return refuse(&why);
	}
	if (v->pcap_file)
		return EXIT_OK;
	if (rules_filter(&w->rules, &w->bpf))
		c->filter = buf_cstr(&w->bpf);
	int rc = interfaces_check(c->interfaces, &why);
	if (rc)
		return refuse(&why);
	buf_done(&why);
	return EXIT_OK;
}

static int setup_filter(struct watch *w)
{
	struct buf why = { 0 };
	if (w->v->filter && rt_filter_compile(w->v->filter, &w->filter, &why)) {
		buf_adds(&why, "\nAll names: packetd help filter");
		return refuse(&why);
	}
	buf_done(&why);
	return EXIT_OK;
}

/* --filter and --count: the RoundTrip that makes the count full is the last one that is let through. */
static bool keep(void *arg, const struct roundtrip *rt)
{
	struct watch *w = arg;
	if (!rt_filter_match(w->filter, rt))
		return false;
	if (!w->v->count)
		return true;
	u64 before = atomic_fetch_add_explicit(&w->kept, 1, memory_order_relaxed);
	if (before + 1 >= w->v->count)
		observer_stop(w->observer);
	return before < w->v->count;
}

static void setup_session(struct watch *w)
{
	const struct watch_values *v = w->v;
	struct session_options *s = &w->options.session;
	s->proto.show_secrets = v->show_secrets;
	s->proto.pushes = v->pushes;
	s->proto.carriers = v->grpc_as_http2;
	s->proto.progress_ns = v->progress;
	s->proto.headers = !v->quiet || w->filter;
	s->proto.details = !v->quiet || w->filter;
	s->proto.no_redacted = !w->filter; /* only spans and filters have them */
	s->proto.body_bytes = (u32)v->body;
	s->proto.statement_length = v->statement_length ? (u32)v->statement_length : 1024;
	s->proto.parameters = v->statement_parameters;
	s->proto.max_records = 64;
	s->timeout_ns = v->timeout;
	s->udp_timeout_ns = v->timeout;
	if (v->count || w->filter) {
		s->keep = keep;
		s->keep_arg = w;
	}
}

static void setup_output(struct watch *w)
{
	const struct watch_values *v = w->v;
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	w->terminal = isatty(STDOUT_FILENO) && (!v->file || v->console);
	w->format = (u8)v->output;
	if (v->output == OUTPUT_AUTO)
		w->format = w->terminal ? OUTPUT_TABLE : OUTPUT_JSON;
	w->colour = w->terminal && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
	if (v->color)
		w->colour = true;
	if (v->no_color)
		w->colour = false;
	table_init(&w->table, w->colour, w->format == OUTPUT_WIDE, 0);
	watch_fit(w);
}

void watch_fit(struct watch *w)
{
	struct winsize size;
	if (w->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		atomic_store_explicit(&w->table.width, size.ws_col, memory_order_relaxed);
}

int watch_setup(struct watch *w)
{
	tzset();
	int code = setup_rules(w);
	if (code == EXIT_OK)
		code = setup_filter(w);
	if (code == EXIT_OK)
		code = setup_capture(w);
	if (code == EXIT_OK)
		code = setup_engine(w);
	setup_session(w);
	setup_output(w);
	return code;
}

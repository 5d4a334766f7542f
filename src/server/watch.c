/* RoundTrips as they come: /watch and /api/v1/roundtrips. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "server/http.h"
#include "util/clock.h"
#include "util/timefmt.h"

#define MESSAGES 100                /* default of max_message */
#define TIMEOUT (5 * NS_PER_SEC)    /* default of timeout */
#define TIMEOUT_MAX (24 * 3600 * NS_PER_SEC)
#define LOOK_MS 250                 /* how soon a client that has left is noticed */
#define KEEPALIVE_NS (15 * NS_PER_SEC)
#define BLOCK (64 * KIB)

struct stream {
	struct tap_watcher *watcher;
	struct MHD_Connection *connection;
	struct buf pending; /* to be sent, from `sent` on */
	size_t sent;
	u64 left;           /* messages */
	u64 end;            /* ns, monotonic */
	u64 spoke;          /* ns, monotonic: last byte */
	u64 dropped;        /* told so far */
	bool events;        /* server-sent events instead of lines */
};

static void add_events(struct buf *out, const struct buf *lines)
{
	for (size_t at = 0; at < lines->len;) {
		const char *end = memchr(lines->data + at, '\n', lines->len - at);
		size_t n = (size_t)(end - (lines->data + at)) + 1;
		buf_adds(out, "data: ");
		buf_add(out, lines->data + at, n);
		buf_addc(out, '\n');
		at += n;
	}
}

/* What was lost because the client did not read fast enough, as an event of its own; lines have no place for it. */
static void add_dropped(struct stream *s)
{
	u64 dropped = tap_dropped(s->watcher);
	if (!s->events || dropped == s->dropped)
		return;
	buf_addf(&s->pending, "event: dropped\ndata: %llu\n\n", (unsigned long long)(dropped - s->dropped));
	s->dropped = dropped;
}

/* Waits for something to send. False at the end. */
static bool fill(struct stream *s)
{
	struct buf lines = { .max = TAP_WATCHER_BYTES };
	s->pending.len = s->sent = 0;
	while (!s->pending.len) {
		u64 now = clock_ns(CLOCK_MONOTONIC);
		if (!s->left || now >= s->end || http_gone(s->connection))
			break;
		int wait = (int)MIN((s->end - now) / NS_PER_MS + 1, LOOK_MS);
		int n = tap_read(s->watcher, s->events ? &lines : &s->pending, (u32)MIN(s->left, 200), wait);
		if (n < 0)
			break;
		s->left -= (u64)n;
		if (s->events && n > 0)
			add_events(&s->pending, &lines);
		else if (s->events && now - s->spoke > KEEPALIVE_NS)
			buf_adds(&s->pending, ": still here\n\n");
		lines.len = 0;
		add_dropped(s);
	}
	buf_done(&lines);
	s->spoke = s->pending.len ? clock_ns(CLOCK_MONOTONIC) : s->spoke;
	return s->pending.len && !s->pending.failed;
}

static ssize_t next_block(void *cls, uint64_t at, char *to, size_t room)
{
	struct stream *s = cls;
	if (s->sent == s->pending.len && !fill(s))
		return MHD_CONTENT_READER_END_OF_STREAM;
	size_t n = MIN(room, s->pending.len - s->sent);
	memcpy(to, s->pending.data + s->sent, n);
	s->sent += n;
	return (ssize_t)n;
}

static void stream_free(void *cls)
{
	struct stream *s = cls;
	tap_unwatch(s->watcher);
	buf_done(&s->pending);
	free(s);
}

/* A number of at least 1; `fallback` for anything else, as the old program has it. */
static u64 parameter_number(struct http_request *q, const char *name, u64 fallback)
{
	const char *text = http_parameter(q, name);
	char *end;
	unsigned long long v = text ? strtoull(text, &end, 10) : 0;
	return text && *text >= '0' && *text <= '9' && !*end && v ? v : fallback;
}

static u64 parameter_duration(struct http_request *q, const char *name, u64 fallback)
{
	const char *text = http_parameter(q, name);
	u64 ns;
	return text && duration_parse(str_from(text), &ns) && ns ? MIN(ns, TIMEOUT_MAX) : fallback;
}

/* Follows the stream with the request's filter; NULL when it is answered (400, 503). */
static struct tap_watcher *begin(struct http_request *q, struct http_answer *a, bool *ret_filtered)
{
	const char *text = http_parameter(q, "filter");
	struct rt_filter *filter = NULL;
	struct buf why = { 0 };
	*ret_filtered = text && *text;
	if (*ret_filtered && rt_filter_compile(text, &filter, &why)) {
		http_say(a, MHD_HTTP_BAD_REQUEST, "filter: %s", buf_cstr(&why));
		buf_done(&why);
		return NULL;
	}
	buf_done(&why);
	struct tap_watcher *w = tap_watch(q->app->tap, filter);
	if (!w)
		http_say(a, MHD_HTTP_SERVICE_UNAVAILABLE, "%u others are watching already", TAP_WATCHERS_MAX);
	return w;
}

void handle_watch(struct http_request *q, struct http_answer *a)
{
	const char *accept = http_header(q, "Accept"), *format = http_parameter(q, "format");
	bool filtered;
	if (q->is_head)
		return;
	struct tap_watcher *w = begin(q, a, &filtered);
	struct stream *s = w ? calloc(1, sizeof(*s)) : NULL;
	if (!s) {
		if (w) {
			tap_unwatch(w);
			http_say(a, MHD_HTTP_SERVICE_UNAVAILABLE, "not enough memory for a stream");
		}
		return;
	}
	*s = (struct stream){ .watcher = w, .connection = q->connection, .left = parameter_number(q, "max_message", MESSAGES), .spoke = clock_ns(CLOCK_MONOTONIC),
			      .pending = { .max = 4 * TAP_WATCHER_BYTES } };
	s->end = s->spoke + parameter_duration(q, "timeout", TIMEOUT);
	s->events = format ? strcmp(format, "sse") == 0 : accept && strstr(accept, "text/event-stream");
	a->type = s->events ? "text/event-stream" : "application/x-ndjson";
	a->stream = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, next_block, s, stream_free);
	/* the response may take longer than a connection may be silent */
	MHD_set_connection_option(q->connection, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)((s->end - s->spoke) / NS_PER_SEC + 60));
}

/* Collects what the filter lets through until there are enough of them or time is up. */
static u32 collect(struct http_request *q, struct tap_watcher *w, struct buf *out, u32 limit)
{
	u64 end = clock_ns(CLOCK_MONOTONIC) + parameter_duration(q, "timeout", TIMEOUT);
	u32 found = 0;
	struct buf line = { .max = TAP_WATCHER_BYTES };
	for (u64 now = clock_ns(CLOCK_MONOTONIC); found < limit && now < end && !http_gone(q->connection); now = clock_ns(CLOCK_MONOTONIC)) {
		int n = tap_read(w, &line, 1, (int)MIN((end - now) / NS_PER_MS + 1, LOOK_MS));
		if (n < 0)
			break;
		if (!n)
			continue;
		if (found++)
			buf_addc(out, ',');
		buf_add(out, line.data, line.len - 1);
		line.len = 0;
	}
	buf_done(&line);
	return found;
}

void handle_roundtrips(struct http_request *q, struct http_answer *a)
{
	u32 limit = (u32)MIN(parameter_number(q, "limit", MESSAGES), TAP_RECENT_MAX);
	const char *filter = http_parameter(q, "filter");
	a->type = "application/json";
	a->compressible = true;
	buf_adds(&a->body, "{\"roundtrips\":[");
	if (!filter || !*filter) {
		tap_recent(q->app->tap, &a->body, limit);
		buf_adds(&a->body, "],\"source\":\"recent\"}\n");
		return;
	}
	struct http_answer refused = { 0 };
	bool filtered;
	struct tap_watcher *w = begin(q, &refused, &filtered);
	if (!w) {
		buf_done(&a->body);
		*a = refused;
		return;
	}
	collect(q, w, &a->body, limit);
	buf_adds(&a->body, "],\"source\":\"live\"}\n");
	tap_unwatch(w);
}

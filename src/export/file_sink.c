#include "export/file_sink.h"

#include <stdlib.h>

struct file_sink {
	struct sink base;
	struct file_sink_options o;
};

static void json_roundtrip(struct sink *sink, const struct roundtrip *rt)
{
	struct file_sink *s = (struct file_sink *)sink;
	struct buf *out = line_feed_begin(s->o.feed);
	if (!out)
		return;
	roundtrip_json(out, rt, &s->o.json);
	line_feed_end(s->o.feed);
}

static void table_roundtrip(struct sink *sink, const struct roundtrip *rt)
{
	struct file_sink *s = (struct file_sink *)sink;
	struct buf *out = line_feed_begin(s->o.feed);
	if (!out)
		return;
	roundtrip_table(out, rt, s->o.table);
	line_feed_end(s->o.feed);
}

static void flush(struct sink *sink, u64 now, bool last)
{
	line_feed_flush(((struct file_sink *)sink)->o.feed);
}

struct sink *file_sink_new(const struct file_sink_options *options)
{
	struct file_sink *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->o = *options;
	s->base.roundtrip = options->table ? table_roundtrip : json_roundtrip;
	s->base.flush = flush;
	return &s->base;
}

void file_sink_free(struct sink *sink)
{
	free(sink);
}

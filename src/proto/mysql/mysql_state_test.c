/* Connections that are compressed, lose bytes, are joined late, carry packets as long as can be, or are none. */
#include "unit.h"

#include "proto_feed.h"

#include "proto/mysql/mysql_build.h"

#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

static const struct feed_options known = { .roles_known = true };

enum packing { STORED, ZLIB, ZSTD };

/* What the talk has from `from` on becomes frames: one a step, and the first of several steps is cut in two. */
static void pack(struct talk *t, size_t from, enum packing packing)
{
	static u8 out[TALK_BYTES];
	size_t used = 0;
	u8 seq = 0;
	for (size_t i = from; i < t->n; i++) {
		struct feed_step *step = &t->steps[i];
		size_t begin = used, done = 0;
		seq = step->dir == FEED_CLIENT ? 0 : (u8)(seq + 1);
		while (done < step->n) {
			size_t part = step->n > 40 && !done ? 33 : step->n - done, n = part;
			u8 *frame = out + used, *body = frame + 7;
			uLongf room = (uLongf)(sizeof(out) - used - 7);
			const u8 *from_bytes = (const u8 *)step->p + done;
			if (packing == STORED) {
				memcpy(body, from_bytes, part);
			} else if (packing == ZLIB) {
				assert_int_equal(compress2(body, &room, from_bytes, part, 6), Z_OK);
				n = room;
			} else {
				n = ZSTD_compress(body, room, from_bytes, part, 3);
				assert_false(ZSTD_isError(n));
			}
			const u8 header[7] = { (u8)n, (u8)(n >> 8), 0, seq, packing ? (u8)part : 0, packing ? (u8)(part >> 8) : 0, 0 };
			memcpy(frame, header, 7);
			used += 7 + n;
			done += part;
			seq++;
		}
		step->p = out + begin;
		step->n = used - begin;
	}
}

static void compressed_talk(struct talk *t, u32 caps)
{
	char long_row[300] = "\xfc\x20\1";
	memset(long_row + 3, 'r', sizeof(long_row) - 3);
	log_in(t, "8.0.36", ALL_CAPS | caps, 0);
	ASK(t, COM_QUERY, "select a from t where b = 'something long enough to be cut in two'");
	REPLY(t, "\1");
	MORE(t, COLUMN);
	MORE(t, EOF_PACKET);
	MORE(t, "\1x");
	t->joined = true;
	talk_packet(t, FEED_SERVER, long_row, 291);
	MORE(t, EOF_PACKET);
	ASK(t, COM_QUERY, "insert into t values (1)");
	REPLY(t, OK_PACKET);
	ASK(t, COM_QUIT, "");
}

static void compressed(void **state)
{
	static const u32 caps[] = { CAP_COMPRESS, CAP_COMPRESS, CAP_ZSTD };
	for (enum packing packing = STORED; packing <= ZSTD; packing++) {
		struct talk t = { 0 };
		compressed_talk(&t, caps[packing]);
		pack(&t, 3, packing);
		char *log = talk_check(&t, NULL,
				       "answered LOGIN joe shop -> OK\n"
				       "answered select a from t where b = 'something long enough to be cut in two' -> 2 rows\n"
				       "answered insert into t values (1) -> OK\n"
				       "oneway QUIT\n");
		free(log);
	}
}

static void compressed_damage(void **state)
{
	for (size_t at = 0; at < 120; at++) {
		struct talk t = { 0 };
		compressed_talk(&t, CAP_COMPRESS);
		pack(&t, 3, ZLIB);
		((u8 *)(uintptr_t)t.steps[4].p)[at % t.steps[4].n] ^= 0x55;
		free(feed_run(&proto_mysql, t.steps, t.n, NULL, &(struct feed_plan){ 0 }));
	}
}

/* A row, and a statement, of more than 16 MiB: two packets each. */
static void longest_packets(void **state)
{
	const size_t big = MYSQL_PACKET_MAX + 10;
	u8 *p = calloc(1, big + 100);
	assert_non_null(p);
	struct talk t = { 0 };
	log_in(&t, "8.0.36", ALL_CAPS, 0);
	size_t n = 0;
	const u8 first[] = { 0xff, 0xff, 0xff, 0, COM_QUERY }, second[] = { 10, 0, 0, 1 };
	memcpy(p, first, sizeof(first));
	memcpy(p + 5, "select '", 8);
	memset(p + 13, 'x', big);
	memcpy(p + 4 + MYSQL_PACKET_MAX, second, 4);
	n = 4 + MYSQL_PACKET_MAX + 4 + 10;
	t.steps[t.n++] = (struct feed_step){ FEED_CLIENT, false, p, n };
	t.seq = 2;
	REPLY(&t, "\1");
	MORE(&t, COLUMN);
	MORE(&t, EOF_PACKET);
	u8 *q = calloc(1, big + 100);
	assert_non_null(q);
	const u8 row[] = { 0xff, 0xff, 0xff, 5, 0xfd }, rest[] = { 0, 0, 0, 6 }, end[] = { 5, 0, 0, 7, 0xfe, 0, 0, 2, 0 };
	memcpy(q, row, sizeof(row));
	memcpy(q + 4 + MYSQL_PACKET_MAX, rest, 4);
	memcpy(q + 8 + MYSQL_PACKET_MAX, end, sizeof(end));
	t.steps[t.n++] = (struct feed_step){ FEED_SERVER, false, q, 8 + MYSQL_PACKET_MAX + sizeof(end) };
	ASK(&t, COM_PING, "");
	REPLY(&t, OK_PACKET);
	char *log = feed_run(&proto_mysql, t.steps, t.n, NULL, &(struct feed_plan){ 0 });
	assert_non_null(strstr(log, "-> 1 row\n"));
	assert_non_null(strstr(log, "answered PING -> OK\n"));
	feed_has(log, "  > Size=16777233");
	assert_null(strstr(log, "orphan"));
	free(log);
	free(p);
	free(q);
}

/* The server's numbers are those of another conversation: nothing is paired. */
static void out_of_sequence(void **state)
{
	struct talk t = { 0 };
	log_in(&t, "8.0.36", ALL_CAPS, 0);
	ASK(&t, COM_QUERY, "select 1");
	t.seq = 3;
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_QUERY, "select 2");
	REPLY(&t, OK_PACKET);
	char *log = feed_run(&proto_mysql, t.steps, t.n, NULL, &(struct feed_plan){ 0 });
	assert_null(strstr(log, "answered select 1"));
	free(log);
}

static void pipelined(void **state)
{
	struct talk t = { 0 };
	log_in(&t, "8.0.36", ALL_CAPS, 0);
	ASK(&t, COM_QUERY, "select 1");
	t.joined = true;
	ASK(&t, COM_QUERY, "select 2");
	t.joined = true;
	ASK(&t, COM_STMT_CLOSE, "\1\0\0\0");
	t.joined = true;
	ASK(&t, COM_QUERY, "select 3");
	for (int i = 1; i <= 3; i++) {
		t.seq = 1;
		t.joined = i > 1;
		const u8 ok[] = { 0, (u8)i, 0, 2, 0, 0, 0 };
		talk_packet(&t, FEED_SERVER, ok, sizeof(ok));
	}
	free(talk_check(&t, NULL,
			"answered LOGIN joe shop -> OK\n"
			"oneway CLOSE_STMT ?\n"
			"answered select 1 -> OK, 1 affected\n"
			"answered select 2 -> OK, 2 affected\n"
			"answered select 3 -> OK, 3 affected\n"));
}

/* Everything before the first statement was sent before the capture began; `caps` is what had been agreed on. */
static void joined(u32 caps, const char *brief)
{
	struct talk t = { 0 };
	bool eof = !(caps & CAP_DEPRECATE_EOF);
	ASK(&t, COM_STMT_PREPARE, "select ?");
	REPLY(&t, "\0\7\0\0\0\1\0\1\0\0\0\0");
	MORE(&t, COLUMN);
	if (eof)
		MORE(&t, EOF_PACKET);
	MORE(&t, COLUMN);
	if (eof)
		MORE(&t, EOF_PACKET);
	if (caps & CAP_QUERY_ATTRIBUTES)
		ASK(&t, COM_QUERY, "\0\1select a from t");
	else
		ASK(&t, COM_QUERY, "select a from t");
	REPLY(&t, "\1");
	MORE(&t, COLUMN);
	if (eof)
		MORE(&t, EOF_PACKET);
	MORE(&t, "\1x");
	if (eof)
		MORE(&t, EOF_PACKET);
	else
		MORE(&t, ROWS_OK);
	ASK(&t, COM_STMT_EXECUTE, "\x09\0\0\0\0\1\0\0\0");
	REPLY(&t, OK_PACKET);
	char *log = feed_run(&proto_mysql, t.steps, t.n, NULL, &(struct feed_plan){ .join_at = 1 }), *got = feed_brief(log);
	assert_string_equal(got, brief);
	free(got);
	free(log);
	log = feed_run(&proto_mysql, t.steps, t.n, &known, &(struct feed_plan){ 0 });
	assert_non_null(strstr(log, "answered select a from t -> 1 row"));
	free(log);
}

static void joined_late(void **state)
{
	static const char brief[] = "answered select a from t -> 1 row\nanswered partial EXECUTE ? -> OK\n";
	joined(0, brief);
	joined(CAP_DEPRECATE_EOF, brief);
	joined(CAP_DEPRECATE_EOF | CAP_QUERY_ATTRIBUTES, brief);
}

/* What a joined connection says later ends what is not known of it; lost commands begin that anew. */
static void joined_then_known(void **state)
{
	struct talk t = { 0 };
	log_in(&t, "8.0.36", ALL_CAPS, 0);
	size_t join_at = 0;
	for (size_t i = 0; i < t.n; i++)
		join_at += t.steps[i].n;
	ASK(&t, COM_QUERY, "select 1");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_QUERY, "use depot");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_QUERY, "select 2");
	REPLY(&t, OK_PACKET);
	char *log = feed_run(&proto_mysql, t.steps, t.n, NULL, &(struct feed_plan){ .join_at = join_at });
	feed_has(log, "answered use depot -> OK");
	feed_has(log, "answered select 2 -> OK");
	feed_has(log, "  > Database=\"?\"");
	feed_has(log, "  > Database=\"depot\"");
	feed_has(log, "  > User=\"?\"");
	feed_lacks(log, "  > User=\"joe\"");
	free(log);
}

static enum probe probed(const void *p, size_t n, enum side *side)
{
	struct guarded g = guarded_copy(p, n);
	enum probe probe = proto_mysql.probe(g.p, n, side);
	guarded_free(&g);
	return probe;
}

#define PROBED(literal) probed(literal, sizeof(literal) - 1, &side)

static void probes(void **state)
{
	enum side side;
	struct talk t = { 0 };
	log_in(&t, "8.0.36", ALL_CAPS, 0);
	assert_int_equal(probed(t.steps[0].p, t.steps[0].n, &side), PROBE_SURE);
	assert_int_equal(side, SIDE_RESPONSE);
	assert_int_equal(probed(t.steps[0].p, 20, &side), PROBE_MORE);
	assert_int_equal(probed(t.steps[1].p, t.steps[1].n, &side), PROBE_SURE);
	assert_int_equal(side, SIDE_REQUEST);
	assert_int_equal(PROBED("\x09\0\0\0\3select 1"), PROBE_SURE);
	assert_int_equal(PROBED("\x09\0\0\0\3select"), PROBE_MORE);
	assert_int_equal(PROBED("\x0b\0\0\0\3\0\1select 1"), PROBE_SURE);
	assert_int_equal(PROBED("\1\0\0\0\x0e"), PROBE_MAYBE);
	assert_int_equal(PROBED("\x0a\0\0\0\x17\1\0\0\0\0\1\0\0\0"), PROBE_SURE);
	assert_int_equal(PROBED("\x1d\0\0\1\xff\x7a\x04#42S02Table doesn't exist!"), PROBE_SURE);
	assert_int_equal(side, SIDE_RESPONSE);
	assert_int_equal(PROBED("\1\0\0\1\1\x17\0\0\2\3def\1d"), PROBE_SURE);
	assert_int_equal(side, SIDE_RESPONSE);
	assert_int_equal(PROBED("GET / HTTP/1.1\r\n\r\n"), PROBE_NO);
	assert_int_equal(PROBED("*1\r\n$4\r\nPING\r\n"), PROBE_NO);
	assert_int_equal(PROBED("Q\0\0\0\x0dselect 1\0"), PROBE_NO);
	assert_int_equal(PROBED("\0\0\0\x08\4\xd2\x16\x2f"), PROBE_NO);
	assert_int_equal(PROBED("\x16\3\1\2\0\1\0\1"), PROBE_NO);
	assert_int_equal(PROBED("SSH-2.0-OpenSSH_9.2\r\n"), PROBE_NO);
	for (size_t n = 0; n < t.steps[1].n; n++)
		probed(t.steps[1].p, n, &side);
}

/* Nobody looks at the details: the counts are the same. */
static void bare(void **state)
{
	static const struct proto_options none = { .statement_length = 1024, .max_records = 32 };
	const struct feed_options opt = { .opt = &none };
	struct talk t = { 0 };
	log_in(&t, "8.0.36", ALL_CAPS, 0);
	ASK(&t, COM_STMT_PREPARE, "select ?");
	REPLY(&t, "\0\7\0\0\0\0\0\1\0\0\0\0");
	MORE(&t, COLUMN);
	MORE(&t, EOF_PACKET);
	ASK(&t, COM_STMT_EXECUTE, "\7\0\0\0\0\1\0\0\0\0\1\3\0\5\0\0\0");
	REPLY(&t, OK_PACKET);
	free(talk_check(&t, &opt, "answered LOGIN joe shop -> OK\nanswered PREPARE -> statement 7\nanswered EXECUTE -> OK\n"));
}

/* More statements than are remembered: the oldest are forgotten, and none is taken for another. */
static void many_statements(void **state)
{
	static struct feed_step steps[4600];
	static u8 bytes[4600][64];
	struct talk t = { 0 };
	size_t n = 0;
	log_in(&t, "8.0.36", ALL_CAPS, 0);
	for (size_t i = 0; i < t.n; i++)
		steps[n++] = t.steps[i];
	for (u32 id = 1; id <= 1100; id++) {
		int len = snprintf((char *)bytes[n] + 5, 40, "select %u from s%u", id, id);
		const u8 head[] = { (u8)(len + 1), 0, 0, 0, COM_STMT_PREPARE };
		memcpy(bytes[n], head, sizeof(head));
		steps[n] = (struct feed_step){ FEED_CLIENT, false, bytes[n], (size_t)len + 5 };
		n++;
		const u8 ok[] = { 12, 0, 0, 1, 0, (u8)id, (u8)(id >> 8), 0, 0, 0, 0, 0, 0, 0, 0, 0 };
		memcpy(bytes[n], ok, sizeof(ok));
		steps[n] = (struct feed_step){ FEED_SERVER, false, bytes[n], sizeof(ok) };
		n++;
	}
	for (u32 id = 1; id <= 1100; id += 1099) {
		const u8 execute[] = { 10, 0, 0, 0, COM_STMT_EXECUTE, (u8)id, (u8)(id >> 8), 0, 0, 0, 1, 0, 0, 0 }, ok[] = { 7, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0 };
		memcpy(bytes[n], execute, sizeof(execute));
		steps[n] = (struct feed_step){ FEED_CLIENT, false, bytes[n], sizeof(execute) };
		n++;
		memcpy(bytes[n], ok, sizeof(ok));
		steps[n] = (struct feed_step){ FEED_SERVER, false, bytes[n], sizeof(ok) };
		n++;
	}
	char *log = feed_run(&proto_mysql, steps, n, NULL, &(struct feed_plan){ 0 });
	assert_non_null(strstr(log, "answered partial EXECUTE ? -> OK\n"));
	assert_non_null(strstr(log, "answered EXECUTE select 1100 from s1100 -> OK\n"));
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compressed), cmocka_unit_test(compressed_damage), cmocka_unit_test(longest_packets), cmocka_unit_test(out_of_sequence),
		cmocka_unit_test(pipelined), cmocka_unit_test(joined_late), cmocka_unit_test(joined_then_known), cmocka_unit_test(probes), cmocka_unit_test(bare), cmocka_unit_test(many_statements),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "export/verdict.h"

#include <stdio.h>

#include "export/pb.h"

enum { GRPC_OK = 0, GRPC_CANCELLED = 1, GRPC_DEADLINE = 4, GRPC_EXHAUSTED = 8, GRPC_ABORTED = 10, GRPC_OUT_OF_RANGE = 11, GRPC_UNAVAILABLE = 14, GRPC_DATA_LOSS = 15 };

/* The beginning of an answer as one line of text. */
static void excerpt(const struct buf *body, char text[100])
{
	size_t n = 0;
	for (size_t i = 0; i < body->len && n < 98; i++) {
		u8 c = (u8)body->data[i];
		if (c < ' ' || c >= 0x7f)
			c = ' ';
		if (c != ' ' || (n && text[n - 1] != ' '))
			text[n++] = (char)c;
	}
	text[n] = '\0';
}

static bool no_answer(struct outbox_result *ret, const char *name, const struct http_answer *a)
{
	if (a->status)
		return false;
	ret->verdict = a->cancelled ? OUTBOX_CANCELLED : OUTBOX_RETRY;
	snprintf(ret->text, sizeof(ret->text), "%.80s: %.110s", name, a->error);
	return true;
}

static bool worth_another_try(int status)
{
	return status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

void verdict_http(struct outbox_result *ret, const char *name, const struct http_answer *a)
{
	char text[100];
	if (no_answer(ret, name, a))
		return;
	ret->retry_after = a->retry_after;
	if (a->status >= 200 && a->status < 300) {
		ret->verdict = OUTBOX_SENT;
		return;
	}
	ret->verdict = worth_another_try(a->status) ? OUTBOX_RETRY : a->status == 413 ? OUTBOX_LARGE : OUTBOX_REFUSED;
	excerpt(&a->body, text);
	snprintf(ret->text, sizeof(ret->text), "%.80s answers %d %s", name, a->status, text);
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

static size_t base64_decode(const char *text, char *to)
{
	u32 bits = 0, have = 0;
	size_t n = 0;
	for (int d; (d = base64_digit(*text)) >= 0; text++) {
		bits = bits << 6 | (u32)d;
		have += 6;
		if (have >= 8) {
			have -= 8;
			to[n++] = (char)(bits >> have);
		}
	}
	return n;
}

/* google.rpc.Status.details (3) of Any {type_url 1, value 2}: RetryInfo.retry_delay (1) is a Duration {seconds 1, nanos 2}. */
static bool retry_info(const char *details, u64 *ret)
{
	char bytes[512];
	struct str rest = str_make(bytes, base64_decode(details, bytes));
	struct pb_field f, any, info, part;
	while (pb_next(&rest, &f)) {
		bool is_retry = false;
		struct str in = f.bytes, value = { 0 };
		while (f.field == 3 && f.wire == PB_LEN && pb_next(&in, &any)) {
			if (any.field == 1 && any.wire == PB_LEN)
				is_retry = memmem(any.bytes.p, any.bytes.n, "google.rpc.RetryInfo", 20) != NULL;
			else if (any.field == 2 && any.wire == PB_LEN)
				value = any.bytes;
		}
		if (!is_retry)
			continue;
		*ret = 0;
		while (pb_next(&value, &info)) {
			struct str delay = info.bytes;
			while (info.field == 1 && info.wire == PB_LEN && pb_next(&delay, &part))
				*ret += part.field == 1 ? MIN(part.value, 3600ull) * NS_PER_SEC : MIN(part.value, NS_PER_SEC);
		}
		return true;
	}
	return false;
}

void verdict_grpc(struct outbox_result *ret, const char *name, const struct http_answer *a)
{
	u64 delay = 0;
	if (no_answer(ret, name, a))
		return;
	if (a->status != 200) {
		verdict_http(ret, name, a);
		return;
	}
	bool asked = retry_info(a->grpc_details, &delay);
	ret->retry_after = MIN(delay ? delay : a->retry_after, 3600 * NS_PER_SEC);
	switch (a->grpc_status) {
	case GRPC_OK:
		ret->verdict = OUTBOX_SENT;
		return;
	case GRPC_EXHAUSTED:
		ret->verdict = asked ? OUTBOX_RETRY : OUTBOX_LARGE;
		break;
	case -1: /* the answer ended without saying */
	case GRPC_CANCELLED:
	case GRPC_DEADLINE:
	case GRPC_ABORTED:
	case GRPC_OUT_OF_RANGE:
	case GRPC_UNAVAILABLE:
	case GRPC_DATA_LOSS:
		ret->verdict = OUTBOX_RETRY;
		break;
	default:
		ret->verdict = OUTBOX_REFUSED;
	}
	snprintf(ret->text, sizeof(ret->text), "%.80s answers grpc-status %d: %.70s", name, (int)a->grpc_status, a->grpc_message);
}

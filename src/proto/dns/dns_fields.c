/* What a DNS message says to the outside: the field table, the lists of records as JSON, the one-line view. */
#include "proto/dns/dns.h"
#include "util/json.h"

static const struct dns_message *dns_of(const struct message *m)
{
	return (const struct dns_message *)m;
}

static struct str name_at(struct text *t, const struct dns_part *part, u32 at)
{
	struct rd r = rd_make(part->wire + at, part->n - at);
	if (!dns_name_text(&r, part->wire, true, t))
		t->n = 0, text_c(t, '?');
	return text_str(t);
}

static void put_text(struct buf *out, const char *key, struct str s)
{
	buf_adds(out, key);
	json_str(out, s);
}

/* Type, class and data as text; data that does not fit ends in "…". */
static void put_record(struct buf *out, const struct dns_message *d, const struct dns_part *part, const struct dns_rr *rr, bool ttl)
{
	TEXT(name, DNS_NAME_TEXT);
	TEXT(type, 16);
	TEXT(class, 16);
	TEXT(data, DNS_RECORD_TEXT + 4);
	struct dns_rr masked = *rr;
	masked.class &= d->class_mask;
	dns_put_type(&type, rr->type);
	dns_put_class(&class, masked.class);
	data.max = DNS_RECORD_TEXT;
	dns_put_rdata(&data, part->wire, &masked);
	data.max += 4;
	if (data.cut)
		text_s(&data, "…");
	put_text(out, "{\"Name\":", name_at(&name, part, rr->name));
	put_text(out, ",\"Type\":", text_str(&type));
	if (ttl) {
		buf_adds(out, ",\"TTL\":");
		buf_add_u64(out, rr->ttl);
	}
	put_text(out, ",\"Class\":", text_str(&class));
	put_text(out, ",\"Record\":", text_str(&data));
	buf_addc(out, '}');
}

/* Calls for the records of a section in the order of the wire. */
struct walk {
	const struct dns_part *part;
	struct rd r;
	u32 left; /* in this part */
	int section;
	struct dns_rr rr;
};

static struct walk walk_start(const struct dns_message *d, int section)
{
	return (struct walk){ .part = NULL, .section = section, .r = rd_make(d, 0) };
}

/* The next record (OPT is none: it has fields of its own); false at the end. */
static bool walk_next(const struct dns_message *d, struct walk *w)
{
	for (;;) {
		while (!w->left) {
			w->part = w->part ? w->part->next : d->parts;
			if (!w->part)
				return false;
			u32 at = w->part->at[w->section];
			w->left = w->part->shown[w->section];
			w->r = rd_make(w->part->wire + MIN(at, w->part->n), w->part->n - MIN(at, w->part->n));
		}
		w->left--;
		if (!dns_rr_next(&w->r, w->part->wire, &w->rr))
			w->left = 0;
		else if (w->rr.type != DNS_TYPE_OPT)
			return true;
	}
}

static bool write_section(struct buf *out, const struct message *m, int section)
{
	const struct dns_message *d = dns_of(m);
	struct walk w = walk_start(d, section);
	char before = '[';
	while (walk_next(d, &w)) {
		buf_addc(out, before);
		before = ',';
		put_record(out, d, w.part, &w.rr, section == DNS_ANSWER);
	}
	if (before == ',')
		buf_addc(out, ']');
	return before == ',';
}

static bool write_answer(struct buf *out, const struct message *m)
{
	return write_section(out, m, DNS_ANSWER);
}

static bool write_authority(struct buf *out, const struct message *m)
{
	return write_section(out, m, DNS_AUTHORITY);
}

static bool write_additional(struct buf *out, const struct message *m)
{
	return write_section(out, m, DNS_ADDITIONAL);
}

/* All questions, when there are several. */
static bool write_questions(struct buf *out, const struct message *m)
{
	const struct dns_part *part = dns_of(m)->parts;
	if (!part || part->shown[DNS_QUESTION] < 2)
		return false;
	struct rd r = rd_make(part->wire + DNS_HEADER, part->n - DNS_HEADER);
	for (u32 i = 0; i < part->shown[DNS_QUESTION]; i++) {
		TEXT(name, DNS_NAME_TEXT);
		TEXT(type, 16);
		u32 at = (u32)(r.p - part->wire);
		dns_name_skip(&r, part->wire);
		dns_put_type(&type, rd_u16be(&r));
		rd_skip(&r, 2);
		buf_addc(out, i ? ',' : '[');
		put_text(out, "{\"Name\":", name_at(&name, part, at));
		put_text(out, ",\"Type\":", text_str(&type));
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
	return true;
}

static bool write_errors(struct buf *out, const struct message *m)
{
	const struct dns_edns *e = &dns_of(m)->edns;
	for (int i = 0; i < e->edes; i++) {
		const char *name = dns_ede_name(e->ede[i].code);
		buf_adds(out, i ? ",{\"Code\":" : "[{\"Code\":");
		buf_add_u64(out, e->ede[i].code);
		put_text(out, ",\"Name\":", str_from(name ? name : ""));
		if (e->ede[i].text.n)
			put_text(out, ",\"Text\":", e->ede[i].text);
		buf_addc(out, '}');
	}
	if (e->edes)
		buf_addc(out, ']');
	return e->edes;
}

/* One line. */

static void add_name(struct buf *out, struct str name)
{
	if (name.n > 1 && name.p[name.n - 1] == '.')
		name.n--;
	buf_add_str(out, name);
}

static void describe_query(const struct dns_message *d, struct buf *out)
{
	buf_adds(out, d->operation ? d->operation : "");
	buf_adds(out, d->operation ? " " : "");
	buf_adds(out, d->response ? "announces " : "");
	if (!d->type.n) {
		buf_adds(out, "(no question)");
		return;
	}
	buf_add_str(out, d->type);
	buf_addc(out, ' ');
	if (d->class.n) {
		buf_add_str(out, d->class);
		buf_addc(out, ' ');
	}
	add_name(out, d->name);
}

/* The first answer of the type asked for (else the first), and how many others there are. */
static void describe_records(const struct dns_message *d, struct buf *out)
{
	TEXT(t, 128);
	struct walk w = walk_start(d, DNS_ANSWER), best = w;
	u32 n = 0;
	while (n < d->shown[DNS_ANSWER] && walk_next(d, &w)) {
		if (n == 0 || (w.rr.type == d->qtype && best.rr.type != d->qtype))
			best = w;
		n++;
	}
	if (!n)
		return;
	dns_put_rdata(&t, best.part->wire, &best.rr);
	buf_addc(out, ' ');
	add_name(out, text_str(&t));
	if (t.cut)
		buf_adds(out, "…");
	if (n > 1)
		buf_addf(out, " +%u", n - 1);
}

void dns_describe(const struct message *m, struct buf *out)
{
	const struct dns_message *d = dns_of(m);
	if (m->side == SIDE_REQUEST) {
		describe_query(d, out);
		return;
	}
	buf_add_str(out, m->error.n ? m->error : d->rcode_name);
	if (d->tc)
		buf_adds(out, " truncated");
	if (d->messages)
		buf_addf(out, " %u records in %u messages", d->records, d->messages);
	else
		describe_records(d, out);
	const char *why = d->edns.edes ? dns_ede_name(d->edns.ede[0].code) : NULL;
	if (why)
		buf_addf(out, " (%s)", why);
}

/* The table. Rows of both sides first; what only one has goes where its output wants it. */

#define AT(member) FIELD_AT(struct dns_message, member)
#define OMIT .flags = FIELD_OMIT_EMPTY

#define ROWS_HEADER(side_)                                                                                                                \
	{ .json = "Message.Header.ID", .type = FIELD_U16, .side = side_, AT(id), .meaning = "transaction id" },                           \
	{ .json = "Message.Header.OpCode", .type = FIELD_TEXT, .side = side_, AT(opcode), .meaning = "Query, IQuery, Status, else the number" }, \
	{ .json = "Message.Header.Status", .type = FIELD_STR, .side = side_, AT(status), .meaning = "Success, FormatError, ServerFailure, NameError, NotImplemented, Refused, else the number" }, \
	{ .json = "Message.Header.Response", .type = FIELD_BOOL, .side = side_, AT(response), .meaning = "an answer" }

#define ROWS_FLAGS(side_)                                                                                                                 \
	{ .json = "Message.Header.Operation", .type = FIELD_TEXT, .side = side_, OMIT, AT(operation), .meaning = "NOTIFY, UPDATE or DSO" },\
	{ .json = "Message.Header.RecursionDesired", .type = FIELD_BOOL, .side = side_, OMIT, AT(rd), .meaning = "flag RD" },             \
	{ .json = "Message.Header.RecursionAvailable", .type = FIELD_BOOL, .side = side_, OMIT, AT(ra), .meaning = "flag RA" },           \
	{ .json = "Message.Header.AuthenticData", .type = FIELD_BOOL, .side = side_, OMIT, AT(ad), .meaning = "flag AD" },                \
	{ .json = "Message.Header.CheckingDisabled", .type = FIELD_BOOL, .side = side_, OMIT, AT(cd), .meaning = "flag CD" }

#define ROWS_SECTIONS(side_)                                                                                                              \
	{ .json = "Message.QuestionSec.Class", .type = FIELD_STR, .side = side_, OMIT, AT(class), .meaning = "class of the question, unless INET" }, \
	{ .json = "Message.AnswerSec", .type = FIELD_CUSTOM, .side = side_, OMIT, .write = write_answer, .meaning = "answers (prerequisites of an UPDATE)" }, \
	{ .json = "Message.AuthoritySec", .type = FIELD_CUSTOM, .side = side_, OMIT, .write = write_authority, .meaning = "authority (changes of an UPDATE)" }, \
	{ .json = "Message.AdditionalSec", .type = FIELD_CUSTOM, .side = side_, OMIT, .write = write_additional, .meaning = "additional records, without OPT" }, \
	{ .json = "Message.Questions", .type = FIELD_CUSTOM, .side = side_, OMIT, .write = write_questions, .meaning = "all questions, when there are several" }, \
	{ .json = "Message.Records", .type = FIELD_U32, .side = side_, OMIT, AT(total), .meaning = "records in all, when not all are shown" }

#define ROWS_EDNS(side_)                                                                                                                  \
	{ .json = "Message.Edns.UDPSize", .type = FIELD_U16, .side = side_, OMIT, AT(edns.udp_size), .meaning = "largest UDP answer the sender takes" }, \
	{ .json = "Message.Edns.Version", .type = FIELD_U8, .side = side_, OMIT, AT(edns.version), .meaning = "EDNS version" },           \
	{ .json = "Message.Edns.DNSSECOK", .type = FIELD_BOOL, .side = side_, OMIT, AT(edns.dnssec_ok), .meaning = "flag DO" },           \
	{ .json = "Message.Edns.Rcode", .type = FIELD_U16, .side = side_, OMIT, AT(edns.rcode), .meaning = "the whole response code, when it does not fit into the header" }, \
	{ .json = "Message.Edns.NSID", .type = FIELD_STR, .side = side_, OMIT, AT(edns.nsid), .meaning = "name of the server" },          \
	{ .json = "Message.Edns.ClientSubnet", .type = FIELD_STR, .side = side_, .flags = FIELD_OMIT_EMPTY | FIELD_SENSITIVE, AT(edns.subnet), .meaning = "address/prefix/scope of the client asked for" }, \
	{ .json = "Message.Edns.Cookie", .type = FIELD_STR, .side = side_, OMIT, AT(edns.cookie), .meaning = "client and server cookie, hex" }, \
	{ .json = "Message.Edns.KeepAlive", .type = FIELD_DURATION, .side = side_, OMIT, AT(edns.keepalive), .meaning = "how long the server keeps the connection" }, \
	{ .json = "Message.Edns.Padding", .type = FIELD_U16, .side = side_, OMIT, AT(edns.padding), .meaning = "bytes of padding" },       \
	{ .json = "Message.Edns.Errors", .type = FIELD_CUSTOM, .side = side_, OMIT, .write = write_errors, .meaning = "extended errors: Code, Name, Text" }

#define ROWS_END(side_)                                                                                                                   \
	{ .json = "Message.Malformed", .type = FIELD_BOOL, .side = side_, OMIT, AT(malformed), .meaning = "the message ends early or is damaged: what was readable is shown" }, \
	{ .json = "Transport", .name = side_ == SIDE_REQUEST ? "transport" : NULL, .type = FIELD_TEXT, .side = side_, AT(transport), .otel = side_ == SIDE_REQUEST ? "network.transport" : NULL, .meaning = "udp or tcp" }

const struct field dns_fields[] = {
	FIELD_ROW_HOST(SIDE_REQUEST),
	FIELD_ROW_PORT(SIDE_REQUEST),
	FIELD_ROW_PROTO(SIDE_REQUEST, "DNS"),
	{ .json = "Size", .type = FIELD_U64, .side = SIDE_REQUEST, AT(m.size), .otel = "dns.request.size", .meaning = "bytes of the message" },
	FIELD_ROW_TIME(SIDE_REQUEST),
	ROWS_HEADER(SIDE_REQUEST),
	ROWS_FLAGS(SIDE_REQUEST),
	{ .json = "Message.QuestionSec.Name", .name = "question", .type = FIELD_STR, .side = SIDE_REQUEST, AT(name),
	  .selector = "request.question", .label = "question", .otel = "dns.question.name", .meaning = "name asked for, with its final dot" },
	{ .json = "Message.QuestionSec.Type", .name = "type", .type = FIELD_STR, .side = SIDE_REQUEST, AT(type),
	  .flags = FIELD_USUAL_LABEL, .selector = "request.type", .label = "type", .otel = "dns.question.type", .meaning = "type asked for" },
	ROWS_SECTIONS(SIDE_REQUEST),
	ROWS_EDNS(SIDE_REQUEST),
	ROWS_END(SIDE_REQUEST),
	{ .name = "domain", .type = FIELD_STR, .side = SIDE_REQUEST, AT(domain), .selector = "request.domain", .label = "domain",
	  .meaning = "last two labels of the name, three below a country's registry: fewer values than the whole name" },

	FIELD_ROW_HOST(SIDE_RESPONSE),
	FIELD_ROW_PORT(SIDE_RESPONSE),
	FIELD_ROW_PROTO(SIDE_RESPONSE, "DNS"),
	{ .json = "Size", .type = FIELD_U64, .side = SIDE_RESPONSE, AT(m.size), .otel = "dns.response.size", .meaning = "bytes of the message(s)" },
	FIELD_ROW_TIME(SIDE_RESPONSE),
	ROWS_HEADER(SIDE_RESPONSE),
	{ .json = "Message.Header.Rcode", .name = "rcode_number", .type = FIELD_U16, .side = SIDE_RESPONSE, OMIT, AT(rcode), .meaning = "response code of the header" },
	ROWS_FLAGS(SIDE_RESPONSE),
	{ .json = "Message.QuestionSec.Name", .type = FIELD_STR, .side = SIDE_RESPONSE, AT(name), .meaning = "name asked for" },
	{ .json = "Message.QuestionSec.Type", .type = FIELD_STR, .side = SIDE_RESPONSE, AT(type), .meaning = "type asked for" },
	ROWS_SECTIONS(SIDE_RESPONSE),
	ROWS_EDNS(SIDE_RESPONSE),
	{ .json = "Message.Messages", .type = FIELD_U32, .side = SIDE_RESPONSE, OMIT, AT(messages), .meaning = "messages of a zone transfer" },
	ROWS_END(SIDE_RESPONSE),
	{ .json = "Authoritative", .name = "authoritative", .type = FIELD_BOOL, .side = SIDE_RESPONSE, OMIT, AT(aa), .meaning = "flag AA: the server is responsible for the name" },
	{ .json = "Truncated", .name = "truncated", .type = FIELD_BOOL, .side = SIDE_RESPONSE, OMIT, AT(tc), .meaning = "flag TC: the client should ask again over TCP" },
	{ .name = "rcode", .type = FIELD_STR, .side = SIDE_RESPONSE, AT(rcode_name), .flags = FIELD_USUAL_LABEL, .selector = "response.rcode", .label = "rcode",
	  .otel = "dns.response_code", .meaning = "response code by name: NOERROR, NXDOMAIN, SERVFAIL" },
};

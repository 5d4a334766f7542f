#include "export/http.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "build_info.h"
#include "export/curl_library.h"

#define DEFAULT_TIMEOUT (10 * NS_PER_SEC)
#define CONNECT_MS 5000
#define RETRY_AFTER_MAX (3600 * NS_PER_SEC)

struct http_target {
	struct http_target_options o;
	char *name;
	char *bearer;              /* "Authorization: Bearer …"; NULL: none */
	struct curl_slist *connect_to; /* "::HOST:PORT": a certificate of another name than the endpoint's is expected */
	char *host;                /* "Host: …" then */
	struct curl_slist *headers; /* the configured ones */
};

struct http_client {
	const struct http_target *t;
	CURL *curl;
	struct http_answer *answer;
	char error[CURL_ERROR_SIZE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_library(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int check_file(const char *path, const char *what, struct buf *error)
{
	if (!path || !*path || access(path, R_OK) == 0)
		return 0;
	int rc = -errno;
	buf_addf(error, "%s %s cannot be read: %s", what, path, strerror(-rc));
	return rc;
}

static int check_url(const char *url, struct buf *error)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL;
	bool good = u && curl_url_set(u, CURLUPART_URL, url, CURLU_GUESS_SCHEME) == CURLUE_OK && curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	if (!good)
		buf_addf(error, "endpoint \"%s\": an URL such as http://HOST:PORT/PATH is expected", url);
	return good ? 0 : -EINVAL;
}

/* The URL without user and password. */
static char *public_name(const char *url)
{
	CURLU *u = curl_url();
	char *text = NULL, *copy = NULL;
	if (u && curl_url_set(u, CURLUPART_URL, url, CURLU_GUESS_SCHEME) == CURLUE_OK) {
		curl_url_set(u, CURLUPART_USER, NULL, 0);
		curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
		if (curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK)
			copy = strdup(text);
	}
	curl_free(text);
	curl_url_cleanup(u);
	return copy;
}

static bool add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);
	if (longer)
		*list = longer;
	return longer != NULL;
}

static bool keep_headers(struct http_target *t)
{
	const struct config_delivery *d = t->o.delivery;
	struct buf line = { 0 };
	bool good = true;
	for (u32 i = 0; i < d->header.n && good; i++) {
		line.len = 0;
		/* a header without a value is written with a semicolon */
		buf_addf(&line, *d->header.v[i].value ? "%s: %s" : "%s;%s", d->header.v[i].name, d->header.v[i].value);
		good = add_header(&t->headers, buf_cstr(&line));
	}
	if (d->auth.bearer && *d->auth.bearer && good) {
		line.len = 0;
		buf_addf(&line, "Authorization: Bearer %s", d->auth.bearer);
		t->bearer = strdup(buf_cstr(&line));
		good = t->bearer != NULL;
	}
	buf_done(&line);
	return good;
}

/* The library checks the certificate against the URL's host: that becomes the name expected, and connections go to the real one. */
static bool keep_server_name(struct http_target *t)
{
	const struct config_delivery *d = t->o.delivery;
	char *host = NULL, *port = NULL, line[512];
	if (!d->tls.server_name || !*d->tls.server_name)
		return true;
	CURLU *u = curl_url();
	bool good = u && curl_url_set(u, CURLUPART_URL, d->endpoint, CURLU_GUESS_SCHEME) == CURLUE_OK && curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
	if (good) {
		snprintf(line, sizeof(line), "::%s:%s", host, port);
		t->connect_to = curl_slist_append(NULL, line);
		snprintf(line, sizeof(line), "Host: %s:%s", host, port);
		t->host = strdup(line);
		good = t->connect_to && t->host;
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return good;
}

static int check_headers(const struct config_delivery *d, struct buf *error)
{
	for (u32 i = 0; i < d->header.n; i++) {
		const char *name = d->header.v[i].name, *value = d->header.v[i].value;
		if (!*name || strpbrk(name, "\r\n: \t;") || strpbrk(value, "\r\n")) {
			buf_addf(error, "header \"%s\": not a valid name and value", name);
			return -EINVAL;
		}
	}
	return 0;
}

int http_target_new(const struct http_target_options *options, struct http_target **ret, struct buf *error)
{
	const struct config_delivery *d = options->delivery;
	int rc = library_load(&curl_library, error);
	if (rc)
		return rc;
	pthread_once(&once, init_library);
	rc = check_url(d->endpoint, error);
	if (!rc)
		rc = check_headers(d, error);
	if (!rc)
		rc = check_file(d->tls.ca_file, "CA file", error);
	if (!rc)
		rc = check_file(d->tls.cert_file, "client certificate", error);
	if (!rc)
		rc = check_file(d->tls.key_file, "key of the client certificate", error);
	if (rc)
		return rc;
	struct http_target *t = calloc(1, sizeof(*t));
	if (t) {
		t->o = *options;
		t->name = public_name(d->endpoint);
	}
	if (!t || !t->name || !keep_headers(t) || !keep_server_name(t)) {
		http_target_free(t);
		buf_adds(error, "out of memory");
		return -ENOMEM;
	}
	*ret = t;
	return 0;
}

int http_outbox_new(const struct outbox_options *o, bool grpc, struct outbox **ret_box, struct http_target **ret, struct buf *error)
{
	int rc = outbox_new(o, ret_box, error);
	if (rc)
		return rc;
	struct http_target_options to = { o->d, grpc, outbox_cancel(*ret_box) };
	return http_target_new(&to, ret, error);
}

void http_target_free(struct http_target *t)
{
	if (!t)
		return;
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->connect_to);
	free(t->host);
	free(t->bearer);
	free(t->name);
	free(t);
}

const char *http_target_name(const struct http_target *t)
{
	return t->name;
}

static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
	struct http_answer *a = arg;
	if (a->body.len < HTTP_ANSWER_MAX)
		buf_add(&a->body, p, MIN(n, HTTP_ANSWER_MAX - a->body.len));
	return size * n;
}

u64 http_retry_after(const char *value, u64 now)
{
	char *end;
	while (*value == ' ')
		value++;
	errno = 0;
	unsigned long long seconds = strtoull(value, &end, 10);
	while (*end == ' ' || *end == '\r' || *end == '\n')
		end++;
	if (end != value && *end == '\0' && *value != '-')
		return errno || seconds > 3600 ? RETRY_AFTER_MAX : seconds * NS_PER_SEC;
	time_t date = library_load(&curl_library, NULL) ? -1 : curl_getdate(value, NULL);
	u64 at = date > 0 ? (u64)date * NS_PER_SEC : 0;
	return at > now ? MIN(at - now, RETRY_AFTER_MAX) : 0;
}

/* Copies the value of the header line p[0..n) if it has this (lower case) name. */
static bool header_value(const char *p, size_t n, const char *name, char *to, size_t room)
{
	size_t len = strlen(name);
	if (n <= len || p[len] != ':' || strncasecmp(p, name, len) != 0)
		return false;
	p += len + 1;
	n -= len + 1;
	while (n && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	while (n && (u8)p[n - 1] <= ' ')
		n--;
	n = MIN(n, room - 1);
	memcpy(to, p, n);
	to[n] = '\0';
	return true;
}

static u64 wall_clock(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (u64)ts.tv_sec * NS_PER_SEC + (u64)ts.tv_nsec;
}

/* Headers and trailers; those of interim answers are followed by others of the same names at worst. */
static size_t take_header(char *p, size_t size, size_t n, void *arg)
{
	struct http_answer *a = arg;
	char value[64];
	if (header_value(p, n, "retry-after", value, sizeof(value)))
		a->retry_after = http_retry_after(value, wall_clock());
	else if (header_value(p, n, "grpc-status", value, sizeof(value)))
		a->grpc_status = (i32)strtol(value, NULL, 10);
	else if (header_value(p, n, "x-prometheus-remote-write-samples-written", value, sizeof(value)) ||
		 header_value(p, n, "x-prometheus-remote-write-histograms-written", value, sizeof(value)))
		a->written = MAX(a->written, 0) + strtoll(value, NULL, 10);
	else if (!header_value(p, n, "grpc-message", a->grpc_message, sizeof(a->grpc_message)))
		header_value(p, n, "grpc-status-details-bin", a->grpc_details, sizeof(a->grpc_details));
	return size * n;
}

static int progress(void *arg, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow)
{
	struct http_client *c = arg;
	return c->t->o.cancel && atomic_load(c->t->o.cancel);
}

/* libcurl 7.88 breaks connections that begin with HTTP/2 when it uses them again (curl pull request 10643): a new one each time. */
static bool reuse_is_broken(void)
{
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
	return v->version_num >> 8 == 0x0758;
}

static void set_version(CURL *curl, const struct http_target_options *o)
{
	bool tls = strncasecmp(o->delivery->endpoint, "https:", 6) == 0;
	if (!o->grpc) {
		curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
		curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, ""); /* whatever the library can read */
		return;
	}
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)(tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE));
	if (!tls && reuse_is_broken())
		curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
}

static void set_text(CURL *curl, CURLoption option, const char *value)
{
	if (value && *value)
		curl_easy_setopt(curl, option, value);
}

static void set_security(CURL *curl, const struct config_delivery *d)
{
	set_text(curl, CURLOPT_CAINFO, d->tls.ca_file);
	set_text(curl, CURLOPT_SSLCERT, d->tls.cert_file);
	set_text(curl, CURLOPT_SSLKEY, d->tls.key_file);
	if (d->tls.insecure_skip_verify) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (d->auth.username && *d->auth.username) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERNAME, d->auth.username);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, d->auth.password ? d->auth.password : "");
	}
}

struct http_client *http_client_new(const struct http_target *t)
{
	struct http_client *c = calloc(1, sizeof(*c));
	CURL *curl = c ? curl_easy_init() : NULL;
	if (!curl) {
		free(c);
		return NULL;
	}
	c->t = t;
	c->curl = curl;
	const struct config_delivery *d = t->o.delivery;
	u64 timeout = d->timeout ? d->timeout : DEFAULT_TIMEOUT;
	long timeout_ms = (long)MAX(timeout / NS_PER_MS, 1ull);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, MIN(timeout_ms, (long)CONNECT_MS));
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, c->error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, c);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "packetd/" BUILD_VERSION);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 3L);
	curl_easy_setopt(curl, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
	curl_easy_setopt(curl, CURLOPT_EXPECT_100_TIMEOUT_MS, 0L);
	set_version(curl, &t->o);
	curl_easy_setopt(curl, CURLOPT_CONNECT_TO, t->connect_to);
	set_security(curl, d);
	return c;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	free(c);
}

static struct curl_slist *request_headers(const struct http_client *c, const struct http_request *q)
{
	struct curl_slist *list = NULL;
	bool good = add_header(&list, "Expect:"); /* no waiting for 100 Continue */
	for (u32 i = 0; i < q->headers_len && good; i++)
		good = add_header(&list, q->headers[i]);
	for (const struct curl_slist *h = c->t->headers; h && good; h = h->next)
		good = add_header(&list, h->data);
	if (c->t->bearer && good)
		good = add_header(&list, c->t->bearer);
	if (c->t->host && good)
		good = add_header(&list, c->t->host);
	if (good)
		return list;
	curl_slist_free_all(list);
	return NULL;
}

static void answer_reset(struct http_answer *a)
{
	struct buf body = a->body;
	body.len = 0;
	body.failed = false;
	*a = (struct http_answer){ .grpc_status = -1, .written = -1, .body = body };
	a->body.max = HTTP_ANSWER_MAX + 4 * KIB;
}

static void set_url(struct http_client *c, const char *url)
{
	CURLU *u = c->t->connect_to ? curl_url() : NULL;
	char *text = NULL;
	if (u && curl_url_set(u, CURLUPART_URL, url, CURLU_GUESS_SCHEME) == CURLUE_OK && curl_url_set(u, CURLUPART_HOST, c->t->o.delivery->tls.server_name, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK)
		url = text;
	curl_easy_setopt(c->curl, CURLOPT_URL, url); /* copied */
	curl_free(text);
	curl_url_cleanup(u);
}

void http_send(struct http_client *c, const struct http_request *q, struct http_answer *ret)
{
	long status = 0;
	answer_reset(ret);
	struct curl_slist *headers = request_headers(c, q);
	if (!headers) {
		buf_done(&ret->body);
		memcpy(ret->error, "out of memory", sizeof("out of memory"));
		return;
	}
	c->error[0] = '\0';
	set_url(c, q->url ? q->url : c->t->o.delivery->endpoint);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
	curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, q->method);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, q->body ? q->body : "");
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_len);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, ret);
	curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, ret);
	CURLcode rc = curl_easy_perform(c->curl);
	if (rc == CURLE_OK) {
		curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
		ret->status = (int)status;
	} else {
		ret->cancelled = rc == CURLE_ABORTED_BY_CALLBACK;
		const char *why = c->error[0] ? c->error : curl_easy_strerror(rc);
		size_t n = MIN(strcspn(why, "\r\n"), sizeof(ret->error) - 1);
		memcpy(ret->error, why, n);
		ret->error[n] = '\0';
	}
	curl_slist_free_all(headers);
}

void http_answer_done(struct http_answer *a)
{
	buf_done(&a->body);
}

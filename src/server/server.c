#include "server/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>

#include "server/auth.h"
#include "server/client_cert.h"
#include "server/compress.h"
#include "server/conns.h"
#include "server/http.h"
#include "server/reach.h"
#include "util/bytes.h"
#include "util/suggest.h"

#define FILE_MAX (1 * MIB) /* of a certificate or key */
#define CONNECTIONS 64
#define STACK (512 * KIB)
#define FINISH_MS 1000 /* longest wait for answers at the end */

struct server {
	struct server_app app;
	struct config_server config; /* texts are the configuration's, which outlives the server */
	struct MHD_Daemon *daemon;
	struct conns *conns;
	int fd;      /* listens; not the daemon's, which has a copy */
	char address[128];
	char *cert, *key, *ca;
	_Atomic u32 active; /* requests that are not answered to their end */
};

/* --- requests --- */

const char *http_header(struct http_request *q, const char *name)
{
	return MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, name);
}

/* Decodes one "name=value" of a form in place; the value, or NULL for another name. */
static char *form_value(char *field, const char *name)
{
	char *equals = strchr(field, '=');
	if (!equals || (size_t)(equals - field) != strlen(name) || strncmp(field, name, strlen(name)) != 0)
		return NULL;
	char *to = equals + 1, *from = to, *value = to;
	for (; *from; from++) {
		if (*from == '%' && hex_digit(from[1]) >= 0 && hex_digit(from[2]) >= 0) {
			*to++ = (char)(hex_digit(from[1]) * 16 + hex_digit(from[2]));
			from += 2;
		} else {
			*to++ = *from == '+' ? ' ' : *from;
		}
	}
	*to = 0;
	return value;
}

const char *http_parameter(struct http_request *q, const char *name)
{
	const char *value = MHD_lookup_connection_value(q->connection, MHD_GET_ARGUMENT_KIND, name);
	if (value || !q->body.len)
		return value;
	char *copy = strdup(buf_cstr(&q->body)), *save = NULL;
	const char *found = NULL;
	for (char *field = copy ? strtok_r(copy, "&", &save) : NULL; field && !found; field = strtok_r(NULL, "&", &save))
		found = form_value(field, name);
	if (found)
		snprintf(q->value, sizeof(q->value), "%s", found);
	free(copy);
	return found ? q->value : NULL;
}

bool http_gone(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct pollfd p = { .fd = info ? info->connect_fd : -1, .events = POLLRDHUP };
	return !info || (poll(&p, 1, 0) > 0 && p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* --- answers --- */

void http_say(struct http_answer *a, unsigned status, const char *format, ...)
{
	va_list ap;
	a->status = status;
	a->type = "text/plain; charset=utf-8";
	va_start(ap, format);
	buf_vaddf(&a->body, format, ap);
	va_end(ap);
	buf_addc(&a->body, '\n');
}

static enum MHD_Result send_answer(struct http_request *q, struct http_answer *a)
{
	struct MHD_Response *r = a->stream;
	const char *coding = NULL;
	if (!r) {
		if (a->compressible)
			coding = compress_answer(&a->body, http_header(q, "Accept-Encoding"));
		r = MHD_create_response_from_buffer(a->body.len, a->body.data, MHD_RESPMEM_MUST_COPY);
	}
	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", a->type ? a->type : "text/plain; charset=utf-8");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	if (coding)
		MHD_add_response_header(r, "Content-Encoding", coding);
	if (a->compressible)
		MHD_add_response_header(r, "Vary", "Accept, Accept-Encoding");
	if (a->allow)
		MHD_add_response_header(r, "Allow", a->allow);
	if (a->status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(r, "WWW-Authenticate", auth_challenge(&q->server->config.auth));
	enum MHD_Result rc = MHD_queue_response(q->connection, a->status, r);
	MHD_destroy_response(r);
	return rc;
}

static void say_not_found(const char *path, struct http_answer *a)
{
	const char *paths[ARRAY_LEN("routes") + 32];
	size_t n = 0;
	for (const struct http_route *r = http_routes; r->path && n < ARRAY_LEN(paths); r++)
		paths[n++] = r->path;
	const char *close = suggest(path, paths, n);
	if (close)
		http_say(a, MHD_HTTP_NOT_FOUND, "404 page not found; did you mean %s? All pages: /", close);
	else
		http_say(a, MHD_HTTP_NOT_FOUND, "404 page not found. All pages: /");
}

static bool route_fits(const struct http_route *r, const char *path)
{
	size_t n = strlen(r->path);
	return strcmp(r->path, path) == 0 || (n > 1 && r->path[n - 1] == '/' && strncmp(r->path, path, n) == 0);
}

static bool needs_credentials(const struct server *s)
{
	return s->ca || *s->config.auth.username || *s->config.auth.bearer;
}

/* Whether the client may ask this; if not, it is answered. */
static bool may_ask(struct http_request *q, const struct http_route *r, struct http_answer *a)
{
	const struct server *s = q->server;
	const union MHD_ConnectionInfo *peer = MHD_get_connection_info(q->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (r->path && r->access == ACCESS_OPEN)
		return true;
	if (s->ca && !client_cert_passes(q->connection)) {
		http_say(a, MHD_HTTP_FORBIDDEN, "a client certificate is needed, of an authority in server.tls.caFile");
		return false;
	}
	if (!auth_passes(&s->config.auth, http_header(q, "Authorization"))) {
		http_say(a, MHD_HTTP_UNAUTHORIZED, "credentials are needed");
		return false;
	}
	if (!r->path || r->access != ACCESS_CLOSE)
		return true;
	const char *forwarded = http_header(q, "X-Forwarded-For");
	struct reach reach = { .peer = peer ? peer->client_addr : NULL, .host = http_header(q, "Host"), .origin = http_header(q, "Origin"),
			       .forwarded = forwarded ? forwarded : http_header(q, "Forwarded"), .known = needs_credentials(s) };
	const char *refusal = reach_refusal(&reach);
	if (refusal)
		http_say(a, MHD_HTTP_FORBIDDEN, "%s is not answered: %s", r->path, refusal);
	return !refusal;
}

static void answer(struct http_request *q, struct http_answer *a)
{
	const struct http_route *r = http_routes;
	while (r->path && !route_fits(r, q->path))
		r++;
	u8 method = strcmp(q->method, "POST") == 0 ? METHOD_POST : strcmp(q->method, "GET") == 0 || q->is_head ? METHOD_GET : 0;
	if (!may_ask(q, r, a))
		return;
	if (!r->path) {
		say_not_found(q->path, a);
	} else if (!(r->methods & method)) {
		a->allow = r->methods & METHOD_GET ? "GET, HEAD" : "POST";
		http_say(a, MHD_HTTP_METHOD_NOT_ALLOWED, "%s is answered to %s only", r->path, a->allow);
	} else {
		a->status = MHD_HTTP_OK;
		r->handle(q, a);
	}
}

/* Of a connection; NULL when it has none. */
static struct conns_entry *entry_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

static void on_connection(void *cls, struct MHD_Connection *c, void **context, enum MHD_ConnectionNotificationCode code)
{
	struct server *s = cls;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (code == MHD_CONNECTION_NOTIFY_CLOSED)
		conns_remove(s->conns, *context);
	else if (info)
		*context = conns_add(s->conns, info->connect_fd);
}

/* Called once with the headers, then with each piece of the body, then at its end. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version,
				  const char *upload, size_t *upload_len, void **state)
{
	struct server *s = cls;
	struct http_request *q = *state;
	struct http_answer a = { .body = { .max = 1024 * MIB } };
	if (!q) {
		*state = q = calloc(1, sizeof(*q));
		if (!q)
			return MHD_NO;
		atomic_fetch_add(&s->active, 1);
		*q = (struct http_request){ .server = s, .app = &s->app, .connection = c, .is_head = strcmp(method, "HEAD") == 0, .body = { .max = HTTP_BODY_MAX } };
		return MHD_YES;
	}
	if (*upload_len) {
		if (q->body.len + *upload_len <= HTTP_BODY_MAX)
			buf_add(&q->body, upload, *upload_len);
		else
			q->body.failed = true;
		*upload_len = 0;
		return MHD_YES;
	}
	conns_phase(s->conns, entry_of(c), CONN_WORKING);
	q->method = method;
	q->path = url;
	if (q->body.failed)
		http_say(&a, MHD_HTTP_CONTENT_TOO_LARGE, "the body is larger than %llu bytes", (unsigned long long)HTTP_BODY_MAX);
	else
		answer(q, &a);
	if (a.body.failed) {
		buf_done(&a.body);
		a.body = (struct buf){ 0 };
		http_say(&a, MHD_HTTP_INTERNAL_SERVER_ERROR, "not enough memory for the answer");
	}
	if (!a.stream)
		conns_phase(s->conns, entry_of(c), CONN_WRITING);
	enum MHD_Result rc = send_answer(q, &a);
	buf_done(&a.body);
	return rc;
}

static void on_completed(void *cls, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode code)
{
	struct http_request *q = *state;
	struct server *s = cls;
	if (q) {
		buf_done(&q->body);
		atomic_fetch_sub(&s->active, 1);
		conns_phase(s->conns, entry_of(c), CONN_READING);
	}
	free(q);
	*state = NULL;
}

/* --- life --- */

/* Splits "host:port", "[::1]:port", ":port". */
static bool split_address(const char *text, char host[128], const char **port)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	if (!colon || n >= 127)
		return false;
	if (n >= 2 && text[0] == '[' && colon[-1] == ']') {
		text++;
		n -= 2;
	}
	memcpy(host, text, n);
	host[n] = 0;
	*port = colon + 1;
	return **port != 0;
}

static int listen_on(const struct addrinfo *a)
{
	static const int one = 1, zero = 0;
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (a->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 128) == 0)
		return fd;
	int rc = -errno;
	close(fd);
	return rc;
}

static int bind_address(struct server *s, struct buf *error)
{
	char host[128];
	const char *port;
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list = NULL;
	if (!split_address(s->config.address, host, &port)) {
		buf_addf(error, "server.address %s: expected host:port, such as 127.0.0.1:9091 or :9091", s->config.address);
		return -EINVAL;
	}
	int rc = getaddrinfo(*host ? host : NULL, port, &hints, &list);
	if (rc) {
		buf_addf(error, "server.address %s: %s", s->config.address, gai_strerror(rc));
		return -EINVAL;
	}
	/* Without a host: IPv6 with IPv4 mapped into it, else IPv4 alone. */
	rc = -EADDRNOTAVAIL;
	for (int pass = 0; pass < 2 && rc < 0; pass++)
		for (const struct addrinfo *a = list; a && rc < 0; a = a->ai_next)
			if (*host || (a->ai_family == AF_INET6) == (pass == 0))
				rc = listen_on(a);
	freeaddrinfo(list);
	if (rc < 0) {
		buf_addf(error, "server.address %s: cannot listen: %s", s->config.address, strerror(-rc));
		if (rc == -EADDRINUSE)
			buf_adds(error, "; another program (or another packetd) uses this port: choose another one with server.address");
		if (rc == -EACCES)
			buf_adds(error, "; ports below 1024 need a right that is given up after the start");
		return rc;
	}
	s->fd = rc;
	return 0;
}

static void note_address(struct server *s)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);
	char host[64], port[16];
	if (getsockname(s->fd, (struct sockaddr *)&a, &n) == 0 &&
	    getnameinfo((struct sockaddr *)&a, n, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(s->address, sizeof(s->address), strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static char *read_text(const char *path, const char *key, struct buf *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd >= 0 ? malloc(FILE_MAX + 1) : NULL;
	ssize_t n = text ? read(fd, text, FILE_MAX) : -1;
	if (n < 0) {
		buf_addf(error, "%s: %s cannot be read: %s", key, path, strerror(errno));
		free(text);
		text = NULL;
	} else {
		text[n] = 0;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

static int read_tls(struct server *s, struct buf *error)
{
	const struct config_tls *t = &s->config.tls;
	if (!*t->cert_file && !*t->key_file && !*t->ca_file)
		return 0;
	if (!*t->cert_file || !*t->key_file) {
		buf_adds(error, *t->ca_file ? "server.tls: caFile needs certFile and keyFile" : "server.tls: certFile and keyFile belong together");
		return -EINVAL;
	}
	if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
		buf_adds(error, "server.tls: this build of libmicrohttpd has no TLS");
		return -ENOTSUP;
	}
	s->cert = read_text(t->cert_file, "server.tls.certFile", error);
	s->key = s->cert ? read_text(t->key_file, "server.tls.keyFile", error) : NULL;
	s->ca = s->key && *t->ca_file ? read_text(t->ca_file, "server.tls.caFile", error) : NULL;
	if (!s->key || (*t->ca_file && !s->ca))
		return -EINVAL;
	return s->ca ? client_cert_prepare(error) : 0;
}

static int open_address(struct server *s, const struct server *old, struct buf *error)
{
	if (!old || strcmp(old->config.address, s->config.address) != 0)
		return bind_address(s, error);
	s->fd = fcntl(old->fd, F_DUPFD_CLOEXEC, 0);
	if (s->fd >= 0)
		return 0;
	buf_addf(error, "server.address %s: %s", s->config.address, strerror(errno));
	return -errno;
}

int server_new(const struct config_server *config, const struct server_app *app, const struct server *old, struct server **ret, struct buf *error)
{
	struct server *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->app = *app;
	s->config = *config;
	s->fd = -1;
	int rc = library_load(&microhttpd_library, error);
	if (!rc)
		rc = read_tls(s, error);
	if (!rc)
		rc = open_address(s, old, error);
	if (rc) {
		server_free(s);
		return rc;
	}
	note_address(s);
	*ret = s;
	return 0;
}

int server_start(struct server *s, struct buf *error)
{
	unsigned timeout = (unsigned)((s->config.timeout + NS_PER_SEC - 1) / NS_PER_SEC), limit = s->config.max_connections ? s->config.max_connections : CONNECTIONS;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, s->key },
		{ s->ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, s->ca },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC | (s->cert ? MHD_USE_TLS : 0);
	int fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
	s->conns = conns_new(limit, s->config.timeout);
	if (!s->conns || fd < 0) {
		buf_addf(error, "the HTTP server on %s cannot be started: not enough memory or descriptors", s->address);
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_TIMEOUT, timeout,
				     MHD_OPTION_CONNECTION_LIMIT, limit, MHD_OPTION_THREAD_STACK_SIZE,
				     (size_t)STACK, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_ARRAY, s->cert ? tls : none, MHD_OPTION_END);
	if (s->daemon) /* the copy is its now */
		return 0;
	close(fd);
	buf_addf(error, "the HTTP server on %s cannot be started%s", s->address, s->cert ? ": are certificate and key in PEM form, and a pair?" : "");
	return -EINVAL;
}

const char *server_address(const struct server *s)
{
	return s->address;
}

const char *server_scheme(const struct server *s)
{
	return s->cert ? "https" : "http";
}

/* No new connections; what is being answered gets a moment: the answer to the reload that ends this server is among it. */
static void wind_down(struct server *s)
{
	int fd = MHD_quiesce_daemon(s->daemon);
	for (int ms = 0; ms < FINISH_MS && atomic_load(&s->active); ms += 5)
		poll(NULL, 0, 5);
	MHD_stop_daemon(s->daemon);
	if (fd >= 0)
		close(fd);
}

void server_free(struct server *s)
{
	if (!s)
		return;
	if (s->daemon)
		wind_down(s);
	conns_free(s->conns);
	if (s->fd >= 0)
		close(s->fd);
	if (s->key)
		explicit_bzero(s->key, strlen(s->key));
	free(s->cert);
	free(s->key);
	free(s->ca);
	free(s);
}

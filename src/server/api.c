/* The small pages. */
#include <errno.h>
#include <stdlib.h>

#include "build_info.h"
#include "server/http.h"
#include "util/json.h"

void http_json_error(struct http_answer *a, unsigned status, const char *text)
{
	a->status = status;
	a->type = "application/json";
	buf_adds(&a->body, "{\"status\":\"error\",\"error\":");
	json_text(&a->body, text);
	buf_adds(&a->body, "}\n");
}

void handle_ledger(struct http_request *q, struct http_answer *a)
{
	struct ledger *l = calloc(1, sizeof(*l));
	if (!l) {
		http_json_error(a, MHD_HTTP_SERVICE_UNAVAILABLE, "not enough memory");
		return;
	}
	q->app->ledger(q->app->arg, l);
	a->type = "application/json";
	ledger_json(l, &a->body);
	buf_addc(&a->body, '\n');
	free(l);
}

void handle_status(struct http_request *q, struct http_answer *a)
{
	a->type = "application/json";
	buf_adds(&a->body, "{\"version\":\"" BUILD_VERSION "\",\"gitHash\":\"" BUILD_GIT_HASH "\",\"buildTime\":\"" BUILD_TIME "\"");
	q->app->status(q->app->arg, &a->body);
	buf_adds(&a->body, "}\n");
}

void handle_reload(struct http_request *q, struct http_answer *a)
{
	struct buf text = { 0 };
	int rc = q->app->reload(q->app->arg, &text);
	if (rc) {
		http_json_error(a, rc == -EBUSY ? MHD_HTTP_CONFLICT : MHD_HTTP_BAD_REQUEST, buf_cstr(&text));
	} else {
		a->type = "application/json";
		buf_adds(&a->body, "{\"status\":\"success\",\"remarks\":");
		json_text(&a->body, buf_cstr(&text));
		buf_adds(&a->body, "}\n");
	}
	buf_done(&text);
}

void handle_logger(struct http_request *q, struct http_answer *a)
{
	const char *level = http_parameter(q, "level");
	if (!level || q->app->log_level(q->app->arg, level)) {
		http_json_error(a, MHD_HTTP_BAD_REQUEST, "level: expected debug, info, warn or error");
		return;
	}
	a->type = "application/json";
	buf_adds(&a->body, "{\"status\": \"success\"}");
}

void handle_healthz(struct http_request *q, struct http_answer *a)
{
	http_say(a, MHD_HTTP_OK, "ok");
}

void handle_readyz(struct http_request *q, struct http_answer *a)
{
	struct buf why = { 0 };
	if (q->app->ready(q->app->arg, &why))
		http_say(a, MHD_HTTP_OK, "ready");
	else
		http_say(a, MHD_HTTP_SERVICE_UNAVAILABLE, "not ready: %s", buf_cstr(&why));
	buf_done(&why);
}

void handle_pprof(struct http_request *q, struct http_answer *a)
{
	http_say(a, MHD_HTTP_NOT_FOUND,
		 "404: Go profiles have no counterpart in this program, which is written in C; "
		 "perf record -g -p PID shows where time goes, and /metrics has CPU, memory and descriptors");
}

void handle_index(struct http_request *q, struct http_answer *a)
{
	a->type = "text/html; charset=utf-8";
	buf_adds(&a->body, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>packetd</title>"
			   "<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:50rem;padding:0 1rem}"
			   "code{background:#8882;padding:.1em .3em;border-radius:.2em}td{padding:.15rem 1rem .15rem 0;vertical-align:top}</style>"
			   "<h1>packetd</h1><p>version " BUILD_VERSION " (" BUILD_GIT_HASH ")</p><table>");
	for (const struct http_route *r = http_routes; r->path; r++) {
		if (!r->meaning)
			continue;
		if (r->methods & METHOD_GET)
			buf_addf(&a->body, "<tr><td><a href=\"%s\"><code>%s</code></a>", r->path, r->path);
		else
			buf_addf(&a->body, "<tr><td><code>POST %s</code>", r->path);
		buf_addf(&a->body, "<td>%s", r->meaning);
	}
	buf_adds(&a->body, "</table></html>\n");
}

/* What Prometheus reads. */
#include "metrics/expose.h"
#include "server/http.h"

static void answer_snapshot(struct http_request *q, struct http_answer *a, bool protocol, bool own)
{
	struct snapshot_options o = { .protocol = protocol, .own = own, .now = q->app->now(q->app->arg) };
	struct snapshot *s = registry_snapshot(q->app->registry, &o);
	if (!s) {
		http_say(a, MHD_HTTP_SERVICE_UNAVAILABLE, "not enough memory for a picture of the metrics");
		return;
	}
	enum expose_format f = expose_negotiate(http_header(q, "Accept"));
	a->type = expose_content_type(f);
	a->compressible = true;
	expose(&a->body, s, f);
	snapshot_free(s);
}

void handle_metrics(struct http_request *q, struct http_answer *a)
{
	answer_snapshot(q, a, false, true);
}

void handle_protocol_metrics(struct http_request *q, struct http_answer *a)
{
	answer_snapshot(q, a, true, false);
}

#include "server/http.h"

const struct http_route http_routes[] = {
	{ "/", METHOD_GET, ACCESS_USUAL, handle_index, "this page" },
	{ "/metrics", METHOD_GET, ACCESS_USUAL, handle_metrics, "metrics of packetd itself, for Prometheus" },
	{ "/protocol/metrics", METHOD_GET, ACCESS_USUAL, handle_protocol_metrics, "metrics of the traffic, for Prometheus" },
	{ "/watch", METHOD_GET, ACCESS_CLOSE, handle_watch, "RoundTrips as they end, as JSON lines or server-sent events: max_message, timeout, filter" },
	{ "/api/v1/roundtrips", METHOD_GET, ACCESS_CLOSE, handle_roundtrips, "the latest RoundTrips; with filter those of the next moment: limit, filter, timeout" },
	{ "/api/v1/ledger", METHOD_GET, ACCESS_USUAL, handle_ledger, "what was seen, reported and lost, and why" },
	{ "/api/v1/status", METHOD_GET, ACCESS_USUAL, handle_status, "version, capture, exporters" },
	{ "/healthz", METHOD_GET, ACCESS_OPEN, handle_healthz, "200 while the program runs" },
	{ "/readyz", METHOD_GET, ACCESS_OPEN, handle_readyz, "200 while packets are captured, else 503 and why" },
	{ "/-/reload", METHOD_POST, ACCESS_CLOSE, handle_reload, "reads the configuration again; answers what came of it" },
	{ "/-/logger", METHOD_POST, ACCESS_CLOSE, handle_logger, "level=debug|info|warn|error" },
	{ "/debug/pprof/", METHOD_GET, ACCESS_USUAL, handle_pprof, NULL },
	{ 0 },
};

/* What exporter_drive feeds. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_TESTS_EXPORTER_DRIVE_H
#define PACKETD_TESTS_EXPORTER_DRIVE_H

#include "export/exporter.h"
#include "proto/http/http.h"

#define EXCHANGE_T0 1740819600000000000ull /* 2025-03-01T09:00:00Z */

/* A typical HTTP exchange: twelve header fields, 1 KiB as JSON. */
struct exchange {
	struct conn conn;
	struct roundtrip rt;
	struct http_request q;
	struct http_response a;
	struct pair headers[2][12];
	char url[64], route[64];
};

struct exchange *exchange_new(void);
void exchange_free(struct exchange *x);
/* Makes it the i-th of a worker, at this time: response size i. */
void exchange_vary(struct exchange *x, u32 worker, u64 i, u64 now);

/* "http.request.path:drop,http.request.method:mask,…"; lives until the end. */
struct projection *projection_redact(const char *text);

/* How many series the made-up registry has. */
extern u32 drive_series;

#endif

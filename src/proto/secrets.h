/* Hides what must not leave the host by accident: credentials in header values and URLs.
 * Results live in the arena, or are the argument itself when there was nothing to hide; without memory they are "***".
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_SECRETS_H
#define PACKETD_PROTO_SECRETS_H

#include "util/arena.h"

/* "Basic dXNlcjpwYXNz" -> "Basic ***": the scheme is kept. For Authorization and Proxy-Authorization. */
struct str secret_credentials(struct arena *a, struct str value);
/* "sid=1; lang=en" -> "sid=***; lang=***". */
struct str secret_cookie(struct arena *a, struct str value);
/* "sid=1; Path=/" -> "sid=***; Path=/". */
struct str secret_set_cookie(struct arena *a, struct str value);
/* "http://user:pass@host/x": what is before the @ becomes three stars. */
struct str secret_url(struct arena *a, struct str url);

#endif

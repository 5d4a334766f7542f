/* Who may see traffic and change state when nobody has to say who he is: only this host, and no web page that its browser shows.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_SERVER_REACH_H
#define PACKETD_SERVER_REACH_H

#include <sys/socket.h>

#include "util/base.h"

struct reach {
	const struct sockaddr *peer; /* NULL: unknown */
	const char *host;            /* headers of the request, or NULL */
	const char *origin;
	const char *forwarded;       /* X-Forwarded-For or Forwarded */
	bool known;                  /* credentials were needed, and right */
};

/* NULL, or why the request is refused. */
const char *reach_refusal(const struct reach *r);

#endif

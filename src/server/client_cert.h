/* Whether a client has shown a certificate of the authorities the server was given. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_SERVER_CLIENT_CERT_H
#define PACKETD_SERVER_CLIENT_CERT_H

#include "server/http_library.h"

/* Before client_cert_passes. Negative errno with a sentence when it cannot be checked here. */
int client_cert_prepare(struct buf *error);
/* libmicrohttpd asks for a certificate, but takes none or any: the check is up to its user. */
bool client_cert_passes(struct MHD_Connection *c);

#endif

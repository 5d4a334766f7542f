#include "server/client_cert.h"

#include <gnutls/gnutls.h>

/* The functions of GnuTLS that are used; libmicrohttpd has loaded it already. */
#define GNUTLS_CALLS(X) X(gnutls_certificate_verify_peers2)

LIBRARY_DECLARE(gnutls, GNUTLS_CALLS)
LIBRARY_DEFINE(gnutls, GNUTLS_CALLS, "libgnutls.so.30")

int client_cert_prepare(struct buf *error)
{
	return library_load(&gnutls_library, error);
}

bool client_cert_passes(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	unsigned status = ~0u;
	return info && info->tls_session && gnutls_calls.gnutls_certificate_verify_peers2(info->tls_session, &status) == GNUTLS_E_SUCCESS && status == 0;
}

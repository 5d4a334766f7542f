/* Who may ask: basic and bearer credentials, compared in constant time. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_SERVER_AUTH_H
#define PACKETD_SERVER_AUTH_H

#include "config/config.h"

/* `header`: Authorization, or NULL. True when nothing is asked for, or the header has one of the credentials. */
bool auth_passes(const struct config_auth *a, const char *header);
/* WWW-Authenticate of a refusal. */
const char *auth_challenge(const struct config_auth *a);

#endif

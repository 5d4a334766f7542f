/* What concerns several keys at once, when all are bound. Private to config/. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CONFIG_FINISH_H
#define PACKETD_CONFIG_FINISH_H

#include "config/binder.h"
#include "config/drafts.h"

/* `given`: the values of the file by the root table's rows. */
void config_finish(struct binder *b, struct root_draft *draft, const struct node *const *given);

#endif

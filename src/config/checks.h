/* Checks of single values that the schema's rows name. Private to config/. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CONFIG_CHECKS_H
#define PACKETD_CONFIG_CHECKS_H

#include "config/schema.h"

#define CHECK(name) void name(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
CHECK(check_ifaces);
CHECK(check_engine);
CHECK(check_protocol);
CHECK(check_host);
CHECK(check_address);
CHECK(check_url);
CHECK(check_otlp_endpoint);
CHECK(check_brokers);
CHECK(check_header);
CHECK(check_label);
CHECK(check_l4_labels);
CHECK(check_selectors);
CHECK(check_path_pattern);
CHECK(check_expression);
CHECK(check_drop);
CHECK(check_mask);
CHECK(check_hash);
CHECK(check_add);
CHECK(check_rename);
CHECK(check_old_kind);
#undef CHECK

/* host:port, [v6]:port; without `host` :port, too. */
bool is_host_port(struct str s, bool host);

#endif

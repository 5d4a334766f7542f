/* Is this text at all? Looked at before YAML is. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CONFIG_YAML_TEXT_H
#define PACKETD_CONFIG_YAML_TEXT_H

#include "config/findings.h"

#define CONFIG_FILE_MAX (4 * MIB)

/* False, with a finding, when it is empty, too large, binary, not UTF-8, or has more directives than sense. */
bool yaml_text_check(struct str text, struct findings *findings);
/* Line and column of a byte. */
struct config_place yaml_text_place(struct str text, size_t at);

#endif

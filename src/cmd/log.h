/* The log of a long-running command: lines to a descriptor or to a file that is rotated. Thread-safe; one for the process.
 * A line is "YYYY-MM-DD HH:MM:SS.mmm<TAB>LEVEL<TAB>part<TAB>message", or a JSON object. A message is said again only after LOG_QUIET_NS, with
 * how often it came meanwhile. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CMD_LOG_H
#define PACKETD_CMD_LOG_H

#include "config/config.h"

#define LOG_QUIET_NS (30 * NS_PER_SEC)

/* Negative errno when the file cannot be opened; then everything goes to standard error. `interactive`: there is no configuration file, so a person is looking. */
int log_open(const struct config_logger *o, bool interactive);
void log_close(void);
/* The file was moved away. */
void log_reopen(void);
void log_set_level(enum config_log_level level);
/* "debug", "info", "warn", "error" in any case; false for another word. */
bool log_level_parse(const char *text, enum config_log_level *ret);
void log_write(enum config_log_level level, const char *part, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif

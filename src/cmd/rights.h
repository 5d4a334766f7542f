/* Saying what is needed to capture. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CMD_RIGHTS_H
#define PACKETD_CMD_RIGHTS_H

/* Errors that mean: no right to capture. */
#define IS_MISSING_RIGHT(rc) ((rc) == -EPERM || (rc) == -EACCES)

/* On standard error, with two ways out with this program's own path; `command` as in "packetd command". */
void say_rights(const char *command);

#endif

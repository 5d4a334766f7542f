/* Ids of an exchange: its span, its trace when the traffic names none, its document. They follow from what the exchange is, so
 * that its span, its log record and its document carry the same, and a capture read twice gives the same; live, a number
 * drawn at the start of the program goes into them, so that no two runs meet. Thread-safe. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_EXCHANGE_ID_H
#define PACKETD_EXPORT_EXCHANGE_ID_H

#include "roundtrip/roundtrip.h"

struct exchange_id {
	u8 trace[16];
	u8 span[8];
	u8 client_span[8]; /* of the client's view, when both are reported */
};

void exchange_id(const struct roundtrip *rt, bool live, struct exchange_id *ret);
/* 16 to 32 hex digits of n bytes; returns 2 n. */
size_t hex_digits(char *to, const u8 *p, size_t n);

#endif

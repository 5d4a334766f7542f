/* What the flow layer counts. This sum holds exactly, at any moment:
 *   stream_bytes = parsed + skipped + duplicate + unrecognised + opaque + late + held + snapped_bytes + no_memory_bytes
 * Bytes never captured are not in stream_bytes; they are in gap_bytes and gap_skipped_bytes.
 * And: conns_opened = conns_closed + conns_reset + conns_refused + conns_expired + conns_evicted + conns_cut + conns_live.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_FLOW_FLOW_COUNTERS_H
#define PACKETD_FLOW_FLOW_COUNTERS_H

#include "util/base.h"

/* X(field, what it counts) */
#define FLOW_COUNTERS(X)                                                                            \
	X(tcp_segments, "TCP segments")                                                             \
	X(udp_datagrams, "UDP datagrams")                                                           \
	X(udp_bytes, "UDP payload bytes")                                                           \
	X(copies, "packets that are copies, taken at a second interface or hop")                    \
	X(icmp_errors, "ICMP errors that name a connection")                                        \
	X(stream_bytes, "TCP payload bytes")                                                        \
	X(parsed, "of these: read by a parser")                                                     \
	X(skipped, "bodies: known to be there, not looked at")                                      \
	X(duplicate, "sent again")                                                                  \
	X(unrecognised, "no parser could make sense of them")                                       \
	X(opaque, "of connections that are not read (encrypted, unknown)")                          \
	X(late, "of connections already closed, or of a side after its FIN")                        \
	X(held, "waiting for what is missing before them")                                          \
	X(gap_bytes, "never captured, outside bodies")                                                             \
	X(gaps, "holes given up on outside bodies")                                                 \
	X(gaps_skipped, "holes inside bodies, harmless")                                            \
	X(gap_skipped_bytes, "never captured, inside bodies: harmless")                             \
	X(snapped_bytes, "cut by the capture length, outside bodies")                               \
	X(conns_opened, "connections seen")                                                         \
	X(conns_midstream, "of these: joined after their start")                                    \
	X(conns_closed, "ended by FIN")                                                             \
	X(conns_reset, "ended by RST")                                                              \
	X(conns_refused, "answered by RST instead of SYN-ACK")                                      \
	X(conns_expired, "forgotten after being idle")                                              \
	X(conns_evicted, "forgotten because the cap on connections was reached")                    \
	X(conns_cut, "still open at the end of the capture")                                        \
	X(conns_live, "now")                                                                        \
	X(retransmits, "segments sent again")                                                       \
	X(out_of_order, "segments that arrived early")                                              \
	X(zero_windows, "times a receiver stopped its sender")                                      \
	X(held_capped, "holes given up on because too much waited behind them")                     \
	X(tail_capped, "incomplete messages larger than the cap")                                   \
	X(no_memory, "times memory was lacking")                                                    \
	X(no_memory_bytes, "dropped for lack of memory")

struct flow_counters {
#define X(field, text) u64 field;
	FLOW_COUNTERS(X)
#undef X
};

#endif

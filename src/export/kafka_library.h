/* The functions of librdkafka that are used, taken from the library when it is first needed (util/library.h): call
 * library_load(&rdkafka_library, …) before any of them. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_KAFKA_LIBRARY_H
#define PACKETD_EXPORT_KAFKA_LIBRARY_H

#include <librdkafka/rdkafka.h>

#include "util/library.h"

#define RDKAFKA_CALLS(X) \
	X(rd_kafka_conf_destroy) \
	X(rd_kafka_conf_new) \
	X(rd_kafka_conf_set) \
	X(rd_kafka_conf_set_dr_msg_cb) \
	X(rd_kafka_conf_set_log_cb) \
	X(rd_kafka_conf_set_opaque) \
	X(rd_kafka_destroy) \
	X(rd_kafka_err2str) \
	X(rd_kafka_error_code) \
	X(rd_kafka_error_destroy) \
	X(rd_kafka_header_add) \
	X(rd_kafka_headers_copy) \
	X(rd_kafka_headers_destroy) \
	X(rd_kafka_headers_new) \
	X(rd_kafka_new) \
	X(rd_kafka_opaque) \
	X(rd_kafka_poll) \
	X(rd_kafka_produceva) \
	X(rd_kafka_purge) \
	X(rd_kafka_topic_destroy) \
	X(rd_kafka_topic_new)

LIBRARY_DECLARE(rdkafka, RDKAFKA_CALLS)

#ifndef RDKAFKA_TABLE /* the table itself is made with the real names */
#define rd_kafka_conf_destroy rdkafka_calls.rd_kafka_conf_destroy
#define rd_kafka_conf_new rdkafka_calls.rd_kafka_conf_new
#define rd_kafka_conf_set rdkafka_calls.rd_kafka_conf_set
#define rd_kafka_conf_set_dr_msg_cb rdkafka_calls.rd_kafka_conf_set_dr_msg_cb
#define rd_kafka_conf_set_log_cb rdkafka_calls.rd_kafka_conf_set_log_cb
#define rd_kafka_conf_set_opaque rdkafka_calls.rd_kafka_conf_set_opaque
#define rd_kafka_destroy rdkafka_calls.rd_kafka_destroy
#define rd_kafka_err2str rdkafka_calls.rd_kafka_err2str
#define rd_kafka_error_code rdkafka_calls.rd_kafka_error_code
#define rd_kafka_error_destroy rdkafka_calls.rd_kafka_error_destroy
#define rd_kafka_header_add rdkafka_calls.rd_kafka_header_add
#define rd_kafka_headers_copy rdkafka_calls.rd_kafka_headers_copy
#define rd_kafka_headers_destroy rdkafka_calls.rd_kafka_headers_destroy
#define rd_kafka_headers_new rdkafka_calls.rd_kafka_headers_new
#define rd_kafka_new rdkafka_calls.rd_kafka_new
#define rd_kafka_opaque rdkafka_calls.rd_kafka_opaque
#define rd_kafka_poll rdkafka_calls.rd_kafka_poll
#define rd_kafka_produceva rdkafka_calls.rd_kafka_produceva
#define rd_kafka_purge rdkafka_calls.rd_kafka_purge
#define rd_kafka_topic_destroy rdkafka_calls.rd_kafka_topic_destroy
#define rd_kafka_topic_new rdkafka_calls.rd_kafka_topic_new
#endif

#endif

/* The functions of libmicrohttpd that are used, taken from the library when it is first needed (util/library.h): call
 * library_load(&microhttpd_library, …) before any of them. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_SERVER_HTTP_LIBRARY_H
#define PACKETD_SERVER_HTTP_LIBRARY_H

#include <microhttpd.h>

#include "util/library.h"

#define MICROHTTPD_CALLS(X) \
	X(MHD_add_response_header) \
	X(MHD_create_response_from_buffer) \
	X(MHD_create_response_from_callback) \
	X(MHD_destroy_response) \
	X(MHD_get_connection_info) \
	X(MHD_is_feature_supported) \
	X(MHD_lookup_connection_value) \
	X(MHD_queue_response) \
	X(MHD_quiesce_daemon) \
	X(MHD_set_connection_option) \
	X(MHD_start_daemon) \
	X(MHD_stop_daemon)

LIBRARY_DECLARE(microhttpd, MICROHTTPD_CALLS)

#ifndef MICROHTTPD_TABLE /* the table itself is made with the real names */
#define MHD_add_response_header microhttpd_calls.MHD_add_response_header
#define MHD_create_response_from_buffer microhttpd_calls.MHD_create_response_from_buffer
#define MHD_create_response_from_callback microhttpd_calls.MHD_create_response_from_callback
#define MHD_destroy_response microhttpd_calls.MHD_destroy_response
#define MHD_get_connection_info microhttpd_calls.MHD_get_connection_info
#define MHD_is_feature_supported microhttpd_calls.MHD_is_feature_supported
#define MHD_lookup_connection_value microhttpd_calls.MHD_lookup_connection_value
#define MHD_queue_response microhttpd_calls.MHD_queue_response
#define MHD_quiesce_daemon microhttpd_calls.MHD_quiesce_daemon
#define MHD_set_connection_option microhttpd_calls.MHD_set_connection_option
#define MHD_start_daemon microhttpd_calls.MHD_start_daemon
#define MHD_stop_daemon microhttpd_calls.MHD_stop_daemon
#endif

#endif

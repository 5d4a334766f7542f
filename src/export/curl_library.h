/* The functions of libcurl that are used, taken from the library when it is first needed (util/library.h): call
 * library_load(&curl_library, …) before any of them. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_CURL_LIBRARY_H
#define PACKETD_EXPORT_CURL_LIBRARY_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo

#include "util/library.h"

#define CURL_CALLS(X) \
	X(curl_easy_cleanup) \
	X(curl_easy_getinfo) \
	X(curl_easy_init) \
	X(curl_easy_perform) \
	X(curl_easy_setopt) \
	X(curl_easy_strerror) \
	X(curl_free) \
	X(curl_getdate) \
	X(curl_global_init) \
	X(curl_slist_append) \
	X(curl_slist_free_all) \
	X(curl_url) \
	X(curl_url_cleanup) \
	X(curl_url_get) \
	X(curl_url_set) \
	X(curl_version_info)

LIBRARY_DECLARE(curl, CURL_CALLS)

#ifndef CURL_TABLE /* the table itself is made with the real names */
#define curl_easy_cleanup curl_calls.curl_easy_cleanup
#define curl_easy_getinfo curl_calls.curl_easy_getinfo
#define curl_easy_init curl_calls.curl_easy_init
#define curl_easy_perform curl_calls.curl_easy_perform
#define curl_easy_setopt curl_calls.curl_easy_setopt
#define curl_easy_strerror curl_calls.curl_easy_strerror
#define curl_free curl_calls.curl_free
#define curl_getdate curl_calls.curl_getdate
#define curl_global_init curl_calls.curl_global_init
#define curl_slist_append curl_calls.curl_slist_append
#define curl_slist_free_all curl_calls.curl_slist_free_all
#define curl_url curl_calls.curl_url
#define curl_url_cleanup curl_calls.curl_url_cleanup
#define curl_url_get curl_calls.curl_url_get
#define curl_url_set curl_calls.curl_url_set
#define curl_version_info curl_calls.curl_version_info
#endif

#endif

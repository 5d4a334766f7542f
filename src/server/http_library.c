#define MICROHTTPD_TABLE
#include "server/http_library.h"

LIBRARY_DEFINE(microhttpd, MICROHTTPD_CALLS, "libmicrohttpd.so.12")

#define CURL_TABLE
#include "export/curl_library.h"

LIBRARY_DEFINE(curl, CURL_CALLS, "libcurl.so.4")

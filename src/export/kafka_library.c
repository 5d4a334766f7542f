#define RDKAFKA_TABLE
#include "export/kafka_library.h"

LIBRARY_DEFINE(rdkafka, RDKAFKA_CALLS, "librdkafka.so.1")

#include "export/exporter.h"

const struct exporter_ops *const exporter_all[] = {
#define X(name) &exporter_##name,
#include "export/exporter_list.h"
#undef X
	NULL,
};

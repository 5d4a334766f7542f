#include "proto/proto.h"

#define X(name) extern const struct proto proto_##name;
#include "proto/proto_list.h"
#undef X

const struct proto *const proto_all[] = {
#define X(name) &proto_##name,
#include "proto/proto_list.h"
#undef X
	NULL,
};

const char strs_null[5] = "NULL";

_Static_assert(ARRAY_LEN(proto_all) <= PROTO_MAX, "raise PROTO_MAX");

const struct proto *proto_find(struct str name)
{
	for (const struct proto *const *p = proto_all; *p; p++)
		if (str_eq(str_from((*p)->name), name))
			return *p;
	return NULL;
}

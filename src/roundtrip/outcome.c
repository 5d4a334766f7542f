#include "roundtrip/roundtrip.h"

static const char *const names[] = {
#define X(id, name, text) [id] = name,
	OUTCOMES(X)
#undef X
};

const char *outcome_name(enum outcome o)
{
	return (unsigned)o < OUTCOME_COUNT ? names[o] : "?";
}

enum outcome outcome_find(struct str name)
{
	unsigned o = 0;
	while (o < OUTCOME_COUNT && !str_eq(name, str_from(names[o])))
		o++;
	return (enum outcome)o;
}

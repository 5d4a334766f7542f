/* Names for stores that keep all protocols in one index. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "export/distinct.h"

/* As the store reads the names: no text may stand where another protocol has an object. */
static bool clashes(const struct field *f)
{
	size_t n = strlen(f->json);
	for (u32 i = 0; proto_all[i]; i++)
		for (u32 row = 0; row < proto_all[i]->fields_len; row++) {
			const struct field *other = &proto_all[i]->fields[row];
			if (other->side == f->side && other->json && strncmp(other->json, f->json, n) == 0 && other->json[n] == '.')
				return true;
		}
	return false;
}

static void test_all_protocols(void **state)
{
	struct distinct d;
	u32 named = 0;
	assert_true(distinct_init(&d));
	for (u32 i = 0; proto_all[i]; i++) {
		const struct proto *p = proto_all[i];
		for (u32 row = 0; row < p->fields_len; row++) {
			const struct field *f = &p->fields[row];
			const char *name = d.names[p->index] ? d.names[p->index][row] : NULL;
			if (!f->json || f->type == FIELD_OBJECT || f->type == FIELD_PAIRS) {
				assert_null(name);
				continue;
			}
			assert_int_equal(name != NULL, clashes(f));
			named += name != NULL;
		}
	}
	assert_true(named > 0);
	distinct_done(&d);
}

static const char *name_of(const struct distinct *d, const char *protocol, u8 side, const char *json)
{
	const struct proto *p = proto_find(str_from(protocol));
	for (u32 row = 0; row < p->fields_len; row++)
		if (p->fields[row].side == side && p->fields[row].json && strcmp(p->fields[row].json, json) == 0)
			return d->names[p->index] ? d->names[p->index][row] : NULL;
	fail_msg("%s has no %s", protocol, json);
	return NULL;
}

/* DNS has an object there. */
static void test_message(void **state)
{
	struct distinct d;
	assert_true(distinct_init(&d));
	assert_string_equal(name_of(&d, "redis", SIDE_RESPONSE, "Message"), "MessageText");
	assert_string_equal(name_of(&d, "mongodb", SIDE_RESPONSE, "Message"), "MessageText");
	assert_null(name_of(&d, "redis", SIDE_RESPONSE, "Error"));
	assert_null(name_of(&d, "dns", SIDE_RESPONSE, "Message.Header.ID"));
	distinct_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_protocols),
		cmocka_unit_test(test_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

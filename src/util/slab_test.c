/* Objects over several blocks: numbers, reuse, the maximum. */
#include "unit.h"

#include <stdlib.h>

#include "util/slab.h"

#define MANY 40000u

static void numbers(void **state)
{
	struct slab s;
	u32 **all = calloc(MANY, sizeof(*all));
	slab_init(&s, 24, MANY);
	for (u32 i = 0; i < MANY; i++) {
		all[i] = slab_get(&s);
		*all[i] = i;
	}
	assert_true(s.blocks_len > 1);
	assert_null(slab_get(&s));
	assert_int_equal(s.refused, 1);
	for (u32 i = 0; i < MANY; i++) {
		u32 index = slab_index(&s, all[i]);
		assert_ptr_equal(slab_at(&s, index), all[i]);
		assert_int_equal(*all[i], i);
	}
	assert_int_equal(slab_index(&s, all), UINT32_MAX);
	u32 index = slab_index(&s, all[7]);
	slab_put(&s, all[7]);
	assert_int_equal(slab_index(&s, slab_get(&s)), index);
	assert_int_equal(s.live, MANY);
	assert_int_equal(s.peak, MANY);
	slab_done(&s);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(numbers) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

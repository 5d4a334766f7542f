#include "metrics/buckets.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>

#include "metrics/registry.h"

const double metric_seconds_bounds[] = { 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600 };
const u32 metric_seconds_bounds_len = ARRAY_LEN(metric_seconds_bounds);

#define KB 1024.0
#define MB (1024.0 * 1024.0)
const double metric_bytes_bounds[] = { 10 * KB, 100 * KB, 250 * KB, 500 * KB, 1 * MB, 5 * MB, 10 * MB, 20 * MB,
				       30 * MB, 50 * MB, 80 * MB, 100 * MB, 150 * MB, 200 * MB, 500 * MB };
const u32 metric_bytes_bounds_len = ARRAY_LEN(metric_bytes_bounds);

/* --- vmrange --- */

#define DECADE_MIN (-9)
#define PER_DECADE 18
#define RANGES (VMRANGE_BUCKETS - 2)

u16 bucket_vmrange(double value)
{
	double at = (log10(value) - DECADE_MIN) * PER_DECADE;
	if (!(at >= 0)) /* zero, too */
		return 0;
	if (at >= RANGES)
		return VMRANGE_BUCKETS - 1;
	u32 i = (u32)at;
	if ((double)i == at && i > 0) /* an exact bound is the end of the range below it */
		i--;
	return (u16)(i + 1);
}

/* The ends are made by multiplying on from the one before, as VictoriaMetrics does: its texts come out the same. */
static double vmrange_ends[RANGES + 1];
static pthread_once_t vmrange_made = PTHREAD_ONCE_INIT;

static void vmrange_make(void)
{
	double ratio = pow(10, 1.0 / PER_DECADE);
	vmrange_ends[0] = 1e-9;
	for (u32 i = 1; i <= RANGES; i++)
		vmrange_ends[i] = vmrange_ends[i - 1] * ratio;
}

size_t vmrange_text(u16 bucket, char out[VMRANGE_TEXT_MAX])
{
	int n;
	pthread_once(&vmrange_made, vmrange_make);
	if (bucket == 0)
		n = snprintf(out, VMRANGE_TEXT_MAX, "0...1.000e-09");
	else if (bucket >= VMRANGE_BUCKETS - 1)
		n = snprintf(out, VMRANGE_TEXT_MAX, "1.000e+18...+Inf");
	else
		n = snprintf(out, VMRANGE_TEXT_MAX, "%.3e...%.3e", vmrange_ends[bucket - 1], vmrange_ends[bucket]);
	return (size_t)n;
}

double vmrange_upper(u16 bucket)
{
	pthread_once(&vmrange_made, vmrange_make);
	return bucket >= VMRANGE_BUCKETS - 1 ? (double)INFINITY : vmrange_ends[bucket];
}

/* --- native --- */

i32 bucket_native(double value, i32 schema)
{
	int exponent;
	double fraction = frexp(value, &exponent); /* in [0.5, 1) */
	if (schema <= 0) {
		i32 i = fraction == 0.5 ? exponent - 1 : exponent;
		for (; schema < 0; schema++)
			i = native_halved(i);
		return i;
	}
	i32 per_octave = 1 << schema;
	i32 i = (i32)ceil(log2(fraction * 2) * per_octave);
	/* log2 may be off by its last bit: the bounds decide */
	if (i > 0 && fraction <= exp2((double)(i - 1) / per_octave - 1))
		i--;
	else if (i < per_octave && fraction > exp2((double)i / per_octave - 1))
		i++;
	return (exponent - 1) * per_octave + i;
}

double native_upper(i32 bucket, i32 schema)
{
	return exp2(ldexp(bucket, -schema));
}

/* The three ways a histogram cuts the numbers: given bounds, VictoriaMetrics' ranges, powers of 2^2^-schema.
 * Pure functions and constant tables. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_METRICS_BUCKETS_H
#define PACKETD_METRICS_BUCKETS_H

#include "util/base.h"

#define BUCKETS_BOUNDS_MAX 64 /* classic bounds of one metric */

/* Index of the first bound >= value (bounds are inclusive); n when there is none. */
static inline u32 bucket_classic(const double *bounds, u32 n, double value)
{
	u32 from = 0;
	while (n > 0) {
		u32 half = n / 2;
		bool right = bounds[from + half] < value;
		from = right ? from + half + 1 : from;
		n = right ? n - half - 1 : half;
	}
	return from;
}

/* --- vmrange: 18 buckets a decade from 1e-9 to 1e18 --- */

#define VMRANGE_BUCKETS 488 /* 0: below 1e-9; 1…486; 487: from 1e18 */
#define VMRANGE_TEXT_MAX 24

u16 bucket_vmrange(double value);
/* "1.000e-03...1.136e-03", terminated; returns its length. */
size_t vmrange_text(u16 bucket, char out[VMRANGE_TEXT_MAX]);
/* The end of the range as a number; +Inf for the last. */
double vmrange_upper(u16 bucket);

/* --- native: bucket i holds (base^(i-1), base^i], base = 2^2^-schema --- */

#define NATIVE_SCHEMA_MIN (-4)
#define NATIVE_SCHEMA_MAX 8
#define NATIVE_ZERO_THRESHOLD 0x1p-128 /* values up to it are in the zero bucket, as Prometheus' own libraries have it */

/* `value` > NATIVE_ZERO_THRESHOLD and finite. */
i32 bucket_native(double value, i32 schema);
double native_upper(i32 bucket, i32 schema);
/* The bucket at half the resolution that holds this one. */
static inline i32 native_halved(i32 bucket)
{
	return bucket > 0 ? (bucket + 1) / 2 : -(-bucket / 2);
}

#endif

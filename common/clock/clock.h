/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock - the two clocks and the text form of times.
 *
 * Wall time is for records (RFC 3339, UTC, milliseconds); deadlines use monotonic time only, so a clock jump
 * never fires or delays one. Pure code takes times as arguments and does not include this header's
 * now-functions.
 */
#ifndef CF_CLOCK_H
#define CF_CLOCK_H

#include <stdint.h>

#include "str/str.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CF_CLOCK_TEXT_SIZE 32 /* room for any formatted time and its NUL */

/** Milliseconds since 1970-01-01 UTC. */
int64_t cf_clock_wall_ms(void);
/** Milliseconds / nanoseconds since an arbitrary start; never goes back. */
uint64_t cf_clock_mono_ms(void);
uint64_t cf_clock_mono_ns(void);

/** Writes "2026-11-22T10:15:30.123Z". Years 0000..9999; others are clamped. */
void cf_clock_format(int64_t wall_ms, char ret_text[CF_CLOCK_TEXT_SIZE]);
/** Parses RFC 3339 with any offset, "T" or space, 0 to 9 fraction digits (cut to ms), leap second read as
 * :59.999. */
CF_CHECKED bool cf_clock_parse(struct cf_str text, int64_t *ret_wall_ms);

#ifdef __cplusplus
}
#endif
#endif

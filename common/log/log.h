/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log - one JSON object per line on stderr.
 *
 * Fields: ts, level, worker, module, msg, and the context's event, call and Kafka position when there is one.
 * Promise: a line is valid JSON whatever bytes come in (control bytes, invalid UTF-8 and line breaks are
 * escaped, the text is cut at 1 KiB) and at most 4 KiB; digits that could be a phone number (7 or more in a
 * row, 9 or more in groups as people write them, but no IPv4 addresses and dates) are masked but for the last
 * two; one kind of message (its format string) appears at most 10 times in 10 s, then as a "suppressed"
 * count. A full pipe drops lines and counts them in the next line's "dropped"; it never blocks the loop.
 */
#ifndef CF_LOG_H
#define CF_LOG_H

#include <stdint.h>

#include "err/err.h"
#include "str/str.h"

#ifdef __cplusplus
extern "C" {
#endif

enum cf_log_level { CF_LOG_DEBUG, CF_LOG_INFO, CF_LOG_WARN, CF_LOG_ERROR };

/* What a line is about. All optional; borrowed for the call. */
struct cf_log_ctx {
    struct cf_str call_id, event_id;
    const char *topic;
    int32_t partition;
    int64_t offset;
};

/** Sets the worker's name (static string) and the lowest level that is written. */
void cf_log_setup(const char *worker, enum cf_log_level lowest);
/** Parses "debug", "info", "warn", "error". */
CF_CHECKED bool cf_log_level_of(struct cf_str name, enum cf_log_level *ret_level);

/** Writes a line. `module` is a static string; `ctx` may be NULL. Use the macros below. */
void cf_log_write(enum cf_log_level level, const char *module, const struct cf_log_ctx *ctx, const char *fmt,
                  ...) CF_PRINTF(4, 5);
/** As write, for an error: its kind, source and code become fields. `what` is a constant text. */
void cf_log_err(enum cf_log_level level, const char *module, const struct cf_log_ctx *ctx, const char *what,
                const struct cf_err *err);

#define cf_log_debug(module, ctx, ...) cf_log_write(CF_LOG_DEBUG, (module), (ctx), __VA_ARGS__)
#define cf_log_info(module, ctx, ...) cf_log_write(CF_LOG_INFO, (module), (ctx), __VA_ARGS__)
#define cf_log_warn(module, ctx, ...) cf_log_write(CF_LOG_WARN, (module), (ctx), __VA_ARGS__)
#define cf_log_error(module, ctx, ...) cf_log_write(CF_LOG_ERROR, (module), (ctx), __VA_ARGS__)

/** Formats one line into `buf` (no rate limit, no write): what the tests look at. */
void cf_log_format(struct cf_buf *buf, enum cf_log_level level, const char *module,
                   const struct cf_log_ctx *ctx, struct cf_str msg);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err - the one error value of the fleet.
 *
 * A function that can fail returns 0 or -1 and takes `struct cf_err *err` as its last parameter; it fills
 * `err` only when it returns -1. The kind says what the caller must do, the text says what happened, where,
 * and what to do about it, in one line without personal data. No allocation, no thread-local state.
 */
#ifndef CF_ERR_H
#define CF_ERR_H

#include <stddef.h>

#define CF_CHECKED __attribute__((warn_unused_result))
#define CF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum cf_err_kind {
    CF_ERR_TRANSIENT = 1, /* retry with backoff: timeout, reset, 5xx */
    CF_ERR_THROTTLED,     /* retry, and slow everyone down: 429, a spent API budget */
    CF_ERR_REJECTED,      /* this input will never pass: dead-letter it */
    CF_ERR_CONFIG,        /* the operator must change something: exit 78 */
    CF_ERR_FATAL,         /* the process cannot go on: exit 70 and be restarted */
};

struct cf_err {
    enum cf_err_kind kind;
    int code;         /* the source's own code: HTTP status, CURLcode, rd_kafka_resp_err_t; 0 if none */
    const char *from; /* static string: "http", "redis", "kafka", "json" */
    char text[200];
};

#ifdef __cplusplus
extern "C" {
#endif

/** Fills `err` (may be NULL) and returns -1, so a failing path is one line: return cf_err_set(...). */
int cf_err_set(struct cf_err *err, enum cf_err_kind kind, const char *from, int code, const char *fmt, ...)
    CF_PRINTF(5, 6);

/** "transient", "throttled", "rejected", "config", "fatal": for logs and metric labels. */
const char *cf_err_kind_name(enum cf_err_kind kind);

#ifdef __cplusplus
}
#endif
#endif

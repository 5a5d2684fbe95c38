/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history - what the sandbox was asked, what it committed and what it answered: append-only.
 *
 * Each entry is one JSON object on one line, in the file (when there is one) and in a ring in memory that
 * keeps the newest. `seq` numbers the entries without a gap, `request` the requests in order of arrival. An
 * entry is written when the answer is decided, before its first byte is sent; `undelivered` notes follow when
 * an answer could not be sent. Bodies of OAuth requests are left out, because they hold secrets. Thread-safe.
 */
#ifndef SB_HISTORY_H
#define SB_HISTORY_H

#include <jansson.h>
#include <stdint.h>

#include "err/err.h"
#include "str/str.h"

struct sb_history;

struct sb_history_entry {
    uint64_t request, received_ns, answered_ns;
    int64_t wall_ms;                                   /* of the arrival */
    const char *method, *class_name, *fault, *outcome; /* outcome: "answered", "cut", "half" */
    struct cf_str path, body;
    bool secret; /* leave out the body and the query */
    int64_t api_calls;
    json_t *commits; /* array, may be NULL */
    int status;      /* 0 when cut */
};

/** `path` NULL: in memory only. NULL and `err` when the file cannot be appended to. */
CF_CHECKED struct sb_history *sb_history_open(const char *path, struct cf_err *err);
/** Writes out what is buffered. */
void sb_history_flush(struct sb_history *history);
void sb_history_close(struct sb_history *history);
void sb_history_add(struct sb_history *history, const struct sb_history_entry *entry);
/** The answer of `request` did not reach the client. */
void sb_history_undelivered(struct sb_history *history, uint64_t request);
/** Entries with a seq above `since`, oldest first, at most `limit`, as one JSON array text. Caller frees. */
char *sb_history_text(struct sb_history *history, uint64_t since, size_t limit);

#endif

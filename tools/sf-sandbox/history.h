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
#include <stdbool.h>
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
struct sb_history_ask {
    uint64_t since; /* entries with a seq above it, oldest first */
    size_t limit;
    bool lines; /* one line each, and no more of them than SB_HISTORY_PAGE_BYTES (but one); else a JSON array
                 */
};
struct sb_history_page {
    char *text;         /* the caller frees */
    uint64_t last_seq;  /* of the page, `since` when it is empty */
    uint64_t newest;    /* of all: the same when there is no more */
    uint64_t forgotten; /* the newest that memory has lost, 0: none */
};
void sb_history_read(struct sb_history *history, const struct sb_history_ask *ask,
                     struct sb_history_page *ret_page);

#endif

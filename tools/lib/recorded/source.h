/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source - recorded topics: from a broker, or from files that `kcat -J` wrote.
 *
 * Vocabulary: an *entry* is one record with where it came from. Entries of a broker are those below the
 * topics' ends at the start, read_committed. Promise: nothing is ever written anywhere, and no consumer group
 * is joined.
 */
#ifndef CF_RECORDED_SOURCE_H
#define CF_RECORDED_SOURCE_H

#include <signal.h>
#include <stdint.h>

#include "err/err.h"
#include "str/str.h"

struct entry {
    const char *topic; /* prefix removed */
    int32_t partition;
    int64_t offset, timestamp_ms;
    struct cf_str key, value; /* value.p NULL: null */
};

struct source_opts {
    const char *brokers; /* one of brokers and files */
    const char *topic_prefix;
    const char *const *topics; /* wanted, without prefix, NULL-terminated; files are filtered by them too */
    char *const *files;        /* NULL-terminated */
};

/* The entry is valid during the call. A return other than 0 stops the reading. */
typedef int entry_fn(void *arg, const struct entry *entry);

/** Calls `fn` for every entry: by partition in order of offset; across partitions in no particular order. */
CF_CHECKED int source_read(const struct source_opts *opts, entry_fn *fn, void *arg, struct cf_err *err);

typedef void idle_fn(void *arg);

/** As source_read() from a broker, and on behind the ends until `*stop`. `idle` is called now and then, at
 * the latest when nothing has come for a moment. */
CF_CHECKED int source_follow(const struct source_opts *opts, entry_fn *fn, idle_fn *idle, void *arg,
                             const volatile sig_atomic_t *stop, struct cf_err *err);

#endif

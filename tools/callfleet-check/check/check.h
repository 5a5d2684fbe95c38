/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - a log and its decisions, in any order of arrival, brought together and checked in one pass.
 *
 * Of each domain the records of the log are taken in order of offset, the decisions in order of seq; a
 * decision belongs to the record whose input it names, one that names none (ticks, policies) to the first
 * such record that is late enough. Lifecycle: new -> entry* (drain)* -> finish -> free.
 */
#ifndef CF_CHECK_CHECK_H
#define CF_CHECK_CHECK_H

#include "check/model.h"
#include "check/twin.h"
#include "recorded/source.h"

struct check;

/** Before and after each decision is taken into the model; `after`: the second of the two. */
typedef void check_watch_fn(void *arg, struct model *model, const struct cf_call_routed *decision,
                            bool after);

struct check_opts {
    FILE *out;
    size_t limit;  /* findings printed of each invariant */
    bool open_end; /* records at the end may be without decisions: they are still to come */
    const char *digest_domain, *digest; /* NULL: none to compare with */
    int64_t digest_offset;
    check_watch_fn *watch; /* or NULL */
    void *watch_arg;
};

struct check *check_new(const struct check_opts *opts);
void check_free(struct check *check);
/** An entry_fn: keeps a copy. -1: not a record of these topics; its place is on `out`. */
int check_entry(void *arg, const struct entry *entry);
/** Takes what is complete; for a source that goes on. */
void check_drain(struct check *check);
/** The end: everything is taken, what is missing is missing. */
void check_finish(struct check *check);
struct report *check_report(struct check *check);
/** What was seen: a page of text. */
void check_summary(struct check *check, FILE *out);
void check_digests(struct check *check, FILE *out);

#endif

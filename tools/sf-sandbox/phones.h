/* SPDX-License-Identifier: Apache-2.0 */
/*
 * phones - which records may have a phone: found by the digits alone, so that a query over many numbers reads
 * a few records instead of all.
 *
 * Vocabulary: a *tally* is how often each digit comes in a text, packed into one word. A text that equals
 * another has its tally; a text that matches a LIKE pattern has at least the pattern's. Promise: what is
 * found is a superset; the caller still tests each record. Entries of changed and rolled-back values stay
 * until the list is made anew, which costs candidates, not answers.
 */
#ifndef SF_PHONES_H
#define SF_PHONES_H

#include "store_priv.h"

#define SF_PHONES_FOUND_MAX 4096 /* candidates; more: the question is no good, read all */

struct sf_phones;

/* Ids found so far; they are borrowed from the lists and live until the next write. */
struct sf_phones_found {
    const char *id[SF_PHONES_FOUND_MAX];
    size_t n;
};

struct sf_phones *sf_phones_new(void);
/** NULL is fine. */
void sf_phones_free(struct sf_phones *phones);
/** Reads all phones of the database. */
void sf_phones_load(struct sf_store *store);
/** A record has got this phone. */
void sf_phones_note(struct sf_store *store, const struct sf_object *object, size_t field, const char *id,
                    struct cf_str text);
uint64_t sf_phones_tally(struct cf_str text);
/**
 * Adds the records whose `field` has exactly this tally, or with `more` at least it. False when there are too
 * many.
 */
CF_CHECKED bool sf_phones_find(struct sf_store *store, const struct sf_object *object, size_t field,
                               uint64_t tally, bool more, struct sf_phones_found *found);
/** Sorts and drops repetitions. */
void sf_phones_unique(struct sf_phones_found *found);

#endif

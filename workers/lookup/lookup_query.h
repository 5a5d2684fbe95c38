/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup_query - the one Salesforce request of a lookup, and what its answer says.
 *
 * A /composite request with two queries: contacts with their account and open cases, and accounts with their
 * open cases; it costs one API call (README.md says why this form). Promise: nothing but digits, "+", and the
 * separators of cf_phone_forms() goes into the query's literals, and those are escaped all the same; field
 * names come from the configuration, checked to be names. Reading accepts any JSON: records that are not as
 * they should be are left out, sizes are bounded.
 */
#ifndef LOOKUP_QUERY_H
#define LOOKUP_QUERY_H

#include <jansson.h>

#include "arena/arena.h"
#include "lookup_rules.h"
#include "phone/phone.h"

/* Rows that one query gives at most, its LIMIT: more for more numbers, so that they do not crowd each other
 * out.
 */
#define LOOKUP_QUERY_ROWS(n_numbers) ((size_t)50 + 10 * ((n_numbers)-1))
#define LOOKUP_QUERY_CASES 50   /* open cases of one record */
#define LOOKUP_QUERY_NUMBERS 20 /* numbers in one request: the text stays below 100,000 characters */

struct lookup_query_opts {
    const char *api_version;
    const char *tier_field; /* of Account; NULL: not asked for */
    bool activity;          /* ask for LastActivityDate */
    bool patterns;          /* also find numbers written in unusual ways, by LIKE */
};

/** Whether `name` can be the name of a field. */
bool lookup_is_field_name(struct cf_str name);

/** The request's body; the caller owns it. 1..LOOKUP_QUERY_NUMBERS numbers of status OK. */
json_t *lookup_query_build(const struct lookup_query_opts *opts, const struct cf_phone *phones, size_t n);

enum lookup_dropped { LOOKUP_DROPPED_NONE, LOOKUP_DROPPED_TIER, LOOKUP_DROPPED_ACTIVITY };

/** Whether both queries worked. On failure `ret_dropped` names the optional field that the org does not have:
 * ask again without it. */
CF_CHECKED int lookup_query_check(const struct lookup_query_opts *opts, const json_t *answer,
                                  enum lookup_dropped *ret_dropped, struct cf_err *err);

/** Whether a query of the request for `n` numbers hit its row limit: some number's records may be missing.
 * Ask for fewer numbers at once; for a single one take what is there. */
bool lookup_query_truncated(const json_t *answer, size_t n);

/** The records of a checked answer that may be this number: a cheap look at the digits, so that each of the
 * numbers of a batch costs little; lookup_decide() compares. Copies into the arena. */
void lookup_query_pick(struct cf_arena *arena, const struct lookup_query_opts *opts, const json_t *answer,
                       const struct cf_phone *phone, struct lookup_record **ret_records, size_t *ret_n);

/** The rows of a checked answer that may be this number, as an answer of their own, which
 * lookup_query_check(), _pick() and _read() take; for a cache. The caller owns it; the rows are shared with
 * `answer`. */
json_t *lookup_query_extract(const struct lookup_query_opts *opts, const json_t *answer,
                             const struct cf_phone *phone);

/** All records of an answer that was checked; copies into the arena. */
void lookup_query_read(struct cf_arena *arena, const struct lookup_query_opts *opts, const json_t *answer,
                       struct lookup_record **ret_records, size_t *ret_n);

#endif

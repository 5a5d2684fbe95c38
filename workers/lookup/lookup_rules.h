/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup_rules - who is calling: the decision of the lookup stage, without I/O, clock or randomness.
 *
 * Vocabulary: a *record* is what Salesforce gave: a contact with its account, or an account alone; a
 * *candidate* is a record one of whose phone fields is the caller's number, compared as E.164, whatever made
 * the query find it. Rules
 *   - contacts before accounts: an account alone counts only when no contact has the number;
 *   - one candidate is `matched`; several are `ambiguous`: all are listed, one is chosen by the criteria in
 * their order, ties by the lower id, and `reason` says which criterion decided;
 *   - open cases: High before Medium before Low before the rest, escalated first among equals, then the
 * oldest.
 */
#ifndef LOOKUP_RULES_H
#define LOOKUP_RULES_H

#include "arena/arena.h"
#include "event/event.h"

#define LOOKUP_PHONES 5      /* phone fields of one record */
#define LOOKUP_MAX_CASES 50  /* of one customer, in the event */
#define LOOKUP_MAX_LISTED 50 /* candidates in the event; match_count counts all */

struct lookup_case {
    struct cf_case shown;
    int64_t created_at; /* wall ms */
    bool escalated;
};

struct lookup_record {
    struct cf_account account; /* id.p NULL: none */
    struct cf_contact contact; /* id.p NULL: an account alone */
    struct cf_str phones[LOOKUP_PHONES];
    const char *phone_fields[LOOKUP_PHONES]; /* their names, for the reason */
    int64_t active_at, modified_at; /* wall ms of the last activity and change, INT64_MIN: none known */
    struct lookup_case *cases;      /* open ones */
    size_t n_cases;
};

enum lookup_criterion { LOOKUP_OPEN_CASE, LOOKUP_RECENT_ACTIVITY, LOOKUP_ACCOUNT_TIER };
#define LOOKUP_CRITERIA 3

struct lookup_rules {
    enum lookup_criterion criteria[LOOKUP_CRITERIA];
    size_t n_criteria;
};

/** Reads "open-case,recent-activity,account-tier": any of them, each once, in the order of their weight. */
CF_CHECKED int lookup_rules_parse(struct cf_str text, struct lookup_rules *ret_rules, struct cf_err *err);

struct lookup_caller {
    struct cf_str e164;
    const char *region;      /* in whose national format the org's fields may be written */
    const char *home_region; /* the number's own, tried too; NULL or "": none */
};

/** `records` are sorted in place; the result's texts are borrowed from them. */
void lookup_decide(struct cf_arena *arena, const struct lookup_rules *rules,
                   const struct lookup_caller *caller, struct lookup_record *records, size_t n,
                   struct cf_customer *ret_customer);

#endif

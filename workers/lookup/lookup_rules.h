/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup_rules - who is calling: the decision of the lookup stage, without I/O, clock or randomness.
 *
 * Vocabulary: a *record* is what Salesforce gave: a contact with its account, an account alone, or a lead; a
 * *candidate* is a record one of whose phone fields is the caller's number, compared as E.164, whatever made
 * the query find it. Rules
 *   - contacts before accounts before leads: an account alone counts only when no contact has the number, a
 *     lead only when no account has it; a person account is one candidate, a contact;
 *   - one candidate is `matched`; several are `ambiguous`: all are listed, one is chosen by the criteria in
 *     their order, ties by the lower id, and `reason` says which criterion decided, among how many;
 *   - open cases: Critical, Urgent, High, Medium, Low, the rest; escalated first among equals, then the
 * oldest.
 */
#ifndef LOOKUP_RULES_H
#define LOOKUP_RULES_H

#include "arena/arena.h"
#include "event/event.h"
#include "phone/phone.h"

#define LOOKUP_PHONES 10     /* phone fields of one record */
#define LOOKUP_MAX_CASES 50  /* of one customer, in the event */
#define LOOKUP_MAX_LISTED 50 /* candidates in the event; match_count counts all */

struct lookup_case {
    struct cf_case shown;
    int64_t created_at; /* wall ms */
    bool escalated;
};

struct lookup_record {
    struct cf_account account; /* id.p NULL: none */
    struct cf_contact contact; /* id.p NULL: none */
    struct cf_lead lead;       /* id.p NULL: none; else there is no account and no contact */
    struct cf_str phones[LOOKUP_PHONES];
    const char *phone_fields[LOOKUP_PHONES]; /* their names, for the reason */
    const char *matched;                     /* set by lookup_decide(): the field that holds the number */
    int64_t active_at, modified_at; /* wall ms of the last activity and change, INT64_MIN: none known */
    struct lookup_case *cases;      /* open ones */
    size_t n_cases;
};

enum lookup_criterion { LOOKUP_OPEN_CASE, LOOKUP_RECENT_ACTIVITY, LOOKUP_ACCOUNT_TIER };
#define LOOKUP_CRITERIA 3
#define LOOKUP_TIERS 16

/* What a candidate is, in the order of their weight. */
enum lookup_kind { LOOKUP_KIND_CONTACT, LOOKUP_KIND_ACCOUNT, LOOKUP_KIND_LEAD };
#define LOOKUP_KINDS 3

struct lookup_rules {
    enum lookup_criterion criteria[LOOKUP_CRITERIA];
    size_t n_criteria;
    struct cf_str tiers[LOOKUP_TIERS]; /* best first; borrowed */
    size_t n_tiers;
};

/** Reads "open-case,recent-activity,account-tier": any of them, each once, in the order of their weight. */
CF_CHECKED int lookup_rules_parse(struct cf_str text, struct lookup_rules *ret_rules, struct cf_err *err);
/** Reads the order of account tiers, best first, "Gold,Silver"; without this call Platinum, Gold, Silver,
 * Bronze. The text is borrowed. */
CF_CHECKED int lookup_rules_tiers(struct cf_str text, struct lookup_rules *rules, struct cf_err *err);

struct lookup_caller {
    const struct cf_phone *phone; /* status OK */
    const char *region;           /* in whose national format the org's fields may be written */
};

/** `records` are sorted in place; the result's texts are borrowed from them. */
void lookup_decide(struct cf_arena *arena, const struct lookup_rules *rules,
                   const struct lookup_caller *caller, struct lookup_record *records, size_t n,
                   struct cf_customer *ret_customer);

#endif

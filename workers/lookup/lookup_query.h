/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup_query - the Salesforce requests of a lookup, and what their answers say.
 *
 * Vocabulary: an *object* is Contact, Account or Lead; a *part* of the answer belongs to one of them. `exact`
 * is one /composite request with a query for each object (contacts with their account and open cases,
 * accounts with open cases, leads): one API call. `search` asks the search index who has a number, which
 * gives ids only; a second request of the exact kind then reads those records, so that there is one reader
 * for both (README.md says why).
 *
 * How lookup_crm uses it: match exact: build -> check -> pick. search: search_build -> search_read -> when it
 * gives a body: send that -> check -> pick, else nobody has any of the numbers. exact-then-search: as exact;
 * then the numbers that the answer does not know, once more, as search.
 *
 * Promise: nothing but digits, "+", and the separators of cf_phone_forms() goes into the literals, and those
 * are escaped all the same; field names come from the configuration, checked to be names; ids from Salesforce
 * are checked to be ids. Reading accepts any JSON: records that are not as they should be are left out, sizes
 * are bounded.
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
#define LOOKUP_QUERY_ROWS(n_numbers) ((size_t)50 + (size_t)10 * ((n_numbers)-1))
#define LOOKUP_QUERY_CASES 50   /* open cases of one record */
#define LOOKUP_QUERY_NUMBERS 20 /* numbers in one request: the text stays below 100,000 characters */

/* In the order of their weight: a contact before an account before a lead. */
enum lookup_object { LOOKUP_CONTACT, LOOKUP_ACCOUNT, LOOKUP_LEAD };
#define LOOKUP_OBJECTS 3

enum lookup_match { LOOKUP_EXACT, LOOKUP_SEARCH, LOOKUP_EXACT_THEN_SEARCH };

/** "exact", "search", "exact-then-search". */
CF_CHECKED bool lookup_match_of(struct cf_str name, enum lookup_match *ret_match);

struct lookup_query_opts {
    const char *api_version;
    const char *tier_field; /* of Account; NULL: not asked for */
    bool activity;          /* ask for LastActivityDate */
    bool patterns;          /* also find numbers written in unusual ways, by LIKE */
    bool person_accounts;   /* ask whether an account is a person: that one is its contact, too */
    /* The phone fields of each object; NULL behind the last. An object without any is not asked for. */
    const char *phones[LOOKUP_OBJECTS][LOOKUP_PHONES];
};

/* The phone fields of the standard objects, for an initializer. */
#define LOOKUP_STANDARD_PHONES                                                                               \
    {                                                                                                        \
        {"Phone", "MobilePhone", "HomePhone", "OtherPhone", "AssistantPhone"}, {"Phone"},                    \
        {                                                                                                    \
            NULL                                                                                             \
        }                                                                                                    \
    }

/* A list of field names out of the configuration. */
struct lookup_field_list {
    char text[LOOKUP_PHONES * 81 + 1];
    size_t at[LOOKUP_PHONES], n; /* where each begins */
};

/** Whether `name` can be the name of a field. */
bool lookup_is_field_name(struct cf_str name);
/** Reads "Phone, MobilePhone, X__c": at most LOOKUP_PHONES names, each once; `key` is for the message. */
CF_CHECKED int lookup_fields_parse(const char *key, struct cf_str text, struct lookup_field_list *ret_list,
                                   struct cf_err *err);
/** Appends a name to an object's phone fields, if it is not there and there is room; borrowed. */
void lookup_fields_add_name(const char *name, const char *phones[LOOKUP_PHONES]);
/** All names of a list; borrowed from it. */
void lookup_fields_add(const struct lookup_field_list *list, const char *phones[LOOKUP_PHONES]);

/* ---- the request by the forms of the numbers ---- */

/** The body of POST /composite; the caller owns it. 1..LOOKUP_QUERY_NUMBERS numbers of status OK. */
json_t *lookup_query_build(const struct lookup_query_opts *opts, const struct cf_phone *phones, size_t n);

/** Gives a body of /composite the request's own number, and takes it out of the answer again. False: the
 * answer is that of another request (a server or proxy that answers twice puts all later ones of a connection
 * out of step), so it says nothing about these callers. An answer without any number is taken. */
void lookup_query_mark(json_t *body, uint64_t number);
CF_CHECKED bool lookup_query_unmark(json_t *answer, uint64_t number);

/* What the org does not have. */
struct lookup_dropped {
    const char *object; /* "Contact"; NULL: nothing is missing */
    const char *field;  /* NULL: the whole object */
};

/** Whether all queries worked. On failure `ret_dropped` names the optional field or object that the org does
 * not have: ask again without it. */
CF_CHECKED int lookup_query_check(const struct lookup_query_opts *opts, const json_t *answer,
                                  struct lookup_dropped *ret_dropped, struct cf_err *err);
/** Leaves it out from now on, so that asking again makes sense. `*ret_news`: it was asked for until now.
 * False: nothing is missing, or nothing would be left to ask. */
CF_CHECKED bool lookup_query_drop(struct lookup_query_opts *opts, const struct lookup_dropped *dropped,
                                  bool *ret_news);

/** Whether a query of the request for `n` numbers hit its row limit: some number's records may be missing.
 * Ask for fewer numbers at once; for a single one take what is there. */
bool lookup_query_truncated(const json_t *answer, size_t n);

/** The records of a checked answer that may be this number: a cheap look at the digits, so that each of the
 * numbers of a batch costs little; lookup_decide() compares. Copies into the arena. */
void lookup_query_pick(struct cf_arena *arena, const struct lookup_query_opts *opts, const json_t *answer,
                       const struct cf_phone *phone, struct lookup_record **ret_records, size_t *ret_n);

/** Whether a checked answer has a record with this number in E.164 or in its own country's national format.
 */
bool lookup_query_knows(const struct lookup_query_opts *opts, const json_t *answer,
                        const struct cf_phone *phone);

/** The rows of a checked answer that may be this number, as an answer of their own, which
 * lookup_query_check(), _pick() and _read() take; for a cache. The caller owns it; the rows are shared with
 * `answer`. */
json_t *lookup_query_extract(const struct lookup_query_opts *opts, const json_t *answer,
                             const struct cf_phone *phone);

/** All records of an answer that was checked; copies into the arena. */
void lookup_query_read(struct cf_arena *arena, const struct lookup_query_opts *opts, const json_t *answer,
                       struct lookup_record **ret_records, size_t *ret_n);

/* ---- the request to the search index ---- */

/** The body of POST /composite/batch with one search for all numbers; the caller owns it. */
json_t *lookup_search_build(const struct lookup_query_opts *opts, const struct cf_phone *phones, size_t n);

/** Reads the answer to a search for `n` numbers. `*ret_body`: the body of POST /composite that reads the
 * records found (the caller owns it), or NULL when there are none. Its answer is read as any other. */
CF_CHECKED int lookup_search_read(const struct lookup_query_opts *opts, const json_t *answer, size_t n,
                                  json_t **ret_body, struct lookup_dropped *ret_dropped, struct cf_err *err);
/** An answer in which nobody has any number, for when `*ret_body` was NULL; the caller owns it. */
json_t *lookup_query_nobody(const struct lookup_query_opts *opts);

#endif

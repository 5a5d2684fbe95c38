/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sosl - what a search looks for, as a tree.
 *
 * Vocabulary: a *run* is text between operators: words that must all be there, and the digits of all of it,
 * which is how phones compare; a *phrase* is a quoted run, its words in one field (their order is not
 * checked). Text must come from the arena or outlive it.
 */
#ifndef SF_SOSL_H
#define SF_SOSL_H

#include "soql_sql.h"

#define SOSL_MAX_DEPTH 20
#define SOSL_MAX_WORDS 16 /* in a run */
#define SOSL_MAX_RUNS 400 /* in a search */
#define SOSL_MAX_CHARS 10000

enum sosl_kind { SOSL_AND, SOSL_OR, SOSL_AND_NOT, SOSL_RUN };
enum sosl_scope { SOSL_ALL_FIELDS, SOSL_NAME_FIELDS, SOSL_EMAIL_FIELDS, SOSL_PHONE_FIELDS };

struct sosl_word {
    const char *text; /* folded; * and ? are wildcards */
    bool wildcard;
};

struct sosl_term {
    enum sosl_kind kind;
    struct sosl_term *left, *right;
    struct sosl_word word[SOSL_MAX_WORDS];
    unsigned n_words;
    const char *digits; /* "" when the run has letters, or too few digits */
    bool digits_wildcard, phrase;
};

/**
 * Parses the text between the braces of FIND. `plain`: text as parameterizedSearch takes it, where reserved
 * characters separate words; otherwise they need a backslash. NULL and `fail` (MALFORMED_SEARCH) when wrong.
 */
struct sosl_term *sosl_parse_term(struct cf_arena *arena, struct cf_str text, bool plain,
                                  struct sf_fail *fail);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup_greeting - what the caller hears first, as text and as SSML.
 *
 * A template is plain text with {name} (the contact, or else the account), {account} and {case} (the most
 * urgent open case's number). Its key is a language tag, alone or with ".case" (the caller has an open case)
 * or
 * ".unknown" (nobody, or more than one, has the number). A template whose placeholder has no value is passed
 * over, and the configuration is asked before the built-in texts (en, de, es, fr), so one key `en` without
 * placeholders is enough to change everything said in English. Promise: a caller who may be somebody else is
 * never greeted by name; a value is never read as a template or as markup.
 */
#ifndef LOOKUP_GREETING_H
#define LOOKUP_GREETING_H

#include "arena/arena.h"
#include "config/config.h"
#include "event/event.h"

struct lookup_greeting_opts {
    const struct cf_pair *templates; /* ended by name NULL; NULL: none */
    const char *default_language;    /* when the call names none, or one without a template */
};

struct lookup_greeting {
    struct cf_str language, text, ssml;
};

/** `language` is the call's, p = NULL: none. */
void lookup_greet(struct cf_arena *arena, const struct lookup_greeting_opts *opts, struct cf_str language,
                  const struct cf_customer *customer, struct lookup_greeting *ret_greeting);

/** Refuses an unknown placeholder, an open brace and a key that is no language tag. Kind CONFIG. */
CF_CHECKED int lookup_greeting_check(const struct lookup_greeting_opts *opts, struct cf_err *err);

#endif

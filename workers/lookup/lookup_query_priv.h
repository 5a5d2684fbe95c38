/* SPDX-License-Identifier: Apache-2.0 */
/* lookup_query_priv - what the files behind lookup_query.h share. */
#ifndef LOOKUP_QUERY_PRIV_H
#define LOOKUP_QUERY_PRIV_H

#include "lookup_query.h"

#define LOOKUP_MAX_IDS LOOKUP_QUERY_ROWS(LOOKUP_QUERY_NUMBERS)

/* Ids of one object; borrowed from an answer and checked to be ids. */
struct lookup_ids {
    struct cf_str list[LOOKUP_MAX_IDS];
    size_t n;
};

extern const char *const lookup_object_names[LOOKUP_OBJECTS]; /* "Contact" */
extern const char *const lookup_references[LOOKUP_OBJECTS];   /* "contacts": of its part */

/** Appends `text` percent-encoded for the value of a query parameter. */
void lookup_encode(struct cf_buf *buf, struct cf_str text);

json_t *lookup_query_build_ids(const struct lookup_query_opts *opts,
                               const struct lookup_ids ids[LOOKUP_OBJECTS], size_t n);

/** A text of an object; p NULL: it is none. */
struct cf_str lookup_text_of(const json_t *object, const char *key);
/** 15 or 18 letters and digits. */
bool lookup_is_id(struct cf_str id);

/** The error that a failed part (its status and body) is; what is missing in the org, if it is that. */
CF_CHECKED int lookup_part_failed(const struct lookup_query_opts *opts, enum lookup_object object, int status,
                                  const json_t *body, struct lookup_dropped *ret_dropped, struct cf_err *err);

#endif

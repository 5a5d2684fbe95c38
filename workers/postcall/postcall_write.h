/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postcall_write - the Salesforce requests of a plan, and what their answers say. Pure.
 *
 * The first write is one /composite request, all or none: create the Task, whose external id field is unique,
 * and create the comments. One API call, and safe against every kind of repeat, also from a worker that was
 * thought dead: when the Task is there already, Salesforce refuses it (DUPLICATE_VALUE) and rolls the
 * comments back. Then, and after an unknown outcome, `read` asks what is there, and `rest` writes what is
 * not.
 */
#ifndef POSTCALL_WRITE_H
#define POSTCALL_WRITE_H

#include <jansson.h>

#include "postcall_rules.h"

struct postcall_org {
    const char *api_version;
    const char *external_id_field; /* of Task; NULL: the org has none, Tasks are found by CallObject */
};

/* What is in Salesforce. Texts live in the job's arena. */
struct postcall_found {
    struct cf_str task_id;  /* p = NULL: no Task */
    bool task_is_ours;      /* written for this call itself, not for a consult call of it */
    bool comments_complete; /* all parts, or those of an earlier version of the text */
    struct cf_str comment_ids[POSTCALL_MAX_PARTS]; /* by part; p = NULL: not there */
};

enum postcall_verdict {
    POSTCALL_WRITTEN,
    POSTCALL_REPEAT, /* the Task exists: read what is there */
    POSTCALL_STALE,  /* case, contact or account is gone or merged: write without it */
    POSTCALL_FAILED, /* `err` says why */
};

/** The first write. The caller owns the result, as of the next two. */
json_t *postcall_write_first(const struct postcall_org *org, const struct postcall_plan *plan,
                             const struct postcall_customer *customer);
json_t *postcall_write_read(const struct postcall_org *org, const struct postcall_plan *plan,
                            const struct postcall_customer *customer);
/** What `found` lacks; NULL: nothing. */
json_t *postcall_write_rest(const struct postcall_org *org, const struct postcall_plan *plan,
                            const struct postcall_customer *customer, const struct postcall_found *found);

/** The answer to first and rest: adds the new ids to `found`. `err` is filled for STALE and FAILED. */
enum postcall_verdict postcall_read_written(struct cf_arena *arena, const struct postcall_org *org,
                                            const json_t *answer, struct postcall_found *found,
                                            struct cf_err *err);
/** The answer to read. */
CF_CHECKED int postcall_read_found(struct cf_arena *arena, const struct postcall_org *org,
                                   const struct postcall_plan *plan, const json_t *answer,
                                   struct postcall_found *ret_found, struct cf_err *err);

#endif

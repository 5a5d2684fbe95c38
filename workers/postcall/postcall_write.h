/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postcall_write - the Salesforce requests of plans, and what their answers say. Pure.
 *
 * Vocabulary: a *graph* is what one call wants written, all or none; one POST /composite/graph carries the
 * graphs of many calls, and what happens to one does not touch the others. A graph that creates the Task is
 * *protected*: its external id field is unique, so when the Task is there already, Salesforce refuses it
 * (DUPLICATE_VALUE) and takes the comments back with it, whenever and however often it arrives. Then, and
 * after an unknown outcome, `read` asks what is there, and the next graph holds what is not.
 */
#ifndef POSTCALL_WRITE_H
#define POSTCALL_WRITE_H

#include <jansson.h>

#include "postcall_rules.h"

#define POSTCALL_GRAPHS 75 /* Salesforce's limits of one request */
#define POSTCALL_NODES 500
#define POSTCALL_ROWS_READ 2000 /* of a query: more come in pages */
#define POSTCALL_FIELD_SIZE 81  /* a field name and its NUL */
#define POSTCALL_MAX_DROPPED 64

struct postcall_org {
    const char *api_version;
    const char *external_id_field; /* of Task; NULL: the org has none, Tasks are found by CallObject */
    size_t n_dropped;
    char dropped[POSTCALL_MAX_DROPPED][POSTCALL_FIELD_SIZE]; /* fields that the org lacks: not sent */
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
    POSTCALL_REPEAT,   /* the Task exists: read what is there */
    POSTCALL_HALTED,   /* not tried, because too many others of the request failed: read, too */
    POSTCALL_STALE,    /* case, contact or account is gone or merged: write without it */
    POSTCALL_LOCKED,   /* a parent record is busy: again, alone */
    POSTCALL_NO_FIELD, /* Task has no field `field`, as far as the user may know */
    POSTCALL_FAILED,   /* nothing was written; `err` says why */
    POSTCALL_UNCLEAR,  /* the answer is not understood: it may have been written */
};

struct postcall_outcome {
    enum postcall_verdict verdict;
    struct cf_err err; /* unless WRITTEN; its code is the status */
    char code[64];     /* errorCode */
    char field[POSTCALL_FIELD_SIZE];
};

/* A call as the requests see it; borrowed. */
struct postcall_call {
    const struct postcall_plan *plan;
    const struct postcall_customer *customer;
    const struct postcall_found *found;
};

/* To a read of `n` calls; borrowed. */
struct postcall_answer {
    const json_t *json;
    size_t n;
};

/* ---- requests; the caller owns them ---- */

/** Subrequests that `found` lacks, 0: there is nothing to write; and about how many bytes of JSON. */
size_t postcall_write_nodes(const struct postcall_call *call, size_t *ret_bytes);
/** One graph: what `found` lacks. */
json_t *postcall_write_graph(const struct postcall_org *org, const struct postcall_call *call, size_t index);
/** `graphs`: an array of them; taken over. */
json_t *postcall_write_request(json_t *graphs);
/** Asks what of `n` calls is there: one POST /composite. */
json_t *postcall_write_read(const struct postcall_org *org, const struct postcall_call *calls, size_t n);
/** About how many bytes of it one call takes. */
size_t postcall_write_read_bytes(const struct postcall_plan *plan);

/* ---- answers ---- */

/** What became of graph `index`: adds the new ids to `found`. */
void postcall_read_written(struct cf_arena *arena, const struct postcall_org *org, const json_t *answer,
                           size_t index, struct postcall_found *found, struct postcall_outcome *ret_outcome);
/** What of a call is there, from the answer to a read of `n`. 0; 1: the answer was cut short, ask again for
 * fewer; -1: `err`. Kind CONFIG when the question itself is refused: no event has a say in it. */
CF_CHECKED int postcall_read_found(struct cf_arena *arena, const struct postcall_org *org,
                                   const struct postcall_call *call, const struct postcall_answer *answer,
                                   struct postcall_found *ret_found, struct cf_err *err);

/** Whether [task_fields] field `name` is left out. */
bool postcall_is_dropped(const struct postcall_org *org, struct cf_str name);

#endif

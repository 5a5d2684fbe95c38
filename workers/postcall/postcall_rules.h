/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postcall_rules - what Salesforce must know of a call that is over: the decision of the post-call stage,
 * without I/O, clock or randomness.
 *
 * Vocabulary: the *key* is the call id that the Task is filed under: the parent's for a consult call; the
 * *marker* is "[callfleet:<own call id>]", the last line of every text we write; a *part* is one case
 * comment. Promises
 *   - the same event, rules and customer give the same bytes;
 *   - a part is valid UTF-8 of at most 4,000 bytes; the parts without their last lines, put together, are the
 *     text; notes cannot forge a marker, because ours is always the last line.
 */
#ifndef POSTCALL_RULES_H
#define POSTCALL_RULES_H

#include "arena/arena.h"
#include "config/config.h"
#include "event/event.h"

#define POSTCALL_COMMENT_BYTES 4000 /* CaseComment.CommentBody */
#define POSTCALL_MAX_PARTS 20       /* a longer text is cut; a composite request has 25 places */
#define POSTCALL_MAX_FIELDS 50      /* of [task_fields] */

/* Templates; NULL: the default. */
struct postcall_rules {
    const char *subject;
    const char *disposition;           /* {result} */
    const char *description, *comment; /* {text} */
    const char *recording_link;        /* {recordingUrl} */
    const struct cf_pair *task_fields; /* field of Task = template; NULL: none */
    bool write_abandoned;              /* calls that no agent took */
    bool write_unmatched;              /* calls of nobody we know */
};

/* Whom the call belongs to; p = NULL: unknown. */
struct postcall_customer {
    struct cf_str contact_id, account_id, case_id;
};

struct postcall_field {
    const char *name;
    struct cf_str value;
};

struct postcall_plan {
    bool nothing; /* by configuration, or because nobody is known: the rest is not set */
    bool consult; /* of a child call: its parent's Task is not overwritten */
    struct cf_str key, marker;
    struct cf_str subject, description, call_type, disposition, activity_date; /* disposition: p NULL: none */
    int64_t duration_s;                                                        /* -1: unknown */
    const struct cf_pair *mapped; /* [task_fields]: what it names is not set by default */
    const struct postcall_field *fields;
    size_t n_fields;
    struct cf_str parts[POSTCALL_MAX_PARTS]; /* none without a case */
    size_t n_parts;
};

/** The entry of [task_fields] for a field, NULL: none. Field names have no case. */
const struct cf_pair *postcall_mapped(const struct cf_pair *task_fields, struct cf_str field);

/** -1, kind CONFIG: an unknown placeholder, a field name that is none, or a field that has a key of its own.
 */
CF_CHECKED int postcall_rules_check(const struct postcall_rules *rules, struct cf_err *err);

/** Everything of the plan lives in the arena. */
void postcall_decide(struct cf_arena *arena, const struct postcall_rules *rules,
                     const struct cf_call_ended *ended, const struct postcall_customer *customer,
                     struct postcall_plan *ret_plan);

/** Whether nobody took the call. */
bool postcall_is_abandoned(const struct cf_call_ended *ended);

/* ---- texts (postcall_text.c) ---- */

/** The name of a template's first unknown placeholder, p = NULL when all are known. */
struct cf_str postcall_template_unknown(struct cf_str text);
/** {callId}, {agentName}, {attributes.x} ...; what the event does not say becomes nothing. */
struct cf_str postcall_render(struct cf_arena *arena, struct cf_str text, const struct cf_call_ended *ended);
/** The same for a text in which {text} is known, too. */
struct cf_str postcall_template_unknown_in_text(struct cf_str text);
struct cf_str postcall_render_text(struct cf_arena *arena, struct cf_str template_text,
                                   const struct cf_call_ended *ended, struct cf_str text);
/** {text}: the call in lines, without marker; `recording` is the template of its link. */
struct cf_str postcall_text(struct cf_arena *arena, const struct cf_call_ended *ended,
                            struct cf_str recording);
/** {result}: the wrap-up code, else "Abandoned", else the reason; p = NULL: none. */
struct cf_str postcall_result(const struct cf_call_ended *ended);
/** {durationSeconds}: talk and hold time; -1: unknown. */
int64_t postcall_duration_s(const struct cf_call_ended *ended);
/** At most `units` UTF-16 units, as Salesforce counts text fields, cut between characters. */
struct cf_str postcall_cut(struct cf_str text, size_t units);
/** Splits into parts with `marker` as their last line, numbered when there are several. */
size_t postcall_split(struct cf_arena *arena, struct cf_str text, struct cf_str marker,
                      struct cf_str ret_parts[POSTCALL_MAX_PARTS]);
/** Which part (from 0) of how many `body` is, when it is one of `marker`'s; false otherwise. */
bool postcall_part_of(struct cf_str body, struct cf_str marker, size_t *ret_part, size_t *ret_parts);

#endif

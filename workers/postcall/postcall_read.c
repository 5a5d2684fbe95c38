/* SPDX-License-Identifier: Apache-2.0 */
/* The answers. Any JSON is accepted: what is not as it should be is a failure that is tried again. */
#include <stdio.h>

#include "postcall_write.h"
#include "sf/sf.h"

static struct cf_str view_of(const json_t *value)
{
    const char *text = json_string_value(value);

    return text ? (struct cf_str){text, json_string_length(value)} : (struct cf_str){0};
}

static struct cf_str text_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return view_of(value);
}

static int status_of(const json_t *part)
{
    return (int)json_integer_value(json_object_get(part, "httpStatusCode"));
}

/* 15 or 18 letters and digits; p = NULL when it is anything else. */
static struct cf_str id_of(struct cf_arena *arena, const json_t *object, const char *key)
{
    struct cf_str id = text_of(object, key);

    if (!id.p || (id.n != 15 && id.n != 18))
        return (struct cf_str){0};
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return (struct cf_str){0};
    }
    return cf_arena_str(arena, id);
}

/* The subrequest that failed by itself, not because of another; the first one when all say so. NULL: none. */
static const json_t *culprit(const json_t *answers)
{
    const json_t *found = NULL;

    for (size_t i = 0; i < json_array_size(answers); i++) {
        const json_t *part = json_array_get(answers, i);
        const json_t *error = json_array_get(json_object_get(part, "body"), 0);

        if (status_of(part) >= 200 && status_of(part) < 300)
            continue;
        if (!cf_str_is(text_of(error, "errorCode"), "PROCESSING_HALTED"))
            return part;
        found = found ? found : part;
    }
    return found;
}

static bool is_one_of(const char *code, const char *const *codes)
{
    for (; *codes; codes++) {
        if (strcmp(code, *codes) == 0)
            return true;
    }
    return false;
}

static bool is_field_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Which field an error is about: in its list of fields, else in its words ("No such column 'X' on ..."). */
static void copy_field(char field[POSTCALL_FIELD_SIZE], const json_t *error)
{
    static const char phrase[] = "No such column '";
    const json_t *first = json_array_get(json_object_get(error, "fields"), 0);
    const char *message = json_string_value(json_object_get(error, "message"));
    const char *name = json_string_value(first);
    size_t n = 0;

    if (!name && message) {
        const char *found = strstr(message, phrase);

        name = found ? found + sizeof(phrase) - 1 : NULL;
    }
    for (; name && is_field_byte(name[n]) && n + 1 < POSTCALL_FIELD_SIZE; n++)
        field[n] = name[n];
    field[n] = '\0';
}

static enum postcall_verdict verdict_of(const struct postcall_org *org, const char *code)
{
    static const char *const fields[] = {"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE", NULL};
    static const char *const stale[] = {"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY",
                                        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", NULL};

    if (org->external_id_field && strcmp(code, "DUPLICATE_VALUE") == 0)
        return POSTCALL_REPEAT;
    if (strcmp(code, "UNABLE_TO_LOCK_ROW") == 0)
        return POSTCALL_LOCKED;
    if (strcmp(code, "PROCESSING_HALTED") == 0)
        return POSTCALL_HALTED;
    if (is_one_of(code, fields))
        return POSTCALL_NO_FIELD;
    return is_one_of(code, stale) ? POSTCALL_STALE : POSTCALL_FAILED;
}

/* The verdict on a failed subrequest. */
static void judge(const struct postcall_org *org, const json_t *part, struct postcall_outcome *outcome)
{
    const json_t *error = json_array_get(json_object_get(part, "body"), 0);
    struct cf_str reference = text_of(part, "referenceId");
    int status = status_of(part);
    bool setup;

    (void)cf_str_copy(outcome->code, sizeof(outcome->code), text_of(error, "errorCode"));
    outcome->verdict = verdict_of(org, outcome->code);
    copy_field(outcome->field, error);
    /* Fields and objects come from the configuration only: no event is to blame. */
    setup = outcome->verdict == POSTCALL_NO_FIELD || strcmp(outcome->code, "INVALID_TYPE") == 0;
    (void)cf_err_set(&outcome->err, setup ? CF_ERR_CONFIG : cf_sf_error_kind(status, outcome->code), "sf",
                     status, "%.20s not written: HTTP %d %s%s%s", reference.p ? reference.p : "record",
                     status, outcome->code, *outcome->field ? ": " : "", outcome->field);
    if (status < 400 || status > 499) /* what a server in trouble says of its work proves nothing */
        outcome->verdict = POSTCALL_UNCLEAR;
    else if (outcome->verdict == POSTCALL_NO_FIELD && !cf_str_is(reference, "task"))
        outcome->verdict = POSTCALL_FAILED; /* of a comment: no field of ours to leave out */
}

/* "part3" -> 3; false: not a comment. */
static bool is_comment(struct cf_str reference, size_t *ret_part)
{
    uint64_t part;

    if (!cf_str_starts(reference, CF_STR("part")) ||
        !cf_str_u64((struct cf_str){reference.p + 4, reference.n - 4}, &part) || part >= POSTCALL_MAX_PARTS)
        return false;
    *ret_part = (size_t)part;
    return true;
}

/* By name, which no other request has: the answer to another one, on a connection that has got out of step,
 * is no answer. */
static const json_t *graph_of(const json_t *answer, size_t index)
{
    const json_t *graphs = json_object_get(answer, "graphs"), *graph = NULL;
    struct cf_str name;
    char id[24];

    (void)snprintf(id, sizeof(id), "g%zu", index);
    name = cf_str_of(id);
    for (size_t i = 0; i < json_array_size(graphs) && !cf_str_eq(text_of(graph, "graphId"), name); i++)
        graph = json_array_get(graphs, i);
    return cf_str_eq(text_of(graph, "graphId"), name) ? graph : NULL;
}

static void take_ids(struct cf_arena *arena, const json_t *answers, struct postcall_found *found)
{
    for (size_t i = 0; i < json_array_size(answers); i++) {
        const json_t *answered = json_array_get(answers, i);
        struct cf_str reference = text_of(answered, "referenceId");
        struct cf_str id = id_of(arena, json_object_get(answered, "body"), "id");
        size_t part;

        if (is_comment(reference, &part))
            found->comment_ids[part] = id;
        else if (cf_str_is(reference, "task") && id.p) /* none in the answer to a change */
            found->task_id = id;
    }
}

void postcall_read_written(struct cf_arena *arena, const struct postcall_org *org, const json_t *answer,
                           size_t index, struct postcall_found *found, struct postcall_outcome *ret_outcome)
{
    const json_t *graph = graph_of(answer, index);
    const json_t *answers = json_object_get(json_object_get(graph, "graphResponse"), "compositeResponse");
    const json_t *bad = culprit(answers);

    *ret_outcome = (struct postcall_outcome){.verdict = POSTCALL_WRITTEN};
    if (bad) {
        judge(org, bad, ret_outcome);
        return;
    }
    if (json_is_true(json_object_get(graph, "isSuccessful")))
        take_ids(arena, answers, found);
    if (json_is_true(json_object_get(graph, "isSuccessful")) && found->task_id.p)
        return;
    ret_outcome->verdict = POSTCALL_UNCLEAR;
    (void)cf_err_set(&ret_outcome->err, CF_ERR_TRANSIENT, "sf", 0, "the answer to a write is not understood");
}

/* ---- what is there ---- */

#define SHORT_ID 15 /* the rest is a checksum, which may be there or not */

static bool is_same_record(struct cf_str a, struct cf_str b)
{
    return a.n >= SHORT_ID && b.n >= SHORT_ID && memcmp(a.p, b.p, SHORT_ID) == 0;
}

/* The field as the org writes it. */
static struct cf_str field_of(const json_t *record, const char *field)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)record, key, value)
    {
        if (cf_str_eq_nocase(cf_str_of(key), cf_str_of(field)))
            return view_of(value);
    }
    return (struct cf_str){0};
}

static bool has_line(struct cf_str text, struct cf_str start, bool whole)
{
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        struct cf_str line = cf_str_trim((struct cf_str){text.p, n});

        if (whole ? cf_str_eq(line, start) : cf_str_starts(line, start))
            return true;
        n += end ? 1 : 0;
        text = (struct cf_str){text.p + n, text.n - n};
    }
    return false;
}

/* People may have written below the marker, so any line counts. Found by CallObject alone, a Task may be
 * another program's: it counts only when it is of this fleet. */
static void read_tasks(struct cf_arena *arena, const struct postcall_org *org,
                       const struct postcall_plan *plan, const json_t *records, struct postcall_found *found)
{
    const char *field = org->external_id_field ? org->external_id_field : "CallObject";

    for (size_t i = 0; i < json_array_size(records) && !found->task_is_ours; i++) {
        const json_t *record = json_array_get(records, i);
        struct cf_str id = id_of(arena, record, "Id"), text = text_of(record, "Description");

        if (!cf_str_eq(field_of(record, field), plan->key) ||
            (!org->external_id_field && !has_line(text, CF_STR("[callfleet:"), false)))
            continue;
        found->task_is_ours = id.p && has_line(text, plan->marker, true);
        if (id.p && (!found->task_id.p || found->task_is_ours))
            found->task_id = id;
    }
}

static void read_comments(struct cf_arena *arena, const struct postcall_call *call, const json_t *records,
                          struct postcall_found *found)
{
    size_t n = 0, part, parts;

    for (size_t i = 0; i < json_array_size(records); i++) {
        const json_t *record = json_array_get(records, i);

        if (!is_same_record(text_of(record, "ParentId"), call->customer->case_id) ||
            !postcall_part_of(text_of(record, "CommentBody"), call->plan->marker, &part, &parts))
            continue;
        if (!found->comment_ids[part].p)
            n++;
        found->comment_ids[part] = id_of(arena, record, "Id");
        /* Another count of parts is an earlier version of the text, from another configuration: it stays. */
        found->comments_complete = found->comments_complete || parts != call->plan->n_parts;
    }
    found->comments_complete = found->comments_complete || n >= call->plan->n_parts;
}

/* The records of one query; NULL: not understood. */
static const json_t *records_of(const json_t *answer, const char *reference, bool *ret_cut)
{
    const json_t *answers = json_object_get(answer, "compositeResponse");

    for (size_t i = 0; i < json_array_size(answers); i++) {
        const json_t *part = json_array_get(answers, i), *body = json_object_get(part, "body");
        const json_t *records = json_object_get(body, "records");

        if (!cf_str_is(text_of(part, "referenceId"), reference))
            continue;
        *ret_cut =
            json_is_false(json_object_get(body, "done")) || json_array_size(records) >= POSTCALL_ROWS_READ;
        return json_is_array(records) ? records : NULL;
    }
    return NULL;
}

/* No event has a say in the question: what is wrong with it is wrong with the setup. */
static int refuse_question(const struct postcall_org *org, const json_t *bad, struct cf_err *err)
{
    struct postcall_outcome outcome = {0};

    judge(org, bad, &outcome);
    *err = outcome.err;
    if (err->kind == CF_ERR_REJECTED)
        err->kind = CF_ERR_CONFIG;
    return cf_err_set(err, err->kind, "sf", err->code, "a query is refused: HTTP %d %s %s", err->code,
                      outcome.code, outcome.field);
}

int postcall_read_found(struct cf_arena *arena, const struct postcall_org *org,
                        const struct postcall_call *call, const struct postcall_answer *answer,
                        struct postcall_found *ret_found, struct cf_err *err)
{
    const json_t *bad = culprit(json_object_get(answer->json, "compositeResponse"));
    const struct postcall_plan *plan = call->plan;
    bool tasks_cut = false, comments_cut = false;
    const json_t *tasks = records_of(answer->json, "tasks", &tasks_cut);
    const json_t *comments = plan->n_parts > 0 ? records_of(answer->json, "comments", &comments_cut) : NULL;
    struct postcall_found found = {0};

    if (bad)
        return refuse_question(org, bad, err);
    if (!tasks || (plan->n_parts > 0 && !comments))
        return cf_err_set(err, CF_ERR_TRANSIENT, "sf", 0, "the answer to a query is not understood");
    read_tasks(arena, org, plan, tasks, &found);
    read_comments(arena, call, comments, &found);
    /* A Task of ours has its comments; without a Task there are none. */
    if (answer->n > 1 && !found.task_is_ours &&
        (tasks_cut || (comments_cut && (found.task_id.p || plan->consult))))
        return 1;
    *ret_found = found;
    return 0;
}

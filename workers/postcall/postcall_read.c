/* SPDX-License-Identifier: Apache-2.0 */
/* The answers. Any JSON is accepted: what is not as it should be is a failure that is tried again. */
#include "postcall_write.h"
#include "sf/sf.h"

static struct cf_str text_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return (struct cf_str){json_string_value(value), json_string_length(value)};
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

/* The verdict on a failed subrequest. */
static enum postcall_verdict judge(const struct postcall_org *org, const json_t *part, struct cf_err *err)
{
    /* Fields come from the configuration only: no event is to blame. */
    static const char *const setup[] = {"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE", "INVALID_TYPE",
                                        NULL};
    static const char *const stale[] = {"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY",
                                        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", NULL};
    const json_t *error = json_array_get(json_object_get(part, "body"), 0);
    struct cf_str reference = text_of(part, "referenceId");
    int status = status_of(part);
    enum cf_err_kind kind;
    char code[64];

    (void)cf_str_copy(code, sizeof(code), text_of(error, "errorCode"));
    if (org->external_id_field && strcmp(code, "DUPLICATE_VALUE") == 0)
        return POSTCALL_REPEAT;
    kind = is_one_of(code, setup) ? CF_ERR_CONFIG : cf_sf_error_kind(status, code);
    (void)cf_err_set(err, kind, "sf", status, "%.20s not written: HTTP %d %s",
                     reference.p ? reference.p : "record", status, code);
    return is_one_of(code, stale) ? POSTCALL_STALE : POSTCALL_FAILED;
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

enum postcall_verdict postcall_read_written(struct cf_arena *arena, const struct postcall_org *org,
                                            const json_t *answer, struct postcall_found *found,
                                            struct cf_err *err)
{
    const json_t *answers = json_object_get(answer, "compositeResponse"), *bad = culprit(answers);

    if (bad)
        return judge(org, bad, err);
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
    if (found->task_id.p)
        return POSTCALL_WRITTEN;
    (void)cf_err_set(err, CF_ERR_TRANSIENT, "sf", 0, "the answer to a write is not understood");
    return POSTCALL_FAILED;
}

/* ---- what is there ---- */

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
    for (size_t i = 0; i < json_array_size(records) && !found->task_is_ours; i++) {
        const json_t *record = json_array_get(records, i);
        struct cf_str id = id_of(arena, record, "Id"), text = text_of(record, "Description");

        if (!org->external_id_field && !has_line(text, CF_STR("[callfleet:"), false))
            continue;
        found->task_is_ours = id.p && has_line(text, plan->marker, true);
        if (id.p && (!found->task_id.p || found->task_is_ours))
            found->task_id = id;
    }
}

static void read_comments(struct cf_arena *arena, const struct postcall_plan *plan, const json_t *records,
                          struct postcall_found *found)
{
    size_t n = 0, part, parts;

    for (size_t i = 0; i < json_array_size(records); i++) {
        const json_t *record = json_array_get(records, i);

        if (!postcall_part_of(text_of(record, "CommentBody"), plan->marker, &part, &parts))
            continue;
        if (!found->comment_ids[part].p)
            n++;
        found->comment_ids[part] = id_of(arena, record, "Id");
        /* Another count of parts is an earlier version of the text, from another configuration: it stays. */
        found->comments_complete = found->comments_complete || parts != plan->n_parts;
    }
    found->comments_complete = found->comments_complete || n >= plan->n_parts;
}

int postcall_read_found(struct cf_arena *arena, const struct postcall_org *org,
                        const struct postcall_plan *plan, const json_t *answer,
                        struct postcall_found *ret_found, struct cf_err *err)
{
    const json_t *answers = json_object_get(answer, "compositeResponse"), *bad = culprit(answers);
    struct postcall_found found = {0};
    size_t want = plan->n_parts > 0 ? 2 : 1;

    if (bad) {
        (void)judge(org, bad, err);
        return -1;
    }
    if (json_array_size(answers) != want)
        return cf_err_set(err, CF_ERR_TRANSIENT, "sf", 0, "the answer to a query is not understood");
    for (size_t i = 0; i < want; i++) {
        const json_t *part = json_array_get(answers, i);
        const json_t *records = json_object_get(json_object_get(part, "body"), "records");

        if (!json_is_array(records))
            return cf_err_set(err, CF_ERR_TRANSIENT, "sf", 0, "the answer to a query is not understood");
        if (cf_str_is(text_of(part, "referenceId"), "tasks"))
            read_tasks(arena, org, plan, records, &found);
        else
            read_comments(arena, plan, records, &found);
    }
    found.comments_complete = found.comments_complete || plan->n_parts == 0;
    *ret_found = found;
    return 0;
}

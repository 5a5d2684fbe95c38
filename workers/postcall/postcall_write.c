/* SPDX-License-Identifier: Apache-2.0 */
/* The requests. */
#include <stdio.h>
#include <stdlib.h>

#include "http/http.h"
#include "postcall_write.h"
#include "sf/sf.h"

#define URL_LIMIT_BYTES 16384UL
#define COMMENTS_READ 200 /* of the case, the newest: a repeat comes soon after the first write */
#define TASKS_READ 10

static json_t *need(json_t *value)
{
    if (!value)
        abort(); /* out of memory: the texts are valid UTF-8, the decoder saw to it */
    return value;
}

static void put(json_t *object, const char *name, struct cf_str value)
{
    if (value.p && json_object_set_new(object, name, need(json_stringn(value.p, value.n))) != 0)
        abort();
}

static void put_text(json_t *object, const char *name, const char *value)
{
    put(object, name, cf_str_of(value));
}

/* "/services/data/v60.0" and the rest, with the caller's clean-up of `url`. */
static void start_url(struct cf_buf *url, const struct postcall_org *org, const char *path)
{
    cf_buf_init(url, URL_LIMIT_BYTES);
    cf_buf_printf(url, "/services/data/%s%s", org->api_version, path);
}

/* Takes `body` (NULL: none) and `url` over. */
static void add_request(json_t *list, const char *method, struct cf_buf *url, const char *reference,
                        json_t *body)
{
    json_t *item = need(json_object());

    if (url->full)
        abort(); /* ids of 128 bytes can not be that long */
    put_text(item, "method", method);
    put(item, "url", cf_buf_view(url));
    put_text(item, "referenceId", reference);
    if (body && json_object_set_new(item, "body", body) != 0)
        abort();
    if (json_array_append_new(list, item) != 0)
        abort();
    cf_buf_done(url);
}

/* Takes `list` over. */
static json_t *composite(json_t *list, bool all_or_none)
{
    return need(json_pack("{s:b, s:o}", "allOrNone", all_or_none, "compositeRequest", list));
}

/* ---- writing ---- */

static json_t *task_body(const struct postcall_plan *plan, const struct postcall_customer *customer)
{
    json_t *task = need(json_object());

    for (size_t i = 0; i < plan->n_fields; i++) /* first: our own fields win over the configured ones */
        put(task, plan->fields[i].name, plan->fields[i].value);
    put(task, "Subject", plan->subject);
    put_text(task, "Status", "Completed");
    put_text(task, "Priority", "Normal");
    put(task, "CallType", plan->call_type);
    put(task, "CallObject", plan->key);
    put(task, "CallDisposition", plan->disposition);
    put(task, "ActivityDate", plan->activity_date);
    put(task, "Description", plan->description);
    put(task, "WhoId", customer->contact_id);
    put(task, "WhatId", customer->case_id.p ? customer->case_id : customer->account_id);
    if (plan->duration_s >= 0 &&
        json_object_set_new(task, "CallDurationInSeconds", need(json_integer(plan->duration_s))) != 0)
        abort();
    return task;
}

static void add_task(json_t *list, const struct postcall_org *org, const struct postcall_plan *plan,
                     const struct postcall_customer *customer)
{
    json_t *task = task_body(plan, customer);
    struct cf_buf url;

    put_text(task, "TaskSubtype", "Call"); /* only at creation */
    if (org->external_id_field)
        put(task, org->external_id_field, plan->key);
    start_url(&url, org, "/sobjects/Task");
    add_request(list, "POST", &url, "task", task);
}

static void change_task(json_t *list, const struct postcall_org *org, const struct postcall_plan *plan,
                        const struct postcall_customer *customer, struct cf_str id)
{
    struct cf_buf url;

    start_url(&url, org, "/sobjects/Task/");
    cf_http_escape(&url, id);
    add_request(list, "PATCH", &url, "task", task_body(plan, customer));
}

static void add_comment(json_t *list, const struct postcall_org *org, const struct postcall_plan *plan,
                        const struct postcall_customer *customer, size_t part)
{
    json_t *comment = need(json_object());
    char reference[28];
    struct cf_buf url;

    (void)snprintf(reference, sizeof(reference), "part%zu", part);
    put(comment, "ParentId", customer->case_id);
    put(comment, "CommentBody", plan->parts[part]);
    start_url(&url, org, "/sobjects/CaseComment");
    add_request(list, "POST", &url, reference, comment);
}

json_t *postcall_write_first(const struct postcall_org *org, const struct postcall_plan *plan,
                             const struct postcall_customer *customer)
{
    static const struct postcall_found nothing = {0};

    return postcall_write_rest(org, plan, customer, &nothing);
}

json_t *postcall_write_rest(const struct postcall_org *org, const struct postcall_plan *plan,
                            const struct postcall_customer *customer, const struct postcall_found *found)
{
    json_t *list = need(json_array());

    if (!found->task_id.p)
        add_task(list, org, plan, customer);
    else if (!found->task_is_ours && !plan->consult) /* made for a consult call, which ended before us */
        change_task(list, org, plan, customer, found->task_id);
    for (size_t i = 0; i < plan->n_parts && !found->comments_complete; i++) {
        if (!found->comment_ids[i].p)
            add_comment(list, org, plan, customer, i);
    }
    if (json_array_size(list) > 0)
        return composite(list, true);
    json_decref(list);
    return NULL;
}

/* ---- reading ---- */

static void add_query(json_t *list, const struct postcall_org *org, const char *reference,
                      struct cf_buf *soql)
{
    struct cf_buf url;

    start_url(&url, org, "/query?q=");
    cf_http_escape(&url, cf_buf_view(soql));
    add_request(list, "GET", &url, reference, NULL);
    cf_buf_done(soql);
}

json_t *postcall_write_read(const struct postcall_org *org, const struct postcall_plan *plan,
                            const struct postcall_customer *customer)
{
    json_t *list = need(json_array());
    struct cf_buf soql;

    cf_buf_init(&soql, URL_LIMIT_BYTES);
    cf_buf_printf(&soql, "SELECT Id, Description FROM Task WHERE %s = '",
                  org->external_id_field ? org->external_id_field : "CallObject");
    cf_soql_escape(&soql, plan->key);
    cf_buf_printf(&soql, "' ORDER BY CreatedDate, Id LIMIT %d", TASKS_READ);
    add_query(list, org, "tasks", &soql);
    if (plan->n_parts > 0) {
        cf_buf_init(&soql, URL_LIMIT_BYTES);
        cf_buf_text(&soql, "SELECT Id, CommentBody FROM CaseComment WHERE ParentId = '");
        cf_soql_escape(&soql, customer->case_id);
        cf_buf_printf(&soql, "' ORDER BY CreatedDate DESC, Id DESC LIMIT %d", COMMENTS_READ);
        add_query(list, org, "comments", &soql);
    }
    return composite(list, false);
}

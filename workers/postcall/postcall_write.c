/* SPDX-License-Identifier: Apache-2.0 */
/* The requests. */
#include <stdio.h>
#include <stdlib.h>

#include "http/http.h"
#include "postcall_write.h"
#include "sf/sf.h"

#define URL_LIMIT_BYTES 65536UL
#define COMMENTS_READ 200 /* of one case, the newest: a repeat comes soon after the first write */
#define TASKS_READ 10     /* of one call */

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
        abort(); /* the number of ids in it is bounded, and so is each */
    put_text(item, "method", method);
    put(item, "url", cf_buf_view(url));
    put_text(item, "referenceId", reference);
    if (body && json_object_set_new(item, "body", body) != 0)
        abort();
    if (json_array_append_new(list, item) != 0)
        abort();
    cf_buf_done(url);
}

/* ---- writing ---- */

bool postcall_is_dropped(const struct postcall_org *org, struct cf_str name)
{
    for (size_t i = 0; i < org->n_dropped; i++) {
        if (cf_str_eq_nocase(cf_str_of(org->dropped[i]), name))
            return true;
    }
    return false;
}

/* Whether the configuration names no other value for it, or none, and the org has it. */
static bool is_usual(const struct postcall_org *org, const struct postcall_plan *plan, const char *name)
{
    struct cf_str field = cf_str_of(name);

    return !postcall_mapped(plan->mapped, field) && !postcall_is_dropped(org, field);
}

static void put_usual(json_t *task, const struct postcall_org *org, const struct postcall_plan *plan,
                      const char *name, struct cf_str value)
{
    if (is_usual(org, plan, name))
        put(task, name, value);
}

static void put_mapped(json_t *task, const struct postcall_org *org, const struct postcall_plan *plan,
                       bool creation)
{
    for (size_t i = 0; i < plan->n_fields; i++) {
        struct cf_str name = cf_str_of(plan->fields[i].name);

        if ((creation || !cf_str_eq_nocase(name, CF_STR("TaskSubtype"))) && !postcall_is_dropped(org, name))
            put(task, plan->fields[i].name, plan->fields[i].value);
    }
}

static json_t *task_body(const struct postcall_org *org, const struct postcall_call *call, bool creation)
{
    const struct postcall_plan *plan = call->plan;
    const struct postcall_customer *customer = call->customer;
    json_t *task = need(json_object());

    put_mapped(task, org, plan, creation);
    put(task, "Subject", plan->subject);
    put_usual(task, org, plan, "Status", CF_STR("Completed"));
    put_usual(task, org, plan, "Priority", CF_STR("Normal"));
    put_usual(task, org, plan, "CallType", plan->call_type);
    put(task, "CallObject", plan->key);
    put_usual(task, org, plan, "CallDisposition", plan->disposition);
    put_usual(task, org, plan, "ActivityDate", plan->activity_date);
    put(task, "Description", plan->description);
    put(task, "WhoId", customer->contact_id);
    put(task, "WhatId", customer->case_id.p ? customer->case_id : customer->account_id);
    if (creation) /* it can not be changed */
        put_usual(task, org, plan, "TaskSubtype", CF_STR("Call"));
    if (plan->duration_s >= 0 && is_usual(org, plan, "CallDurationInSeconds") &&
        json_object_set_new(task, "CallDurationInSeconds", need(json_integer(plan->duration_s))) != 0)
        abort();
    return task;
}

static void add_task(json_t *list, const struct postcall_org *org, const struct postcall_call *call)
{
    json_t *task = task_body(org, call, true);
    struct cf_buf url;

    if (org->external_id_field)
        put(task, org->external_id_field, call->plan->key);
    start_url(&url, org, "/sobjects/Task");
    add_request(list, "POST", &url, "task", task);
}

static void change_task(json_t *list, const struct postcall_org *org, const struct postcall_call *call)
{
    struct cf_buf url;

    start_url(&url, org, "/sobjects/Task/");
    cf_http_escape(&url, call->found->task_id);
    add_request(list, "PATCH", &url, "task", task_body(org, call, false));
}

static void add_comment(json_t *list, const struct postcall_org *org, const struct postcall_call *call,
                        size_t part)
{
    json_t *comment = need(json_object());
    char reference[28];
    struct cf_buf url;

    (void)snprintf(reference, sizeof(reference), "part%zu", part);
    put(comment, "ParentId", call->customer->case_id);
    put(comment, "CommentBody", call->plan->parts[part]);
    start_url(&url, org, "/sobjects/CaseComment");
    add_request(list, "POST", &url, reference, comment);
}

/* Made for a consult call, which ended before us. */
static bool is_foreign(const struct postcall_call *call)
{
    return call->found->task_id.p && !call->found->task_is_ours && !call->plan->consult;
}

/* A Task of ours came with its comments, in one graph: they are there, or were not wanted then. */
static bool wants_part(const struct postcall_call *call, size_t part)
{
    return !call->found->task_is_ours && !call->found->comments_complete && !call->found->comment_ids[part].p;
}

size_t postcall_write_nodes(const struct postcall_call *call, size_t *ret_bytes)
{
    const struct postcall_plan *plan = call->plan;
    size_t nodes = 0, bytes = 0;

    if (!call->found->task_id.p || is_foreign(call)) {
        nodes++;
        bytes += plan->subject.n + plan->description.n + 512;
        for (size_t i = 0; i < plan->n_fields; i++)
            bytes += plan->fields[i].value.n + 100;
    }
    for (size_t i = 0; i < plan->n_parts; i++) {
        if (!wants_part(call, i))
            continue;
        nodes++;
        bytes += plan->parts[i].n + 200;
    }
    *ret_bytes = bytes + bytes / 4; /* escapes */
    return nodes;
}

json_t *postcall_write_graph(const struct postcall_org *org, const struct postcall_call *call, size_t index)
{
    json_t *list = need(json_array());
    char id[24];

    (void)snprintf(id, sizeof(id), "g%zu", index);
    if (!call->found->task_id.p)
        add_task(list, org, call);
    else if (is_foreign(call))
        change_task(list, org, call);
    for (size_t i = 0; i < call->plan->n_parts; i++) {
        if (wants_part(call, i))
            add_comment(list, org, call, i);
    }
    return need(json_pack("{s:s, s:o}", "graphId", id, "compositeRequest", list));
}

json_t *postcall_write_request(json_t *graphs)
{
    return need(json_pack("{s:o}", "graphs", graphs));
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

static void add_quoted(struct cf_buf *soql, struct cf_str text, size_t nth)
{
    cf_buf_text(soql, nth > 0 ? ",'" : "'");
    cf_soql_escape(soql, text);
    cf_buf_char(soql, '\'');
}

static int at_most(int each, size_t n)
{
    return n == 1 ? each : POSTCALL_ROWS_READ;
}

static void ask_tasks(json_t *list, const struct postcall_org *org, const struct postcall_call *calls,
                      size_t n)
{
    const char *field = org->external_id_field ? org->external_id_field : "CallObject";
    struct cf_buf soql;

    cf_buf_init(&soql, URL_LIMIT_BYTES);
    cf_buf_printf(&soql, "SELECT Id, %s, Description FROM Task WHERE %s IN (", field, field);
    for (size_t i = 0; i < n; i++)
        add_quoted(&soql, calls[i].plan->key, i);
    cf_buf_printf(&soql, ") ORDER BY CreatedDate, Id LIMIT %d", at_most(TASKS_READ, n));
    add_query(list, org, "tasks", &soql);
}

static void ask_comments(json_t *list, const struct postcall_org *org, const struct postcall_call *calls,
                         size_t n)
{
    struct cf_buf soql;
    size_t asked = 0;

    cf_buf_init(&soql, URL_LIMIT_BYTES);
    cf_buf_text(&soql, "SELECT Id, ParentId, CommentBody FROM CaseComment WHERE ParentId IN (");
    for (size_t i = 0; i < n; i++) {
        if (calls[i].plan->n_parts > 0)
            add_quoted(&soql, calls[i].customer->case_id, asked++);
    }
    cf_buf_printf(&soql, ") ORDER BY CreatedDate DESC, Id DESC LIMIT %d", at_most(COMMENTS_READ, n));
    if (asked > 0)
        add_query(list, org, "comments", &soql);
    cf_buf_done(&soql);
}

json_t *postcall_write_read(const struct postcall_org *org, const struct postcall_call *calls, size_t n)
{
    json_t *list = need(json_array());

    ask_tasks(list, org, calls, n);
    ask_comments(list, org, calls, n);
    return need(json_pack("{s:b, s:o}", "allOrNone", 0, "compositeRequest", list));
}

size_t postcall_write_read_bytes(const struct postcall_plan *plan)
{
    return plan->key.n * 6 + 40; /* escaped twice */
}

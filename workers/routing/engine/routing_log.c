/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/routing_log.h"

#include "json/json.h"

#define VERSION 1
#define MAX_TOPIC 255
#define MAX_EVENT_ID 256
#define MAX_TRACEPARENT 255

static const char *const kinds[] = {
    [CF_RT_CALL_QUEUED] = "call-queued", [CF_RT_CALL_ENDED] = "call-ended",
    [CF_RT_AGENT_STATE] = "agent-state", [CF_RT_TICK] = "tick",
    [CF_RT_POLICY] = "policy",
};
enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* ---- the slices ---- */

/* Neither the caller's number nor what was said and played to him belongs into the log. */
static void slice_queued(const struct cf_call_queued *from, struct cf_call_queued *ret_slice)
{
    *ret_slice = *from;
    ret_slice->ani = (struct cf_str){0};
    ret_slice->dnis = (struct cf_str){0};
    ret_slice->greeting.language = (struct cf_str){0};
    ret_slice->greeting.text = (struct cf_str){0};
    ret_slice->greeting.ssml = (struct cf_str){0};
    ret_slice->treatment.music = (struct cf_str){0};
    ret_slice->customer.candidates = NULL;
    ret_slice->customer.n_candidates = 0;
    if (ret_slice->customer.n_cases > CF_ENGINE_MAX_CASES)
        ret_slice->customer.n_cases = CF_ENGINE_MAX_CASES;
}

static void slice_ended(const struct cf_call_ended *from, struct cf_call_ended *ret_slice)
{
    *ret_slice = (struct cf_call_ended){
        .call_id = from->call_id,
        .ended_at = from->ended_at,
        .ended_by = from->ended_by,
        .reason = from->reason,
        .agent_id = from->agent_id,
        .talk_ms = -1,
        .hold_ms = -1,
        .queue_ms = -1,
        .started_at = INT64_MIN,
    };
}

static void write_event(struct cf_jsonw *w, const struct cf_rt_record *record)
{
    struct cf_event event = {.time = INT64_MIN};

    if (record->kind == CF_RT_CALL_QUEUED) {
        event.type = CF_EVENT_CALL_QUEUED;
        slice_queued(record->u.call_queued, &event.data.call_queued);
    } else if (record->kind == CF_RT_CALL_ENDED) {
        event.type = CF_EVENT_CALL_ENDED;
        slice_ended(record->u.call_ended, &event.data.call_ended);
    } else {
        event.type = CF_EVENT_AGENT_STATE;
        event.data.agent_state = *record->u.agent_state;
    }
    cf_event_write_data(w, &event);
}

static void write_policy(struct cf_jsonw *w, const struct cf_rt_record *record)
{
    cf_jsonw_begin_object(w);
    cf_jsonw_put_int(w, "version", record->u.policy.version);
    cf_jsonw_put_str(w, "policy", record->u.policy.text);
    cf_jsonw_end_object(w);
}

static void write_cause(struct cf_jsonw *w, const struct cf_rt_record *record)
{
    cf_jsonw_key(w, "cause");
    cf_jsonw_begin_object(w);
    cf_jsonw_opt_str(w, "topic", record->cause.topic);
    if (record->cause.partition >= 0)
        cf_jsonw_put_int(w, "partition", record->cause.partition);
    if (record->cause.offset >= 0)
        cf_jsonw_put_int(w, "offset", record->cause.offset);
    cf_jsonw_opt_str(w, "eventId", record->cause.event_id);
    cf_jsonw_opt_str(w, "traceparent", record->cause.traceparent);
    cf_jsonw_end_object(w);
}

int cf_routing_log_encode(const struct cf_rt_record *record, struct cf_buf *buf, struct cf_err *err)
{
    struct cf_jsonw w;

    cf_buf_clear(buf);
    cf_jsonw_init(&w, buf);
    cf_jsonw_begin_object(&w);
    cf_jsonw_put_int(&w, "v", VERSION);
    cf_jsonw_put_str(&w, "domain", record->domain);
    cf_jsonw_put_int(&w, "t", record->t);
    cf_jsonw_put_str(&w, "kind", cf_str_of(kinds[record->kind]));
    write_cause(&w, record);
    if (record->kind != CF_RT_TICK)
        cf_jsonw_key(&w, "data");
    if (record->kind == CF_RT_POLICY)
        write_policy(&w, record);
    else if (record->kind != CF_RT_TICK)
        write_event(&w, record);
    cf_jsonw_end_object(&w);
    return buf->full
               ? cf_err_set(err, CF_ERR_REJECTED, "routing-log", 0, "record exceeds %zu bytes", buf->limit)
               : 0;
}

/* ---- reading ---- */

static int fail(const char *member, struct cf_err *err)
{
    return cf_err_set(err, CF_ERR_REJECTED, "routing-log", 0, "member %s is missing or wrong", member);
}

static int read_policy(const struct cf_json *data, struct cf_rt_record *record, struct cf_err *err)
{
    record->u.policy.version = cf_json_get_int(data, "version", -1);
    record->u.policy.text = cf_json_get_str(data, "policy");
    if (record->u.policy.version < 0)
        return fail("data.version", err);
    return record->u.policy.text.p ? 0 : fail("data.policy", err);
}

static int read_event(struct cf_arena *arena, const struct cf_json *data, struct cf_rt_record *record,
                      struct cf_err *err)
{
    struct cf_event *event = cf_arena_alloc(arena, sizeof(*event));
    enum cf_event_type type = record->kind == CF_RT_CALL_QUEUED  ? CF_EVENT_CALL_QUEUED
                              : record->kind == CF_RT_CALL_ENDED ? CF_EVENT_CALL_ENDED
                                                                 : CF_EVENT_AGENT_STATE;

    if (cf_event_read_data(arena, type, data, event, err))
        return -1;
    if (record->kind == CF_RT_CALL_QUEUED)
        record->u.call_queued = &event->data.call_queued;
    else if (record->kind == CF_RT_CALL_ENDED)
        record->u.call_ended = &event->data.call_ended;
    else
        record->u.agent_state = &event->data.agent_state;
    return 0;
}

static int read_head(const struct cf_json *root, struct cf_rt_record *record, struct cf_err *err)
{
    const struct cf_json *cause = cf_json_get(root, "cause");
    struct cf_str kind = cf_json_get_str(root, "kind");
    size_t which = 0;

    if (cf_json_get_int(root, "v", -1) != VERSION)
        return fail("v", err);
    record->domain = cf_json_get_str(root, "domain");
    if (record->domain.n < 1 || record->domain.n > 128)
        return fail("domain", err);
    record->t = cf_json_get_int(root, "t", -1);
    if (record->t < 0)
        return fail("t", err);
    while (which < N_KINDS && !cf_str_is(kind, kinds[which]))
        which++;
    if (which == N_KINDS)
        return fail("kind", err);
    record->kind = (enum cf_rt_kind)which;
    if (!cause || cause->type != CF_JSON_OBJECT)
        return fail("cause", err);
    record->cause.topic = cf_json_get_str(cause, "topic");
    record->cause.event_id = cf_json_get_str(cause, "eventId");
    record->cause.traceparent = cf_json_get_str(cause, "traceparent");
    record->cause.partition = cf_json_get_int(cause, "partition", -1);
    record->cause.offset = cf_json_get_int(cause, "offset", -1);
    /* The bounds of the event contract, because decisions repeat the cause. */
    if (record->cause.topic.n > MAX_TOPIC || record->cause.event_id.n > MAX_EVENT_ID ||
        record->cause.traceparent.n > MAX_TRACEPARENT || record->cause.partition < -1 ||
        record->cause.offset < -1)
        return fail("cause", err);
    return 0;
}

int cf_routing_log_decode(struct cf_arena *arena, struct cf_str text, int64_t offset,
                          const struct cf_rt_record **ret_record, struct cf_err *err)
{
    const struct cf_json *root = cf_json_parse(arena, text, err);
    struct cf_rt_record *record = cf_arena_zalloc(arena, sizeof(*record));
    const struct cf_json *data = cf_json_get(root, "data");
    int rc = 0;

    if (!root || read_head(root, record, err))
        return -1;
    record->offset = offset;
    if (record->kind == CF_RT_POLICY)
        rc = read_policy(data, record, err);
    else if (record->kind != CF_RT_TICK)
        rc = data ? read_event(arena, data, record, err) : fail("data", err);
    if (rc == 0)
        *ret_record = record;
    return rc;
}

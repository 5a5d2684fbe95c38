/* SPDX-License-Identifier: Apache-2.0 */
#include "journal.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/decision.h"
#include "engine/routing_log.h"
#include "json/json.h"

#define LINE_BYTES ((size_t)4 << 20)

struct journal {
    FILE *log, *decisions, *events;
    int64_t n_decisions, n_events[CF_EVENT_TYPES];
    struct cf_buf value, line;
    bool failed;
};

static FILE *create(const char *path, bool *ret_failed, struct cf_err *err)
{
    FILE *file = path ? fopen(path, "we") : NULL;

    if (path && !file) {
        (void)cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "cannot write %s", path);
        *ret_failed = true;
    }
    return file;
}

static bool close_all(struct journal *journal)
{
    bool failed = journal->failed;

    failed |= journal->log && fclose(journal->log) != 0;
    failed |= journal->decisions && fclose(journal->decisions) != 0;
    failed |= journal->events && fclose(journal->events) != 0;
    cf_buf_done(&journal->value);
    cf_buf_done(&journal->line);
    free(journal);
    return failed;
}

struct journal *journal_open(const char *log, const char *decisions, const char *events, struct cf_err *err)
{
    struct journal *journal = cf_calloc(1, sizeof(*journal));
    bool failed = false;

    cf_buf_init(&journal->value, LINE_BYTES);
    cf_buf_init(&journal->line, 2 * LINE_BYTES);
    journal->log = create(log, &failed, err);
    journal->decisions = create(decisions, &failed, err);
    journal->events = create(events, &failed, err);
    if (!failed)
        return journal;
    (void)close_all(journal);
    return NULL;
}

static void put(struct journal *journal, FILE *file, const char *topic, struct cf_str key, int64_t offset,
                int64_t ts)
{
    struct cf_jsonw w;

    cf_buf_clear(&journal->line);
    cf_jsonw_init(&w, &journal->line);
    cf_jsonw_begin_object(&w);
    cf_jsonw_put_str(&w, "topic", cf_str_of(topic));
    cf_jsonw_put_int(&w, "partition", 0);
    cf_jsonw_put_int(&w, "offset", offset);
    cf_jsonw_put_int(&w, "ts", ts);
    cf_jsonw_put_str(&w, "key", key);
    cf_jsonw_put_str(&w, "payload", cf_buf_view(&journal->value));
    cf_jsonw_end_object(&w);
    cf_buf_char(&journal->line, '\n');
    if (journal->line.full || fwrite(journal->line.p, 1, journal->line.n, file) != journal->line.n)
        journal->failed = true;
}

/* The input event behind a record, as the producers of a fleet would send it. */
static bool event_of(const struct cf_rt_record *record, struct cf_event *ret_event, struct cf_str *ret_key)
{
    struct cf_event event = {
        .time = record->t, .source = CF_STR("/callfleet/sim"), .id = record->cause.event_id};

    if (record->kind == CF_RT_CALL_QUEUED) {
        event.type = CF_EVENT_CALL_QUEUED;
        event.data.call_queued = *record->u.call_queued;
        *ret_key = record->u.call_queued->call_id;
    } else if (record->kind == CF_RT_CALL_ENDED) {
        event.type = CF_EVENT_CALL_ENDED;
        event.data.call_ended = *record->u.call_ended;
        *ret_key = record->u.call_ended->call_id;
    } else if (record->kind == CF_RT_AGENT_STATE) {
        event.type = CF_EVENT_AGENT_STATE;
        event.data.agent_state = *record->u.agent_state;
        *ret_key = record->u.agent_state->agent_id;
    } else {
        return false;
    }
    *ret_event = event;
    return true;
}

static void put_event(struct journal *journal, const struct cf_rt_record *record)
{
    struct cf_event event;
    struct cf_str key;
    struct cf_err err;
    char text[64], id[37];

    if (!event_of(record, &event, &key))
        return;
    if (!event.id.p) {
        (void)snprintf(text, sizeof(text), "sim-%lld", (long long)record->offset);
        cf_event_derive_id(cf_str_of(text), "sim", cf_event_name(event.type), id);
        event.id = cf_str_of(id);
    }
    if (cf_event_encode(&event, &journal->value, &err) < 0)
        journal->failed = true;
    else
        put(journal, journal->events, cf_event_name(event.type), key, journal->n_events[event.type]++,
            record->t);
}

void journal_record(struct journal *journal, const struct cf_rt_record *record)
{
    struct cf_err err;

    if (journal->log && cf_routing_log_encode(record, &journal->value, &err) < 0)
        journal->failed = true;
    else if (journal->log)
        put(journal, journal->log, "routing-log", record->domain, record->offset, record->t);
    if (journal->events)
        put_event(journal, record);
}

void journal_decision(struct journal *journal, const struct cf_call_routed *decision)
{
    struct cf_err err;

    if (!journal->decisions)
        return;
    if (cf_decision_encode(decision, &journal->value, &err) < 0)
        journal->failed = true;
    else
        put(journal, journal->decisions, "call-routed", cf_decision_key(decision), journal->n_decisions++,
            decision->at);
}

int journal_close(struct journal *journal, struct cf_err *err)
{
    if (journal && close_all(journal))
        return cf_err_set(err, CF_ERR_TRANSIENT, "sim", 0, "the log could not be written");
    return 0;
}

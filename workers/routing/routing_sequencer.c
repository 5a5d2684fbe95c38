/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sequencer: finds the domain of an event, stamps the time and appends it to routing-log, keyed by
 * domain. With one domain in the policy nothing is looked up; with several, an event that names neither
 * queue, entry point nor team is found through the domain noted in Redis at the call's or agent's last event
 * that did.
 */
#include <stdlib.h>

#include "clock/clock.h"
#include "log/log.h"
#include "redis/redis.h"
#include "routing.h"

#define NOTE_TTL_S "86400"

struct known_domain {
    struct cf_str id; /* first: routing->announced finds it */
    char name[];
};

/* The stage's part of a sequencer's job. */
struct sequencing {
    struct cf_str domain;
    struct cf_str note_key; /* where the domain is noted; p = NULL: not looked up */
};

static struct cf_str note_key(struct cf_job *job, const char *kind, struct cf_str id)
{
    return cf_arena_printf(cf_job_arena(job), "cf:%s:{%.*s}", kind, CF_STR_FMT(id));
}

/* The domain that the event names itself; p = NULL when it names none. */
static struct cf_str named_domain(struct cf_job *job, const struct cf_policy *policy, struct sequencing *seq)
{
    const struct cf_event *event = cf_job_event(job);
    const struct cf_str none = {0};

    if (event->type == CF_EVENT_AGENT_STATE) {
        const struct cf_agent_state *agent = &event->data.agent_state;

        seq->note_key = note_key(job, "agt", agent->agent_id);
        return agent->team_id.p ? cf_policy_team_domain(policy, agent->team_id) : none;
    }
    if (event->type == CF_EVENT_CALL_QUEUED) {
        const struct cf_call_queued *call = &event->data.call_queued;

        seq->note_key = note_key(job, "ctx", call->call_id);
        return cf_policy_call_domain(policy, call->has_request ? call->request.queue_id : none,
                                     call->entry_point_id);
    }
    seq->note_key = note_key(job, "ctx", event->data.call_ended.call_id);
    if (event->data.call_ended.queue_id.p || event->data.call_ended.entry_point_id.p)
        return cf_policy_call_domain(policy, event->data.call_ended.queue_id,
                                     event->data.call_ended.entry_point_id);
    return none;
}

static void note_domain(struct routing *routing, struct cf_str key, struct cf_str domain)
{
    const struct cf_str set[] = {CF_STR("HSET"), key, CF_STR("domain"), domain};
    const struct cf_str expire[] = {CF_STR("EXPIRE"), key, CF_STR(NOTE_TTL_S)};

    cf_redis_call(cf_worker_redis(routing->worker), 4, set, NULL, NULL);
    cf_redis_call(cf_worker_redis(routing->worker), 3, expire, NULL, NULL);
}

static void on_note(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    struct cf_job *job = cf_job_redeem(arg);
    struct sequencing *seq;

    if (!job)
        return;
    seq = cf_job_state(job);
    if (err)
        cf_log_err(CF_LOG_WARN, "routing", cf_job_log(job), "domain unknown, the default one is used", err);
    else if (reply->type == CF_REPLY_STRING)
        seq->domain = cf_arena_str(cf_job_arena(job), reply->str);
    cf_job_resume(job);
}

enum cf_next cf_routing_sequence(struct cf_job *job)
{
    struct routing *routing = cf_worker_state(cf_job_worker(job));
    struct sequencing *seq = cf_job_state(job);

    if (!routing->many_domains) {
        seq->domain = cf_policy_domain(routing->policy, 0);
        return CF_MORE;
    }
    seq->domain = named_domain(job, routing->policy, seq);
    if (seq->domain.p) {
        note_domain(routing, seq->note_key, seq->domain);
        return CF_MORE;
    }
    cf_redis_call(cf_worker_redis(routing->worker), 3,
                  (const struct cf_str[]){CF_STR("HGET"), seq->note_key, CF_STR("domain")}, on_note,
                  cf_job_ticket(job));
    return CF_WAIT;
}

int cf_routing_encode_policy(struct routing *routing, struct cf_str domain, struct cf_err *err)
{
    struct cf_rt_record record = {
        .kind = CF_RT_POLICY,
        .domain = domain,
        .t = cf_clock_wall_ms(),
        .cause = {.partition = -1, .offset = -1},
    };

    record.u.policy.version = cf_policy_version(routing->policy);
    record.u.policy.text = cf_policy_text(routing->policy);
    return cf_routing_log_encode(&record, &routing->buf, err);
}

static void append(struct cf_job *job, struct cf_str domain)
{
    struct routing *routing = cf_worker_state(cf_job_worker(job));

    cf_job_emit(job, CF_ROUTING_LOG, domain, cf_arena_str(cf_job_arena(job), cf_buf_view(&routing->buf)));
}

/* The first event of a domain since our start brings our policy with it, in case the engine's is older. */
static int announce_policy(struct cf_job *job, struct cf_str domain, struct cf_err *err)
{
    struct routing *routing = cf_worker_state(cf_job_worker(job));
    struct known_domain *known = cf_ids_get(&routing->announced, domain);

    if (known || cf_policy_version(routing->policy) == 0)
        return 0;
    if (cf_routing_encode_policy(routing, domain, err) < 0)
        return -1;
    append(job, domain);
    known = cf_calloc(1, sizeof(*known) + domain.n + 1);
    memcpy(known->name, domain.p, domain.n);
    known->id = (struct cf_str){known->name, domain.n};
    cf_ids_put(&routing->announced, known);
    return 0;
}

enum cf_next cf_routing_append(struct cf_job *job)
{
    struct routing *routing = cf_worker_state(cf_job_worker(job));
    const struct cf_event *event = cf_job_event(job);
    const struct cf_record *source = cf_job_record(job);
    struct sequencing *seq = cf_job_state(job);
    struct cf_rt_record record = {.t = cf_clock_wall_ms()};
    struct cf_err err;

    if (!seq->domain.p)
        seq->domain = cf_policy_call_domain(routing->policy, (struct cf_str){0}, (struct cf_str){0});
    record.domain = seq->domain;
    record.cause.topic = cf_str_of(source->topic);
    record.cause.event_id = event->id;
    record.cause.traceparent = event->traceparent;
    record.cause.partition = source->partition;
    record.cause.offset = source->offset;
    if (event->type == CF_EVENT_CALL_QUEUED) {
        record.kind = CF_RT_CALL_QUEUED;
        record.u.call_queued = &event->data.call_queued;
    } else if (event->type == CF_EVENT_CALL_ENDED) {
        record.kind = CF_RT_CALL_ENDED;
        record.u.call_ended = &event->data.call_ended;
    } else {
        record.kind = CF_RT_AGENT_STATE;
        record.u.agent_state = &event->data.agent_state;
    }
    if (announce_policy(job, seq->domain, &err) < 0 ||
        cf_routing_log_encode(&record, &routing->buf, &err) < 0)
        return cf_job_fail(job, &err);
    append(job, seq->domain);
    return CF_DONE;
}

void cf_routing_sequencer_done(struct routing *routing)
{
    void **known = cf_ids_list(&routing->announced);

    for (size_t i = 0; i < routing->announced.n; i++)
        free(known[i]);
    free(known);
    cf_ids_done(&routing->announced);
}

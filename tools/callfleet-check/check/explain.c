/* SPDX-License-Identifier: Apache-2.0 */
#include "check/explain.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "clock/clock.h"

/* Of a list, so many are named; the rest are counted. */
#define NAMED 8

struct explain {
    FILE *out;
    size_t n;
    struct cf_str call_id;
};

struct explain *explain_new(struct cf_str call_id, FILE *out)
{
    struct explain *explain = cf_calloc(1, sizeof(*explain));

    explain->call_id = call_id;
    explain->out = out;
    return explain;
}

size_t explain_free(struct explain *explain)
{
    size_t n = explain ? explain->n : 0;

    free(explain);
    return n;
}

static double seconds(int64_t ms)
{
    return (double)ms / 1000;
}

/* ---- why, in words ---- */

static const struct {
    const char *decision, *reason, *words;
} reasons[] = {
    {"queued", "requested", "the producer of the call asked for this queue"},
    {"queued", "entry-point", "the call's entry point leads to this queue"},
    {"queued", "default-queue", "nothing says otherwise: it is the default queue"},
    {"queued", "rule", "the first rule that holds and names a queue chose it"},
    {"queued", "resumed", "the caller had hung up in this queue shortly before and has his place back"},
    {"offered", "longest-available", "of those who were free and fit, this agent had been free longest"},
    {"offered", "best-skill",
     "of those who were free and fit, this agent has the highest levels of the skills asked for"},
    {"offered", "fewest-calls", "of those who were free and fit, this agent had taken the fewest calls"},
    {"offered", "circular", "of those who were free and fit, this agent was next after the one asked last"},
    {"offered", "linear", "of those who were free and fit, this agent comes first in the line of the policy"},
    {"offered", "preferred-agent", "this agent is preferred for the call"},
    {"offered", "next-call", "the agent became free, and this call stood first of those he may take"},
    {"connected", "answered", "the agent answered the offer"},
    {"requeued", "no-answer", "the agent did not answer before the deadline; the call keeps its age"},
    {"requeued", "rejected", "the agent refused or went away; the call keeps its age"},
    {"requeued", "busy", "the agent was on something else; the call keeps its age"},
    {"relaxed", "step", "it has waited so long that the queue asks for less"},
    {"relaxed", "hold-over",
     "it has waited long enough for the preferred agent; from now on anybody who fits will do"},
    {"relaxed", "preferred-away", "none of the preferred agents is on duty any more"},
    {"relaxed", "policy", "a new policy is in force, so it waits for nobody in particular"},
    {"overflowed", "max-wait", "it has waited in its queue as long as the policy allows"},
    {"overflowed", "queue-full", "its queue was full"},
    {"overflowed", "no-agent", "nobody on duty fits"},
    {"overflowed", "closed", "its queue was closed"},
    {"overflowed", "queue-removed", "the new policy has no such queue"},
    {"ended", "max-wait", "it has waited as long as the policy allows, and there is no other queue"},
    {"ended", "queue-full", "its queue was full, and there is no other"},
    {"ended", "no-agent", "nobody on duty fits, and there is no other queue"},
    {"ended", "closed", "its queue was closed, and there is no other"},
    {"ended", "call-ended", "the talk is over"},
    {"ended", "max-talk", "nobody had said for 12 hours that the talk was over"},
    {"ended", "agent-left", "its agent had left it, and for 15 minutes nobody said that it was over"},
    {"abandoned", "while-waiting", "the caller hung up while waiting"},
    {"abandoned", "while-offered", "the caller hung up while an agent's phone rang"},
    {"ignored", "duplicate", "it was known already"},
    {"ignored", "late", "it came too late to change anything"},
    {"ignored", "unknown-call",
     "nothing is known of the call yet; should it still be queued, it is over at once"},
    {"ignored", "acknowledged", "the agent's phone rings; nothing changes"},
};

static const char *words_of(const struct cf_call_routed *d)
{
    if (cf_str_is(d->reason, "ended-before-queued"))
        return "its end was heard of before its beginning";
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (cf_str_is(d->decision, reasons[i].decision) && cf_str_is(d->reason, reasons[i].reason))
            return reasons[i].words;
    }
    return NULL;
}

/* ---- the line ---- */

static void put_key(FILE *out, const struct call *call, const struct key *key, int64_t now)
{
    (void)fprintf(out, "%.*s (priority %" PRId64 ", waits %.1f s", CF_STR_FMT(call->id), call->priority,
                  seconds(now - call->enqueued_at));
    if (key->band <= CF_POLICY_LOWEST_PRIORITY)
        (void)fprintf(out, ", in class %" PRId64, key->band);
    else if (key->place != call->enqueued_at)
        (void)fprintf(out, ", counts as %.1f s", seconds(now - key->place));
    (void)fputc(')', out);
}

static struct call *in_queue(struct line_node *node)
{
    return ((struct stand *)(void *)((char *)node - offsetof(struct stand, in_queue)))->call;
}

static void put_line(FILE *out, const struct stand *stand, int64_t now)
{
    const struct line *line = &stand->queue->line;
    size_t own = line_rank(line, &stand->in_queue.key), n = 0;

    (void)fprintf(out, "    in line    %.*s: place %zu of %zu", CF_STR_FMT(stand->queue->id), own + 1,
                  line_size(line));
    for (struct line_node *node = line_first(line); node && n < NAMED; node = line_after(line, &node->key)) {
        (void)fprintf(out, "%s%zu. ", n == 0 ? "; " : ", ", n + 1);
        put_key(out, in_queue(node), &node->key, now);
        n++;
    }
    if (line_size(line) > n)
        (void)fprintf(out, " and %zu more", line_size(line) - n);
    (void)fputc('\n', out);
}

/* ---- the agents ---- */

struct crowd {
    FILE *out;
    size_t named, more;
    size_t off_duty;
};

static void name_agent(struct crowd *crowd, const char *label, struct cf_str id)
{
    (void)fprintf(crowd->out, "%s%.*s", crowd->named == 0 ? label : "; ", CF_STR_FMT(id));
    crowd->named++;
}

/* Why he does not get the call now. */
static void why_not_now(const struct model *model, struct call *call, const struct agent *agent,
                        char *ret_text, size_t size)
{
    int64_t now = model->at;

    if (!stand_for(call, agent, false)) {
        why_not(call->stands[0].want, agent->kind, ret_text, size);
        return;
    }
    switch (agent->state) {
    case AGENT_OFFERED:
        (void)snprintf(ret_text, size, "is offered %.*s",
                       CF_STR_FMT(agent->call ? agent->call->id : CF_STR("a call")));
        break;
    case AGENT_TALKING:
        (void)snprintf(ret_text, size, "talks with %.*s",
                       CF_STR_FMT(agent->call ? agent->call->id : CF_STR("a caller")));
        break;
    case AGENT_BUSY:
        (void)snprintf(ret_text, size, "is on a call from elsewhere");
        break;
    case AGENT_WRAPPING:
        (void)snprintf(ret_text, size, "wraps up, for %.1f s more at most", seconds(agent->due - now));
        break;
    case AGENT_PAUSED:
        (void)snprintf(ret_text, size, "is left alone after an offer that went wrong");
        break;
    case AGENT_AWAY:
        (void)snprintf(ret_text, size, "%.*s", CF_STR_FMT(agent->away));
        break;
    case AGENT_FREE:
        (void)snprintf(ret_text, size,
                       call->hold_until >= 0 ? "is free, but the call waits for a preferred agent"
                                             : "has missed or refused this call");
        break;
    case AGENT_LOOSE:
        (void)snprintf(ret_text, size, "has just come free of a call");
        break;
    }
}

static void put_free(const struct model *model, struct call *call, struct agent **agents, FILE *out)
{
    struct crowd crowd = {.out = out};

    for (size_t i = 0; i < model->agents.n; i++) {
        const struct agent *agent = agents[i];

        if (agent->state != AGENT_FREE || !stand_for(call, agent, false))
            continue;
        if (crowd.named >= NAMED) {
            crowd.more++;
            continue;
        }
        name_agent(&crowd, "    free       ", agent->id);
        (void)fprintf(out, " (for %.1f s: %s%s)", seconds(model->at - agent->since), agent->why,
                      call_has_missed(call, agent) ? ", has missed this call" : "");
    }
    if (crowd.more > 0)
        (void)fprintf(out, " and %zu more", crowd.more);
    (void)fputs(crowd.named > 0 ? "\n" : "    free       nobody who may take the call\n", out);
}

static void put_others(const struct model *model, struct call *call, struct agent **agents, FILE *out)
{
    struct crowd crowd = {.out = out};

    for (size_t i = 0; i < model->agents.n; i++) {
        const struct agent *agent = agents[i];
        char why[200];

        if (agent->state == AGENT_FREE && stand_for(call, agent, false))
            continue;
        if (agent->state == AGENT_AWAY) {
            crowd.off_duty++;
            continue;
        }
        if (crowd.named >= NAMED) {
            crowd.more++;
            continue;
        }
        why_not_now(model, call, agent, why, sizeof(why));
        name_agent(&crowd, "    not        ", agent->id);
        (void)fprintf(out, " %s", why);
    }
    if (crowd.more > 0)
        (void)fprintf(out, "; and %zu more", crowd.more);
    if (crowd.off_duty > 0)
        (void)fprintf(out, "%s%zu away or offline", crowd.named > 0 ? "; " : "    not        ",
                      crowd.off_duty);
    if (crowd.named + crowd.off_duty > 0)
        (void)fputc('\n', out);
}

static void put_agents(const struct model *model, struct call *call, FILE *out)
{
    struct agent **agents = (struct agent **)(void *)cf_ids_list(&model->agents);

    put_free(model, call, agents, out);
    put_others(model, call, agents, out);
    free(agents);
}

/* ---- one decision ---- */

static void put_policy(const struct model *model, const struct cf_call_routed *d, FILE *out)
{
    const struct cf_queue_policy *policy = queue_policy(model, d->queue_id);

    (void)fprintf(out, "    policy     version %" PRId64, d->cause.policy_version);
    if (d->rules.n > 0)
        (void)fprintf(out, ", rules that hold: %.*s", CF_STR_FMT(d->rules));
    if (d->queue_id.p && policy->strict)
        (void)fprintf(out, "; %.*s serves by priority, then by age", CF_STR_FMT(d->queue_id));
    else if (d->queue_id.p)
        (void)fprintf(out, "; %.*s serves by age, with %.1f s head start for each step of priority above 5",
                      CF_STR_FMT(d->queue_id), seconds(policy->credit_ms));
    if (d->step > 0)
        (void)fprintf(out, "; step %" PRId64 " of its requirements", d->step);
    (void)fputc('\n', out);
}

static void put_record(const struct cf_rt_record *record, FILE *out)
{
    if (record && record->kind == CF_RT_AGENT_STATE)
        (void)fprintf(out, " (%.*s is %s)", CF_STR_FMT(record->u.agent_state->agent_id),
                      cf_agent_status_name(record->u.agent_state->state));
    else if (record && record->kind == CF_RT_CALL_QUEUED)
        (void)fprintf(out, " (call %.*s is queued)", CF_STR_FMT(record->u.call_queued->call_id));
    else if (record && record->kind == CF_RT_CALL_ENDED)
        (void)fprintf(out, " (call %.*s is over)", CF_STR_FMT(record->u.call_ended->call_id));
}

static void put_cause(const struct model *model, const struct cf_call_routed *d, FILE *out)
{
    const struct cf_rt_record *record = model->record;
    const struct report *report = model->report;

    /* The check of the decision, which comes after this for an offer, has looked at those before it. */
    (void)fputs("    because of ", out);
    if (model->timed)
        (void)fputs("the time; noticed", out);
    else if (d->cause.topic.p)
        (void)fprintf(out, "%.*s %" PRId64 "@%" PRId64, CF_STR_FMT(d->cause.topic), d->cause.partition,
                      d->cause.offset);
    else
        (void)fputs("a new policy", out);
    put_record(model->timed ? NULL : record, out);
    (void)fprintf(out, " at routing-log %d@%" PRId64 "; decision %" PRId64 ", call-routed %d@%" PRId64 "\n",
                  report->log.partition, report->log.offset, d->seq, report->decision.partition,
                  report->decision.offset);
}

static void put_head(const struct cf_call_routed *d, FILE *out)
{
    char time[CF_CLOCK_TEXT_SIZE];
    const char *words = words_of(d);

    cf_clock_format(d->at, time);
    (void)fprintf(out, "%s  %.*s", time, CF_STR_FMT(d->decision));
    if (d->agent_id.p)
        (void)fprintf(out, cf_str_is(d->decision, "offered") ? " to %.*s" : " (%.*s)",
                      CF_STR_FMT(d->agent_id));
    if (d->queue_id.p)
        (void)fprintf(out, " in %.*s", CF_STR_FMT(d->queue_id));
    if (d->wait_ms >= 0)
        (void)fprintf(out, ", after %.1f s", seconds(d->wait_ms));
    if (d->deadline >= 0)
        (void)fprintf(out, ", to be answered within %.1f s", seconds(d->deadline - d->at));
    if (words)
        (void)fprintf(out, ": %s\n", words);
    else
        (void)fprintf(out, ": %.*s\n", CF_STR_FMT(d->reason));
}

/* Who waited and who was free matters when the call is queued, offered, or asks for less. */
static bool has_choice(const struct cf_call_routed *d)
{
    return cf_str_is(d->decision, "queued") || cf_str_is(d->decision, "offered") ||
           cf_str_is(d->decision, "relaxed") || cf_str_is(d->decision, "overflowed");
}

void explain_watch(void *arg, struct model *model, const struct cf_call_routed *d, bool after)
{
    struct explain *explain = arg;
    struct call *call;

    /* An offer is explained by what was before it, the others by what they lead to. */
    if (after == cf_str_is(d->decision, "offered") || !cf_str_eq(d->call_id, explain->call_id))
        return;
    call = cf_ids_get(&model->calls, explain->call_id);
    explain->n++;
    put_head(d, explain->out);
    for (size_t i = 0; call && call->placed && has_choice(d) && i < call->n_stands; i++)
        put_line(explain->out, &call->stands[i], d->at);
    if (call && call->placed && has_choice(d))
        put_agents(model, call, explain->out);
    if (has_choice(d))
        put_policy(model, d, explain->out);
    put_cause(model, d, explain->out);
}

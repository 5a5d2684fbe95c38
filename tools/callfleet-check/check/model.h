/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model - what one domain's calls and agents are doing, told by the decisions; checks each against the rest.
 *
 * It shares nothing with the engine but the reader of policies: states come from the decisions, who may take
 * what from the log (skills, teams, requests) and the policy in force. A *want* is what calls of one queue
 * and step with the same skills ask for; a *kind* is a team with skills that agents share. After a finding
 * the model believes the decision, so that one fault is one finding, as far as that goes.
 * Memory: calls that are alive, those that were over in the last 24 hours (at most 100,000), agents.
 * Lifecycle: new -> (open decision* close)* -> finish -> free.
 */
#ifndef CF_CHECK_MODEL_H
#define CF_CHECK_MODEL_H

#include "check/line.h"
#include "check/report.h"
#include "engine/engine.h"
#include "engine/policy_priv.h"

enum { CHECK_MISSED = 8, CHECK_PLACES = CF_POLICY_MAX_QUEUED, CHECK_TOMBS = 100000 };
#define CHECK_TOMB_MS (24LL * 3600 * 1000)
#define CHECK_NEVER INT64_MAX

enum call_state { CALL_WAITING, CALL_OFFERED, CALL_CONNECTED };
enum agent_state {
    AGENT_AWAY, /* idle, offline, or never heard of */
    AGENT_FREE,
    AGENT_OFFERED,
    AGENT_TALKING,
    AGENT_BUSY, /* on a call that is not from here */
    AGENT_WRAPPING,
    AGENT_PAUSED, /* left alone after an offer went wrong */
    AGENT_LOOSE,  /* an offer or a talk is over, and nothing has been said of the agent yet */
};

struct text_list {
    struct cf_str *items;
    size_t n;
};

struct skill_list {
    struct cf_skill *items;
    size_t n;
};

struct want {
    struct cf_str id; /* first: cf_ids. queue, step and skills as text */
    const struct cf_queue_policy *policy;
    size_t step, refs;
    bool any_team;
    struct text_list teams; /* borrowed from the policy, as the queue's own skills are */
    struct skill_list skills;
    struct line waiting; /* not those on hold */
    struct line oldest;  /* the same calls by age alone */
};

struct kind {
    struct cf_str id; /* first */
    struct cf_str team;
    struct skill_list skills;
    size_t refs;
    struct agent *free; /* list */
};

struct queue {
    struct cf_str id; /* first */
    struct line line; /* all who wait, on hold too */
    char text[];
};

struct stand {
    struct call *call;
    struct queue *queue;
    struct want *want;
    struct line_node in_queue, in_want, by_age;
};

struct call {
    struct cf_str id; /* first; owned */
    enum call_state state;
    bool placed;
    int64_t priority, enqueued_at, since, arrival; /* since: in this queue */
    int64_t step, hold_until;                      /* hold_until -1: none */
    struct skill_list skills;                      /* beyond the queue's; owned */
    struct text_list prefer;                       /* owned */
    struct stand stands[CHECK_PLACES];             /* the first is home */
    size_t n_stands;
    struct agent *agent;
    struct queue *through; /* the queue of the offer */
    int64_t offer, connected_at, left_at;
    struct line_node due; /* of the offer */
    struct agent *missed[CHECK_MISSED];
    size_t n_missed;
    struct call *next_held, *prev_held;
    bool held, touched, past; /* past: over before it was heard of */
    struct call *next_touched;
};

struct agent {
    struct cf_str id; /* first; owned */
    enum agent_state state;
    struct kind *kind, *was; /* was: before the record under way, NULL: the same */
    int64_t last_at;
    int last_state;
    struct call *call;
    int64_t due; /* when wrap-up or pause ends, CHECK_NEVER: unknown */
    int64_t since;
    struct cf_str away; /* static: why not available */
    char why[24];       /* reason of the last decision about him alone */
    struct agent *next_free, *prev_free;
    bool touched;
    struct agent *next_touched;
};

struct tomb {
    struct cf_str id; /* first; owned */
    int64_t at;
    bool queued;
    struct tomb *next;
};

/* The newest of each input partition. */
struct source_mark {
    struct cf_str id; /* first; owned: "topic/partition" */
    int64_t offset;
};

struct model {
    struct report *report;
    struct cf_policy *policy, *next_policy;
    const struct cf_domain_policy *rules;
    struct cf_str domain;
    struct cf_ids calls, tombs, agents, wants, kinds, queues, marks;
    struct line due; /* offers by deadline */
    struct call *held, *touched_calls;
    struct agent *touched_agents;
    struct tomb *oldest, *youngest;
    size_t n_tombs;
    int64_t now, at, seq;
    /* The record under way. */
    const struct cf_rt_record *record;
    enum { INPUT_NEW, INPUT_TWICE, INPUT_LATE } input;
    bool timed;            /* what is decided now follows from the time, not from the record */
    bool answered, known;  /* a decision about its subject was made; the call was alive or a tombstone */
    struct agent *subject; /* of an agent-state */
    size_t n_queued, n_over, n_routed, n_abandoned, n_unserved;
    int64_t longest_ms[CF_POLICY_LOWEST_PRIORITY + 1];
};

struct model *model_new(struct cf_str domain, struct report *report);
void model_free(struct model *model);
/** A record of the log, valid until close. */
void model_open(struct model *model, const struct cf_rt_record *record);
void model_decision(struct model *model, const struct cf_call_routed *decision);
/** All decisions of the record have been seen. */
void model_close(struct model *model);
/** The end of the log. */
void model_finish(struct model *model);

/* ---- inside ---- */

#define FIND(model, invariant, ...) report_add((model)->report, (invariant), __VA_ARGS__)

/* model_match.c */
void skills_copy(struct skill_list *ret_list, const struct cf_skill *items, size_t n);
void skills_free(struct skill_list *list);
struct want *want_get(struct model *model, const struct cf_queue_policy *policy, size_t step,
                      const struct skill_list *more);
void want_drop(struct model *model, struct want *want);
struct kind *kind_get(struct model *model, struct cf_str team, const struct cf_skill *skills, size_t n);
void kind_drop(struct model *model, struct kind *kind);
bool fits(const struct want *want, const struct kind *kind);
/** The skill or team that is missing, as text; empty when it fits. */
void why_not(const struct want *want, const struct kind *kind, char *ret_text, size_t size);

/* model_places.c */
const struct cf_queue_policy *queue_policy(const struct model *model, struct cf_str id);
struct queue *queue_get(struct model *model, struct cf_str id);
void call_place(struct model *model, struct call *call);
void call_unplace(struct model *model, struct call *call);
/** Its stands anew after queue, step or policy changed; the call is in no line. */
void call_stand(struct model *model, struct call *call, struct cf_str queue_id);
void call_stand_at(struct model *model, struct call *call, size_t index, struct queue *queue);
/** `names`: more queues, with commas between. */
void call_stand_also(struct model *model, struct call *call, struct cf_str names);
void call_drop_stands(struct model *model, struct call *call, size_t from);
void call_touch(struct model *model, struct call *call);
void use_policy(struct model *model);

/* model_calls.c */
void call_over(struct model *model, struct call *call);
void call_free(struct model *model, struct call *call);
bool call_has_missed(const struct call *call, const struct agent *agent);
void tomb_add(struct model *model, struct cf_str id, bool queued);
void tombs_purge(struct model *model);
void on_queued(struct model *model, const struct cf_call_routed *d);
void on_call_decision(struct model *model, const struct cf_call_routed *d, struct call *call);

/* model_agents.c */
struct agent *agent_get(struct model *model, struct cf_str id);
void agent_set(struct model *model, struct agent *agent, enum agent_state state);
void agent_touch(struct model *model, struct agent *agent);
/** Takes over what an agent-state says, or notes that it is late or doubled. */
void agent_hear(struct model *model, const struct cf_agent_state *event);
void agent_settle(struct model *model, struct agent *agent);
void on_agent_decision(struct model *model, const struct cf_call_routed *d);
/** The agent fits one of the call's stands, before or after the record under way (`surely`: both). */
struct stand *stand_for(struct call *call, const struct agent *agent, bool surely);

/* model_cause.c */
void check_cause(struct model *model, const struct cf_call_routed *d, const struct call *call);

/* model_rest.c */
void check_offer(struct model *model, const struct cf_call_routed *d, struct call *call, struct agent *agent);
void check_rest(struct model *model);

#endif

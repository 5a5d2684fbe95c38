/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_priv - the state of one domain, shared by the engine's files.
 *
 * How matching stays cheap: calls with the same needs (teams and skills) share one *need*, agents with the
 * same team and skills share one *profile*; whether a profile serves a need never changes, and a *link* joins
 * each pair that fits. A need keeps its waiting calls in order, and a heap of the linked profiles that have
 * an available agent, keyed by the longest available one; a profile keeps its available agents in a list.
 * So a call finds its agent at the top of one heap, an agent its call by looking at the first call of each
 * need that the profile serves, and only a change of a profile's head touches its links.
 * Rule between the steps: no call waits while an agent that may take it is available (work conservation).
 * Needs, profiles and links follow from policy, calls and agents: they are no state of their own.
 */
#ifndef CF_ENGINE_PRIV_H
#define CF_ENGINE_PRIV_H

#include "engine/engine.h"
#include "engine/ids.h"
#include "engine/order.h"
#include "engine/policy_priv.h"

#define CF_ENGINE_FORMAT 2 /* of the stored objects */
#define CF_ENGINE_2020_MS 1577836800000LL
#define CF_ENGINE_T_MAX 253402300799999LL /* the end of year 9999 */
/* How far back a producer's queuedAt is believed; protects the order from clocks that are wrong. */
#define CF_ENGINE_BACKDATE_MS 60000
#define CF_ENGINE_AHEAD_MS 5000
/* A call that no call-ended ever closes: when its agent has left it, and when not. */
#define CF_ENGINE_LEFT_MS (15LL * 60 * 1000)
#define CF_ENGINE_TALK_MS (12LL * 3600 * 1000)

enum {
    CF_ENGINE_MAX_HOPS = 10,      /* overflows of one call; then it ends */
    CF_ENGINE_SPARE_NEEDS = 1024, /* unused needs kept for the next call that has them */
    CF_ENGINE_SPARE_PROFILES = 4096,
};

/* A call, a tombstone, a queue, an agent: what is found by id and written back. */
struct cf_object {
    struct cf_str id; /* first: it is kept in cf_ids */
    uint8_t kind;     /* enum cf_engine_kind */
    bool tomb;        /* of CALL: struct cf_tomb, not struct cf_call */
    bool deleted;     /* of CALL: waits for the next clear, then it is freed */
    uint32_t changed; /* 1 + its place among the changed ones, 0: unchanged */
    /* The id when it is short, so that finding an object touches one cache line less; else it is behind. */
    char short_id[40];
};

struct cf_alarm {
    int64_t due;  /* CF_ENGINE_NO_TIMER: off */
    uint32_t pos; /* 1 + its place in the heap, 0: off */
    struct cf_object *owner;
};

struct cf_need {
    struct cf_str id; /* canonical text of teams and skills */
    struct cf_policy_list teams;
    struct cf_policy_needs skills;
    enum cf_choice choice;
    size_t refs; /* calls and queues */
    struct cf_order waiting;
    struct cf_link **links; /* every profile that serves it */
    size_t n_links, size_links;
    struct cf_link **ready; /* heap: links whose profile has an available agent */
    size_t n_ready, size_ready;
    size_t n_staffed; /* agents that serve it and are neither idle nor offline */
};

struct cf_profile {
    struct cf_str id; /* canonical text of team and skills */
    struct cf_str team;
    struct cf_policy_needs skills;     /* ordered by name */
    size_t refs;                       /* agents */
    struct cf_agent *first, *last;     /* available ones, longest available first */
    struct cf_order by_calls, by_line; /* the same ones, while a queue of the policy chooses so */
    size_t n_staffed;
    struct cf_link **links; /* every need it serves */
    size_t n_links, size_links;
};

struct cf_link {
    struct cf_need *need;
    struct cf_profile *profile;
    size_t in_need, in_profile; /* places in their lists of links */
    size_t pos;                 /* 1 + place in the need's heap, 0: not in it */
    int64_t score;              /* how well the skills suit, for CF_CHOICE_BEST_SKILL */
    struct cf_order_key key;    /* of the profile's first agent as the need chooses, while in the heap */
};

struct cf_queue {
    struct cf_object o;
    const struct cf_queue_policy *policy;
    bool removed;         /* the policy no longer has it; calls that are talking may still name it */
    struct cf_need *need; /* of its calls that have no skills of their own; NULL when removed */
    struct cf_order waiting;
    int64_t handle_ms; /* moving mean of connected to ended */
    int64_t handled;
    int64_t last_wait_ms;  /* of the call connected last, -1: none yet; while it is asked for */
    struct cf_agent *ring; /* offered to last, where the choice is circular */
};

enum cf_call_state { CF_CALL_WAITING, CF_CALL_OFFERED, CF_CALL_CONNECTED };

/* Where a call stands in one of its queues. */
struct cf_place {
    struct cf_call *call;
    struct cf_queue *queue;
    struct cf_need *need;
    struct cf_order_node in_queue, in_need;
};

struct cf_call {
    struct cf_object o;
    uint8_t state; /* enum cf_call_state */
    bool acked;    /* the agent's phone rings */
    bool placed;   /* in the orders of its queues, and of its needs or its wishes */
    uint8_t priority, hops, n_missed;
    uint8_t step; /* of its queue's requirement steps, how many have expired */
    uint8_t n_more;
    struct cf_queue *queue; /* home; while offered and connected the one through which it was found */
    struct cf_agent *agent; /* offered or connected to; NULL: waiting, or the agent has left */
    struct cf_details *details;
    int64_t enqueued_at, in_queue_since, arrival, offered_at, connected_at, offer_seq;
    int64_t hold_until;    /* waits for a preferred agent only, 0: does not */
    struct cf_alarm timer; /* what happens next while it waits; end of a talk nobody closes */
    struct cf_place home;
    /* From here on what few calls have: the order of the members keeps it out of the cache. */
    struct cf_queue *saved_queue; /* where it waited at the last clear */
    struct cf_place *more;        /* queues it waits in at the same time */
    struct cf_hold *holds;        /* while placed and held */
    size_t n_holds;
    struct cf_caller *caller;                      /* or NULL */
    struct cf_agent *answered_by;                  /* or NULL */
    struct cf_agent *missed[CF_ENGINE_MAX_MISSED]; /* newest last */
};

/* A call that was over before it was heard of. */
struct cf_past_call {
    struct cf_str queued_reason;
    int64_t ended_at;
    bool served;
};

/* What a call carries; one block of memory with its texts. */
struct cf_details {
    struct cf_account account;
    struct cf_contact contact;
    struct cf_policy_needs skills;                  /* beyond the queue's */
    struct cf_str prefer[CF_POLICY_MAX_PREFER + 1]; /* agents to try first */
    size_t n_prefer;
    size_t n_cases;
    struct cf_case cases[];
};

/* A customer whose former call matters. */
struct cf_caller {
    struct cf_str id;
    struct cf_tomb *last; /* the youngest, NULL: none */
    size_t refs;          /* calls and tombstones */
    char text[];
};

/* What a tombstone keeps of a call whose end came first, or of a customer whose former calls matter. */
struct cf_memory {
    int64_t ended_at;         /* as the call-ended said */
    bool served;              /* it named an agent */
    bool abandoned;           /* and its place may be taken up again */
    struct cf_caller *caller; /* or NULL */
    struct cf_queue *queue;
    struct cf_agent *agent; /* who talked with him, or NULL */
    int64_t enqueued_at;
};

struct cf_tomb {
    struct cf_object o;
    int64_t at, number;       /* number: burials are counted, which orders those of one moment */
    bool queued;              /* a call-queued has been seen */
    bool ended;               /* a call-ended has been seen */
    struct cf_memory *memory; /* or NULL */
    struct cf_queue *saved_queue;
    struct cf_tomb *next; /* younger */
};

enum cf_agent_phase {
    CF_PHASE_OFFLINE,
    CF_PHASE_IDLE,
    CF_PHASE_AVAILABLE,
    CF_PHASE_RESERVED,
    CF_PHASE_CONNECTED,
    CF_PHASE_WRAPUP,
    CF_PHASE_PAUSED /* left alone for a while after an offer went wrong */
};

struct cf_agent {
    struct cf_object o;
    uint8_t phase;      /* enum cf_agent_phase */
    uint8_t last_state; /* enum cf_agent_status of the last event */
    bool loaded;        /* while loading: its own object has been read */
    int64_t last_at;    /* time of the last event */
    int64_t since;      /* of the phase */
    int64_t ready_seq;  /* order among agents available since the same moment */
    int64_t missed;     /* offers missed in a row */
    int64_t calls;      /* taken since logged in */
    struct cf_call *call;
    struct cf_profile *profile;
    struct cf_agent *prev, *next;           /* in the profile's list while available */
    struct cf_alarm timer;                  /* offer deadline; end of wrap-up, of a delay */
    char *name;                             /* or NULL */
    int64_t number;                         /* how many were known before: the last tie of all */
    int64_t line;                           /* place in line by the policy */
    struct cf_order_node by_calls, by_line; /* while available and the policy chooses so */
};

/* What policy and producer say about a new call. */
struct cf_plan {
    const struct cf_queue_policy *queue;
    struct cf_str reason; /* why this queue */
    int64_t priority;
    struct cf_skill skills[CF_ENGINE_MAX_SKILLS];
    size_t n_skills;
    struct cf_str prefer[CF_POLICY_MAX_PREFER + 1];
    size_t n_prefer;
    struct cf_policy_list queues; /* several at once: the first is `queue` */
    int64_t hold_ms;
    struct cf_str caller_id;
    const struct cf_caller *caller; /* NULL: not remembered */
    struct cf_buf rules;            /* ids of those that held */
};

struct cf_alarm_slot {
    int64_t due;
    struct cf_alarm *timer;
};

struct cf_engine {
    struct cf_str domain; /* a view of `name` */
    char *name;
    struct cf_policy *policy;
    const struct cf_domain_policy *rules;
    int64_t now, at; /* engine time; time of the decisions being made (a timer's due time) */
    int64_t offset, seq;
    struct cf_ids queues, calls, agents, needs, profiles, wishes, callers;
    size_t n_held;
    struct cf_agent *changed_agent; /* left duty or has other skills: who waits for him must know */
    size_t n_waiting, n_offered, n_connected, n_phase[CF_PHASE_PAUSED + 1];
    size_t n_spare_needs, n_spare_profiles;
    struct cf_tomb *oldest, *youngest;
    size_t n_tombs;
    int64_t n_buried;
    struct cf_alarm_slot *timers; /* heap */
    size_t n_timers, size_timers;
    bool tracking;
    struct cf_object **changed;
    size_t n_changed, size_changed;
    const struct cf_rt_record *record; /* being applied */
    bool timing;                       /* what was due before it happens first */
    cf_rt_decide_fn *fn;
    void *arg;
    struct cf_buf scratch; /* texts of the decision being made */
    struct cf_call_routed decision;
    struct cf_plan plan;
    bool policy_changed; /* since the last clear */
};

/* engine.c */
/** Zeroed, `size` bytes, with an id of its own. */
void *cf_engine_new_object(enum cf_engine_kind kind, size_t size, struct cf_str id);
void cf_engine_free_object(struct cf_object *object);

/* engine_changes.c */
void cf_engine_changed(struct cf_engine *engine, struct cf_object *object);

/* engine_decide.c: decisions. `call` and `agent` may be NULL. */
void cf_engine_decide(struct cf_engine *engine, struct cf_str what, const struct cf_call *call,
                      const struct cf_agent *agent, struct cf_str reason);
void cf_engine_decide_queued(struct cf_engine *engine, const struct cf_call *call, struct cf_str reason);
/** queued and at once abandoned, or ended when an agent served it. */
void cf_engine_decide_past(struct cf_engine *engine, const struct cf_call *call,
                           const struct cf_past_call *past);
/** offered, connected: with screen pop and cases. */
void cf_engine_decide_offer(struct cf_engine *engine, struct cf_str what, const struct cf_call *call,
                            struct cf_str reason);
void cf_engine_ignore(struct cf_engine *engine, struct cf_str call_id, struct cf_str agent_id,
                      struct cf_str reason);
/** "<domain>-<seq>" of the call's offer, in the scratch buffer. */
struct cf_str cf_engine_offer_id(struct cf_engine *engine, const struct cf_call *call);

/* engine_calls.c: the life of a call */
void cf_engine_on_call_queued(struct cf_engine *engine, const struct cf_call_queued *event);
void cf_engine_on_call_ended(struct cf_engine *engine, const struct cf_call_ended *event);
void cf_engine_on_call_timer(struct cf_engine *engine, struct cf_call *call);
void cf_engine_set_call_state(struct cf_engine *engine, struct cf_call *call, enum cf_call_state state);
struct cf_call *cf_engine_new_call(struct cf_engine *engine, struct cf_str id);

/* engine_wait.c: the life of a call while it waits */
/** Into its queue, or wherever that leads: full, closed, nobody there. */
void cf_engine_enter(struct cf_engine *engine, struct cf_call *call);
/** Gives the call to an agent or puts it into its queues. */
void cf_engine_seek_agent(struct cf_engine *engine, struct cf_call *call);
/** Takes a waiting call out of its queues. */
void cf_engine_unplace(struct cf_engine *engine, struct cf_call *call);
void cf_engine_place(struct cf_engine *engine, struct cf_call *call);
/** The queue that is its home from now on, and the need that follows. */
void cf_engine_set_queue(struct cf_engine *engine, struct cf_call *call, struct cf_queue *queue);
/** One more queue at the same time. */
void cf_engine_add_queue(struct cf_engine *engine, struct cf_call *call, struct cf_queue *queue);
/** Brings the others in line with the policy. */
void cf_engine_set_more(struct cf_engine *engine, struct cf_call *call);
void cf_engine_drop_more(struct cf_engine *engine, struct cf_call *call);
void cf_engine_on_wait_timer(struct cf_engine *engine, struct cf_call *call);

/* engine_hold.c: calls that wait for a preferred agent only */
void cf_engine_hold(struct cf_engine *engine, struct cf_call *call);
void cf_engine_unhold(struct cf_engine *engine, struct cf_call *call);
/** From now on any agent will do: says so and seeks one. */
void cf_engine_end_hold(struct cf_engine *engine, struct cf_call *call, struct cf_str reason);
/** Whether a preferred agent is on duty, so that waiting for him has a point. */
bool cf_engine_awaits(const struct cf_engine *engine, const struct cf_call *call);
/** The first call that waits for this agent and that he can take, NULL: none. */
struct cf_call *cf_engine_held_call(const struct cf_engine *engine, const struct cf_agent *agent);
/** After each change: nobody waits for who has gone. */
void cf_engine_recheck_holds(struct cf_engine *engine);
void cf_engine_free_holds(struct cf_engine *engine);

/* engine_callers.c: customers and their last call */
/** p = NULL: unknown, or nobody asks. */
struct cf_str cf_engine_caller_id(const struct cf_engine *engine, const struct cf_customer *customer);
/** Counts a reference; NULL for no id. */
struct cf_caller *cf_engine_caller(struct cf_engine *engine, struct cf_str id);
void cf_engine_drop_caller(struct cf_engine *engine, struct cf_caller *caller);
/** The tombstone's memory, made when it has none. */
struct cf_memory *cf_engine_memory(struct cf_tomb *tomb);
/** Takes over the reference. */
void cf_engine_remember(struct cf_caller *caller, struct cf_tomb *tomb);
void cf_engine_forget(struct cf_engine *engine, struct cf_tomb *tomb);
/** Whether the caller had abandoned this queue so shortly that the place is his again. */
bool cf_engine_resume(struct cf_engine *engine, struct cf_call *call);
void cf_engine_free_callers(struct cf_engine *engine);

/* engine_tombs.c */
/** The call is over: a tombstone takes its place. `ended`: a call-ended said so. */
void cf_engine_bury(struct cf_engine *engine, struct cf_call *call, bool ended);
struct cf_tomb *cf_engine_add_tomb(struct cf_engine *engine, struct cf_str id, bool queued, bool ended);
void cf_engine_purge_tombs(struct cf_engine *engine);

/* engine_plan.c: what the policy says about a call */
/** The plan is in the engine, until the next one is made. */
const struct cf_plan *cf_engine_plan(struct cf_engine *engine, const struct cf_call_queued *event);

/* engine_details.c */
/** At most CF_ENGINE_MAX_TEXT bytes, no UTF-8 character torn. */
struct cf_str cf_engine_cut(struct cf_str text);
struct cf_details *cf_engine_details(const struct cf_customer *customer, const struct cf_plan *plan);

/* engine_agents.c: the life of an agent */
void cf_engine_on_agent_state(struct cf_engine *engine, const struct cf_agent_state *event);
void cf_engine_on_agent_timer(struct cf_engine *engine, struct cf_agent *agent);
void cf_engine_set_phase(struct cf_engine *engine, struct cf_agent *agent, enum cf_agent_phase phase);
/** The agent is available, says so with the reason, and takes the next call. */
void cf_engine_ready(struct cf_engine *engine, struct cf_agent *agent, const struct cf_call *call,
                     struct cf_str reason);
/** The place in line that the policy gives. */
void cf_engine_find_turn(const struct cf_engine *engine, struct cf_agent *agent);
struct cf_agent *cf_engine_new_agent(struct cf_engine *engine, struct cf_str id);
void cf_engine_rename(struct cf_engine *engine, struct cf_agent *agent, struct cf_str name);

/* engine_offers.c: the life of an offer */
void cf_engine_offer(struct cf_engine *engine, struct cf_place *place, struct cf_agent *agent,
                     struct cf_str reason);
void cf_engine_connect(struct cf_engine *engine, struct cf_agent *agent);
/** Takes the offer back; the agent is left in phase RESERVED without a call: the caller sets the phase. The
 * call seeks another agent. */
void cf_engine_refuse(struct cf_engine *engine, struct cf_agent *agent, struct cf_str reason);
/** The agent of a connected call is free from it; the call stays until it ends. */
void cf_engine_leave(struct cf_engine *engine, struct cf_agent *agent);
/** Takes the talk that ends now into the queue's mean. */
void cf_engine_handled(struct cf_engine *engine, const struct cf_call *call);

/* engine_estimate.c */
/** An agent answered the call. */
void cf_engine_note_wait(struct cf_engine *engine, const struct cf_call *call);
/** Sets the estimate and its name; the position is set. */
void cf_engine_estimate(const struct cf_call *call, struct cf_call_routed *decision);

/* engine_match.c: needs and profiles */
/** What a queue asks for after `step` of its steps, and `more`. */
struct cf_need *cf_engine_need(struct cf_engine *engine, const struct cf_queue_policy *queue, size_t step,
                               struct cf_policy_needs more);
void cf_engine_drop_need(struct cf_engine *engine, struct cf_need *need);
struct cf_profile *cf_engine_profile(struct cf_engine *engine, struct cf_str team,
                                     struct cf_policy_needs skills);
/** Whether that profile is this one; `skills` in any order, each name once. */
bool cf_engine_is_profile(const struct cf_profile *profile, struct cf_str team,
                          struct cf_policy_needs skills);
void cf_engine_drop_profile(struct cf_engine *engine, struct cf_profile *profile);
int64_t cf_engine_score(const struct cf_need *need, const struct cf_profile *profile);
bool cf_engine_fits(const struct cf_need *need, const struct cf_profile *profile);
void cf_engine_staff(struct cf_profile *profile, bool more);

/* engine_pick.c: available agents, and the best pair */
void cf_engine_join(struct cf_engine *engine, struct cf_agent *agent);
void cf_engine_part(struct cf_agent *agent);
/** Puts the available agents in the orders that the policy asks for. */
void cf_engine_line_up(struct cf_engine *engine);
/** The profile's first available agent as the need chooses, NULL: none; and the one behind another. */
struct cf_agent *cf_engine_first_agent(const struct cf_need *need, const struct cf_profile *profile);
struct cf_agent *cf_engine_next_agent(const struct cf_need *need, const struct cf_agent *agent);
struct cf_order_key cf_engine_agent_key(const struct cf_link *link, const struct cf_agent *agent);
/** An available preferred agent, NULL: none. */
struct cf_agent *cf_engine_preferred(const struct cf_engine *engine, const struct cf_call *call);
/** The agent for the call in one of its places, NULL: none is available. Who missed the call counts only
 * when `again`. */
struct cf_agent *cf_engine_best_agent(const struct cf_call *call, const struct cf_place *place, bool again,
                                      struct cf_str *ret_reason);
/** The call for the agent, by one of its places; NULL: none waits. */
struct cf_place *cf_engine_best_call(const struct cf_engine *engine, const struct cf_agent *agent);

/* engine_links.c: the pairs of needs and profiles */
void cf_engine_link(struct cf_need *need, struct cf_profile *profile);
void cf_engine_unlink(struct cf_link *link);
/** The profile's first available agent changed. */
void cf_engine_relink(struct cf_profile *profile);

/* engine_timers.c */
void cf_engine_set_timer(struct cf_engine *engine, struct cf_alarm *timer, int64_t due);
/** Fires what is due at `now`. */
void cf_engine_run_timers(struct cf_engine *engine);

/* engine_policy.c */
void cf_engine_on_policy(struct cf_engine *engine, const struct cf_rt_record *record);
/** Makes the queues of the policy; takes over the reference. */
void cf_engine_use_policy(struct cf_engine *engine, struct cf_policy *policy);
/** The queue of that id, made as a removed one when the policy does not have it. */
struct cf_queue *cf_engine_queue(struct cf_engine *engine, struct cf_str id);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* policy_priv - the parsed policy as the engine reads it. Everything lives in the policy's arena. */
#ifndef CF_ENGINE_POLICY_PRIV_H
#define CF_ENGINE_POLICY_PRIV_H

#include <stdbool.h>

#include "arena/arena.h"
#include "engine/hours.h"
#include "engine/ids.h"
#include "engine/policy.h"
#include "event/event.h"

enum {
    CF_POLICY_MAX_DOMAINS = 1000,
    CF_POLICY_MAX_QUEUES = 10000, /* per domain */
    CF_POLICY_MAX_LIST = 10000,   /* entry points, teams, values of a list */
    CF_POLICY_MAX_RULES = 1000,
    CF_POLICY_MAX_NEEDS = 16, /* skills of a queue or a rule */
    CF_POLICY_MAX_PREFER = 4,
    CF_POLICY_MAX_STEPS = 8,  /* of a queue */
    CF_POLICY_MAX_QUEUED = 4, /* queues that a call is in at once */
    CF_POLICY_NORMAL_PRIORITY = 5,
    CF_POLICY_LOWEST_PRIORITY = 10,
};

struct cf_policy_list {
    const struct cf_str *items;
    size_t n;
};

struct cf_policy_needs {
    const struct cf_skill *items;
    size_t n;
};

enum cf_choice {
    CF_CHOICE_LONGEST_AVAILABLE,
    CF_CHOICE_BEST_SKILL,
    CF_CHOICE_FEWEST_CALLS,
    CF_CHOICE_CIRCULAR,
    CF_CHOICE_LINEAR
};
const char *cf_choice_name(enum cf_choice choice);

enum cf_estimate { CF_ESTIMATE_QUEUE_LENGTH, CF_ESTIMATE_LAST_WAIT, CF_ESTIMATE_NONE };

/* After so long in the queue a call asks for less: skills no longer asked for, others instead, more teams.
 * The steps add up. */
struct cf_step_policy {
    int64_t after_ms;
    struct cf_policy_list drop; /* "*": all */
    struct cf_policy_needs skills;
    struct cf_policy_list teams; /* "*": all */
};

/* Why a call leaves a queue unserved. */
enum cf_exit { CF_EXIT_MAX_WAIT, CF_EXIT_FULL, CF_EXIT_NO_AGENT, CF_EXIT_CLOSED, CF_EXITS };

struct cf_queue_policy {
    struct cf_str id; /* first: it is kept in cf_ids */
    struct cf_domain_policy *domain;
    bool strict;
    int64_t credit_ms; /* head start per priority step above normal */
    int64_t priority;  /* of calls that no rule and no producer gives one */
    int64_t offer_ms, max_wait_ms /* 0: none */, wrap_up_ms, wrap_up_max_ms, handle_ms;
    int64_t max_missed;
    /* After an offer went wrong, the agent is left alone so long; 0: not at all (busy: until he says so). */
    int64_t no_answer_delay_ms, reject_delay_ms, busy_delay_ms;
    enum cf_choice choice;
    enum cf_estimate estimate;
    struct cf_policy_needs skills;
    struct cf_policy_list teams; /* none: every team */
    struct {
        bool set;
        struct cf_str queue; /* p = NULL: the call ends */
    } exits[CF_EXITS];
    const struct cf_step_policy *steps;
    size_t n_steps;
    int64_t prefer_hold_ms;       /* 0: nobody waits for a preferred agent */
    int64_t max_calls;            /* 0: no limit */
    int64_t no_agent_ms;          /* -1: never looked at */
    int64_t resume_ms;            /* 0: who comes back starts anew */
    const struct cf_hours *hours; /* NULL: always open */
};

enum cf_policy_prefer {
    CF_PREFER_CASE_OWNER,
    CF_PREFER_ACCOUNT_OWNER,
    CF_PREFER_CONTACT_OWNER,
    CF_PREFER_LAST_AGENT
};

struct cf_attribute_rule {
    struct cf_str key;
    struct cf_policy_list values;
};

/* A condition that is absent holds. */
struct cf_rule {
    struct cf_str id;
    struct cf_policy_list tier, case_priority, language, customer, entry_point, queue;
    int open_case; /* -1: absent, else whether there must be one */
    const struct cf_attribute_rule *attributes;
    size_t n_attributes;
    int64_t repeat_within_ms; /* 0: absent, else the customer's last call ended so short ago */
    struct cf_policy_list to; /* queues, the first is home; none: unchanged */
    int64_t priority;         /* 0: unchanged */
    int64_t prefer_hold_ms;   /* -1: as the queue has it */
    struct cf_policy_needs skills;
    enum cf_policy_prefer prefer[CF_POLICY_MAX_PREFER];
    size_t n_prefer;
};

/* Where an entry point or a team leads: kept in cf_ids. */
struct cf_policy_target {
    struct cf_str id;
    struct cf_domain_policy *domain;
    struct cf_queue_policy *queue; /* of an entry point */
};

struct cf_domain_policy {
    struct cf_str id;
    struct cf_queue_policy *queues;
    size_t n_queues;
    struct cf_queue_policy *default_queue;
    struct cf_rule *rules;
    size_t n_rules;
    struct cf_ids line; /* struct cf_policy_turn: agents whose place in line is given */
    /* Whether some queue chooses by calls taken, by place in line: only then these orders are kept. */
    bool by_calls, by_line;
    bool remembers;      /* some rule or queue asks for a customer's former call */
    struct cf_ids hours; /* struct cf_hours */
};

struct cf_policy_turn {
    struct cf_str id; /* of the agent */
    int64_t turn;
};

struct cf_url_part {
    enum { CF_URL_TEXT, CF_URL_OBJECT, CF_URL_ID } kind;
    struct cf_str text;
};

struct cf_policy {
    struct cf_arena *arena;
    unsigned refs;
    int64_t version;
    struct cf_str text;
    struct cf_domain_policy *domains;
    size_t n_domains;
    struct cf_domain_policy *default_domain;
    struct cf_ids queues, entry_points, teams; /* over all domains; ids are unique */
    struct {
        struct cf_str object, instance;
        const struct cf_url_part *parts; /* of the address, in order */
        size_t n_parts;
    } screen_pop;
};

/** The domain's part; the default domain's when the policy does not name it. */
const struct cf_domain_policy *cf_policy_find(const struct cf_policy *policy, struct cf_str domain);
/** The queue of that id when it belongs to the domain. */
const struct cf_queue_policy *cf_policy_queue(const struct cf_policy *policy,
                                              const struct cf_domain_policy *domain, struct cf_str id);
bool cf_policy_list_has(struct cf_policy_list list, struct cf_str value);

/* policy_read.c: one value of the document each. `path` names the object, for messages. */
struct cf_policy_reader {
    struct cf_arena *arena;
    struct cf_err *err;
    struct cf_str text; /* of the document, for places in messages */
    char path[160];
};
/** An object with no members but the NULL-terminated `known` ones ("note" is always known). */
int cf_policy_check(struct cf_policy_reader *r, const struct cf_json *node, const char *const *known);
int cf_policy_fail(struct cf_policy_reader *r, const char *member, const char *must);
/** Leaves the value alone when the member is absent. */
int cf_policy_get_id(struct cf_policy_reader *r, const struct cf_json *object, const char *member,
                     struct cf_str *ret_value);
struct cf_policy_range {
    const char *member;
    int64_t *value;
    int64_t low, high;
};
int cf_policy_get_int(struct cf_policy_reader *r, const struct cf_json *object, struct cf_policy_range range);
/** One of the NULL-terminated `words`: its index. */
int cf_policy_get_word(struct cf_policy_reader *r, const struct cf_json *object, const char *member,
                       const char *const *words, int *ret_index);
/** A string or an array of strings. */
int cf_policy_get_list(struct cf_policy_reader *r, const struct cf_json *object, const char *member,
                       struct cf_policy_list *ret_list);
int cf_policy_get_needs(struct cf_policy_reader *r, const struct cf_json *object, const char *member,
                        struct cf_policy_needs *ret_needs);
/** policy_queue.c: `defaults` and `queues` of a domain. */
int cf_policy_read_queues(struct cf_policy_reader *r, struct cf_policy *policy, const struct cf_json *object,
                          struct cf_domain_policy *domain);
/** policy_steps.c: `steps` of a queue. */
int cf_policy_read_steps(struct cf_policy_reader *r, const struct cf_json *object,
                         struct cf_queue_policy *queue);
/** policy_hours.c: `hours` of a domain. */
int cf_policy_read_hours(struct cf_policy_reader *r, const struct cf_json *object,
                         struct cf_domain_policy *domain);
/** policy_screen.c */
int cf_policy_read_screen_pop(struct cf_policy_reader *r, struct cf_policy *policy,
                              const struct cf_json *root);
/** policy_rules.c: the `rules` array of a domain. */
int cf_policy_read_rules(struct cf_policy_reader *r, const struct cf_json *object,
                         struct cf_domain_policy *domain);

#endif

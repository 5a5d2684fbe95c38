/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/policy.h"

#include <stdlib.h>

#include "engine/policy_priv.h"

const struct cf_domain_policy *cf_policy_find(const struct cf_policy *policy, struct cf_str domain)
{
    for (size_t i = 0; i < policy->n_domains; i++) {
        if (cf_str_eq(policy->domains[i].id, domain))
            return &policy->domains[i];
    }
    return policy->default_domain;
}

const struct cf_queue_policy *cf_policy_queue(const struct cf_policy *policy,
                                              const struct cf_domain_policy *domain, struct cf_str id)
{
    const struct cf_queue_policy *queue = id.n > 0 ? cf_ids_get(&policy->queues, id) : NULL;

    return queue && queue->domain == domain ? queue : NULL;
}

bool cf_policy_list_has(struct cf_policy_list list, struct cf_str value)
{
    for (size_t i = 0; i < list.n; i++) {
        if (cf_str_eq_nocase(list.items[i], value))
            return true;
    }
    return false;
}

struct cf_policy *cf_policy_ref(struct cf_policy *policy)
{
    policy->refs++;
    return policy;
}

void cf_policy_unref(struct cf_policy *policy)
{
    if (!policy || --policy->refs > 0)
        return;
    for (size_t i = 0; i < policy->n_domains; i++)
        cf_ids_done(&policy->domains[i].line);
    for (size_t i = 0; i < policy->n_domains; i++)
        cf_ids_done(&policy->domains[i].hours);
    cf_ids_done(&policy->queues);
    cf_ids_done(&policy->entry_points);
    cf_ids_done(&policy->teams);
    cf_arena_free(policy->arena);
    free(policy);
}

int64_t cf_policy_version(const struct cf_policy *policy)
{
    return policy->version;
}

struct cf_str cf_policy_text(const struct cf_policy *policy)
{
    return policy->text;
}

size_t cf_policy_n_domains(const struct cf_policy *policy)
{
    return policy->n_domains;
}

struct cf_str cf_policy_domain(const struct cf_policy *policy, size_t index)
{
    return policy->domains[index].id;
}

struct cf_str cf_policy_call_domain(const struct cf_policy *policy, struct cf_str queue_id,
                                    struct cf_str entry_point_id)
{
    const struct cf_queue_policy *queue = queue_id.n > 0 ? cf_ids_get(&policy->queues, queue_id) : NULL;
    const struct cf_policy_target *entry =
        entry_point_id.n > 0 ? cf_ids_get(&policy->entry_points, entry_point_id) : NULL;

    if (queue)
        return queue->domain->id;
    return entry ? entry->domain->id : policy->default_domain->id;
}

struct cf_str cf_policy_team_domain(const struct cf_policy *policy, struct cf_str team_id)
{
    const struct cf_policy_target *team = team_id.n > 0 ? cf_ids_get(&policy->teams, team_id) : NULL;

    return team ? team->domain->id : policy->default_domain->id;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/policy_priv.h"
#include "engine/policy_where.h"
#include "json/json.h"

/* Small JSON makes large trees: about 80 bytes per 2 bytes of text at worst. */
#define ARENA_LIMIT (128UL * CF_POLICY_MAX_BYTES)
/* Offer ids are the domain, a hyphen and a number, and ids have at most 128 characters. */
#define MAX_DOMAIN_ID 100

static const char builtin[] =
    "{\"version\":0,\"domain\":\"default\",\"queues\":[{\"id\":\"support\"}],"
    "\"rules\":["
    "{\"when\":{\"tier\":[\"platinum\",\"gold\",\"high\",\"vip\"]},\"then\":{\"priority\":2}},"
    "{\"when\":{\"tier\":[\"silver\",\"medium\"]},\"then\":{\"priority\":4}},"
    "{\"when\":{\"casePriority\":[\"high\",\"critical\"]},\"then\":{\"priority\":3}},"
    "{\"when\":{\"openCase\":true},\"then\":{\"priority\":4}}]}";

static struct cf_queue_policy *own_queue(const struct cf_policy *policy,
                                         const struct cf_domain_policy *domain, struct cf_str id)
{
    struct cf_queue_policy *queue = cf_ids_get(&policy->queues, id);

    return queue && queue->domain == domain ? queue : NULL;
}

static int read_entry_points(struct cf_policy_reader *r, struct cf_policy *policy,
                             const struct cf_json *object, struct cf_domain_policy *domain)
{
    const struct cf_json *map = cf_json_get(object, "entryPoints");

    if (map && map->type != CF_JSON_OBJECT)
        return cf_policy_fail(r, "entryPoints", "must be an object: entry point to queue id");
    for (const struct cf_json *item = map ? map->u.first : NULL; item; item = item->next) {
        struct cf_policy_target *target = cf_arena_zalloc(r->arena, sizeof(*target));

        target->id = cf_arena_str(r->arena, item->key);
        target->domain = domain;
        target->queue = item->type == CF_JSON_STRING ? own_queue(policy, domain, item->u.str) : NULL;
        if (!target->queue)
            return cf_policy_fail(r, "entryPoints", "must lead to queues of the domain");
        if (cf_ids_get(&policy->entry_points, target->id))
            return cf_policy_fail(r, "entryPoints", "names an entry point that another domain has");
        cf_ids_put(&policy->entry_points, target);
    }
    return 0;
}

static int read_teams(struct cf_policy_reader *r, struct cf_policy *policy, const struct cf_json *object,
                      struct cf_domain_policy *domain)
{
    struct cf_policy_list teams = {0};

    if (cf_policy_get_list(r, object, "teams", &teams))
        return -1;
    for (size_t i = 0; i < teams.n; i++) {
        struct cf_policy_target *target = cf_arena_zalloc(r->arena, sizeof(*target));

        target->id = teams.items[i];
        target->domain = domain;
        if (cf_ids_get(&policy->teams, target->id))
            return cf_policy_fail(r, "teams", "names a team twice");
        cf_ids_put(&policy->teams, target);
    }
    return 0;
}

/* Who comes before whom where agents are chosen by their place in line. */
static int read_agents(struct cf_policy_reader *r, const struct cf_json *object,
                       struct cf_domain_policy *domain)
{
    struct cf_policy_list agents = {0};

    if (cf_policy_get_list(r, object, "agents", &agents))
        return -1;
    for (size_t i = 0; i < agents.n; i++) {
        struct cf_policy_turn *turn = cf_arena_zalloc(r->arena, sizeof(*turn));

        *turn = (struct cf_policy_turn){agents.items[i], (int64_t)i};
        if (cf_ids_get(&domain->line, turn->id))
            return cf_policy_fail(r, "agents", "names an agent twice");
        cf_ids_put(&domain->line, turn);
    }
    return 0;
}

static void set_path(struct cf_policy_reader *r, size_t end, const char *list, size_t index)
{
    (void)snprintf(r->path + end, sizeof(r->path) - end, "%s%s[%zu]", end ? "." : "", list, index);
}

static int check_rule_queues(struct cf_policy_reader *r, const struct cf_policy *policy,
                             const struct cf_domain_policy *domain, const struct cf_policy_list *to)
{
    for (size_t i = 0; i < to->n; i++) {
        if (!own_queue(policy, domain, to->items[i]))
            return cf_policy_fail(r, "then.queue", "must name a queue of the domain");
        for (size_t k = 0; k < i; k++) {
            if (cf_str_eq(to->items[i], to->items[k]))
                return cf_policy_fail(r, "then.queue", "names a queue twice");
        }
    }
    return 0;
}

/* Every queue that is spoken of must be one of the domain. */
static int check_references(struct cf_policy_reader *r, const struct cf_policy *policy,
                            const struct cf_domain_policy *domain)
{
    static const char *const members[CF_EXITS] = {"overflow.queue", "onFull.queue", "onNoAgent.queue",
                                                  "onClosed.queue"};
    size_t end = strlen(r->path);

    for (size_t i = 0; i < domain->n_queues * CF_EXITS; i++) {
        const struct cf_queue_policy *queue = &domain->queues[i / CF_EXITS];
        struct cf_str to = queue->exits[i % CF_EXITS].queue;

        set_path(r, end, "queues", i / CF_EXITS);
        if (to.p && (!own_queue(policy, domain, to) || cf_str_eq(to, queue->id)))
            return cf_policy_fail(r, members[i % CF_EXITS], "must name another queue of the domain");
    }
    for (size_t i = 0; i < domain->n_rules; i++) {
        set_path(r, end, "rules", i);
        if (check_rule_queues(r, policy, domain, &domain->rules[i].to))
            return -1;
    }
    r->path[end] = '\0';
    return 0;
}

static int read_domain(struct cf_policy_reader *r, struct cf_policy *policy, const struct cf_json *object,
                       struct cf_domain_policy *domain)
{
    struct cf_str default_queue = {0};

    if (cf_policy_read_queues(r, policy, object, domain) || read_entry_points(r, policy, object, domain) ||
        read_teams(r, policy, object, domain) || read_agents(r, object, domain) ||
        cf_policy_read_rules(r, object, domain) ||
        cf_policy_get_id(r, object, "defaultQueue", &default_queue) || check_references(r, policy, domain))
        return -1;
    domain->default_queue = default_queue.p ? own_queue(policy, domain, default_queue) : &domain->queues[0];
    return domain->default_queue ? 0 : cf_policy_fail(r, "defaultQueue", "must name a queue of the domain");
}

#define DOMAIN_MEMBERS                                                                                       \
    "queues", "hours", "defaults", "entryPoints", "teams", "agents", "rules", "defaultQueue"

static int read_domains(struct cf_policy_reader *r, struct cf_policy *policy, const struct cf_json *array)
{
    static const char *const members[] = {"id", DOMAIN_MEMBERS, NULL};
    size_t n = 0;

    if (array->type != CF_JSON_ARRAY || !array->u.first)
        return cf_policy_fail(r, "domains", "must be an array with at least one domain");
    for (const struct cf_json *node = array->u.first; node; node = node->next)
        n++;
    if (n > CF_POLICY_MAX_DOMAINS)
        return cf_policy_fail(r, "domains", "must hold at most 1000 domains");
    policy->domains = cf_arena_zalloc(r->arena, n * sizeof(*policy->domains));
    for (const struct cf_json *node = array->u.first; node; node = node->next) {
        struct cf_domain_policy *domain = &policy->domains[policy->n_domains];

        (void)snprintf(r->path, sizeof(r->path), "domains[%zu]", policy->n_domains);
        if (cf_policy_check(r, node, members) || cf_policy_get_id(r, node, "id", &domain->id))
            return -1;
        if (!domain->id.p || domain->id.n > MAX_DOMAIN_ID)
            return cf_policy_fail(r, "id", "must be a string of 1 to 100 characters");
        for (size_t i = 0; i < policy->n_domains; i++) {
            if (cf_str_eq(policy->domains[i].id, domain->id))
                return cf_policy_fail(r, "id", "names a domain that is there already");
        }
        policy->n_domains++;
        if (read_domain(r, policy, node, domain))
            return -1;
    }
    r->path[0] = '\0';
    return 0;
}

/* The document itself is one domain when it has no member "domains". */
static int read_all_domains(struct cf_policy_reader *r, struct cf_policy *policy, const struct cf_json *root)
{
    static const char *const one[] = {"version", "domain", "screenPop", DOMAIN_MEMBERS, NULL};
    static const char *const several[] = {"version", "domains", "defaultDomain", "screenPop", NULL};
    const struct cf_json *array = cf_json_get(root, "domains");
    struct cf_str default_domain = {0};

    if (cf_policy_check(r, root, array ? several : one) || cf_policy_read_screen_pop(r, policy, root))
        return -1;
    if (array) {
        if (read_domains(r, policy, array) || cf_policy_get_id(r, root, "defaultDomain", &default_domain))
            return -1;
        policy->default_domain = policy->domains;
        for (size_t i = 0; i < policy->n_domains; i++) {
            if (cf_str_eq(policy->domains[i].id, default_domain))
                policy->default_domain = &policy->domains[i];
        }
        if (default_domain.p && !cf_str_eq(policy->default_domain->id, default_domain))
            return cf_policy_fail(r, "defaultDomain", "must name one of the domains");
        return 0;
    }
    policy->domains = cf_arena_zalloc(r->arena, sizeof(*policy->domains));
    policy->n_domains = 1;
    policy->default_domain = policy->domains;
    policy->domains->id = CF_STR("default");
    if (cf_policy_get_id(r, root, "domain", &policy->domains->id))
        return -1;
    if (policy->domains->id.n > MAX_DOMAIN_ID)
        return cf_policy_fail(r, "domain", "must be a string of 1 to 100 characters");
    return read_domain(r, policy, root, policy->domains);
}

static int read_policy(struct cf_policy *policy, struct cf_arena *scratch, struct cf_str text,
                       struct cf_err *err)
{
    struct cf_policy_reader r = {.arena = policy->arena, .err = err, .text = text};
    struct cf_policy_range version = {"version", &policy->version, 0, INT64_C(1) << 53};
    const struct cf_json *root;
    struct cf_err json_err;

    if (text.n > CF_POLICY_MAX_BYTES)
        return cf_policy_fail(&r, "", "the document must not exceed 400 KiB");
    root = cf_json_parse(scratch, text, &json_err);
    if (!root) {
        struct cf_policy_place place = cf_policy_broken_at(text);

        return cf_err_set(err, CF_ERR_CONFIG, "policy", 0, "policy: line %zu, column %zu: %s", place.line,
                          place.column, json_err.text);
    }
    policy->text = cf_arena_str(policy->arena, text);
    policy->version = -1;
    if (read_all_domains(&r, policy, root) || cf_policy_get_int(&r, root, version))
        return -1;
    return policy->version >= 0 ? 0 : cf_policy_fail(&r, "version", "is required");
}

struct cf_policy *cf_policy_parse(struct cf_str text, struct cf_err *err)
{
    struct cf_policy *policy = cf_calloc(1, sizeof(*policy));
    struct cf_arena *scratch = cf_arena_new(ARENA_LIMIT);
    int rc;

    policy->refs = 1;
    policy->arena = cf_arena_new(ARENA_LIMIT);
    rc = read_policy(policy, scratch, text, err);
    cf_arena_free(scratch);
    if (rc) {
        cf_policy_unref(policy);
        return NULL;
    }
    return policy;
}

struct cf_policy *cf_policy_builtin(void)
{
    struct cf_err err;
    struct cf_policy *policy = cf_policy_parse(cf_str_of(builtin), &err);

    if (!policy)
        abort();
    return policy;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The address of the record that opens on the agent's desktop. */
#include <stdio.h>

#include "engine/policy_priv.h"

enum { MAX_TEMPLATE = 1024 };

/* The place holder that `rest` starts with; 0 characters when it starts with none. {instance} never changes
 * and becomes text at once. */
static size_t find_holder(const struct cf_policy *policy, struct cf_str rest, struct cf_url_part *ret_part)
{
    const struct {
        struct cf_str name;
        struct cf_url_part part;
    } holders[] = {{CF_STR("{instance}"), {CF_URL_TEXT, policy->screen_pop.instance}},
                   {CF_STR("{object}"), {.kind = CF_URL_OBJECT}},
                   {CF_STR("{id}"), {.kind = CF_URL_ID}}};

    for (size_t i = 0; i < sizeof(holders) / sizeof(holders[0]); i++) {
        if (cf_str_starts(rest, holders[i].name)) {
            *ret_part = holders[i].part;
            return holders[i].name.n;
        }
    }
    return 0;
}

static void cut_template(struct cf_policy *policy, struct cf_str rest)
{
    /* Each part takes a character at least. */
    struct cf_url_part *parts = cf_arena_zalloc(policy->arena, rest.n * sizeof(*parts));
    size_t n = 0;

    while (rest.n > 0) {
        size_t skip = find_holder(policy, rest, &parts[n]);

        if (skip == 0) {
            const char *brace = rest.n > 1 ? memchr(rest.p + 1, '{', rest.n - 1) : NULL;

            skip = brace ? (size_t)(brace - rest.p) : rest.n;
            parts[n] = (struct cf_url_part){CF_URL_TEXT, {rest.p, skip}};
        }
        n++;
        rest.p += skip;
        rest.n -= skip;
    }
    policy->screen_pop.parts = parts;
    policy->screen_pop.n_parts = n;
}

static int read_members(struct cf_policy_reader *r, struct cf_policy *policy, const struct cf_json *node)
{
    static const char *const members[] = {"urlTemplate", "object", "instance", NULL};
    struct cf_str object;

    if (cf_policy_check(r, node, members) ||
        cf_policy_get_id(r, node, "instance", &policy->screen_pop.instance) ||
        cf_policy_get_id(r, node, "object", &policy->screen_pop.object))
        return -1;
    object = policy->screen_pop.object;
    if (!cf_str_is(object, "Account") && !cf_str_is(object, "Contact") && !cf_str_is(object, "Case"))
        return cf_policy_fail(r, "object", "must be Account, Contact or Case");
    return 0;
}

int cf_policy_read_screen_pop(struct cf_policy_reader *r, struct cf_policy *policy,
                              const struct cf_json *root)
{
    const struct cf_json *node = cf_json_get(root, "screenPop");
    const struct cf_json *url = cf_json_get(node, "urlTemplate");
    struct cf_str text = CF_STR("https://{instance}/lightning/r/{object}/{id}/view");

    policy->screen_pop.object = CF_STR("Account");
    policy->screen_pop.instance = CF_STR("example.my.salesforce.com");
    (void)snprintf(r->path, sizeof(r->path), "screenPop");
    if (node && read_members(r, policy, node))
        return -1;
    if (url && (url->type != CF_JSON_STRING || url->u.str.n < 1 || url->u.str.n > MAX_TEMPLATE))
        return cf_policy_fail(r, "urlTemplate", "must be a string of 1 to 1024 characters");
    cut_template(policy, url ? cf_arena_str(r->arena, url->u.str) : text);
    r->path[0] = '\0';
    return 0;
}

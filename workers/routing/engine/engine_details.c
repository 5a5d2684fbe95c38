/* SPDX-License-Identifier: Apache-2.0 */
/* What a call carries along, copied into one block of memory. */
#include "engine/engine_priv.h"

struct cf_str cf_engine_cut(struct cf_str text)
{
    if (text.n <= CF_ENGINE_MAX_TEXT)
        return text;
    text.n = CF_ENGINE_MAX_TEXT;
    while (text.n > 0 && ((unsigned char)text.p[text.n] & 0xc0) == 0x80)
        text.n--;
    return text;
}

/* With `at` NULL only counts the bytes; else moves the text there. An absent text stays absent. */
static size_t move_id(struct cf_str *text, char **at)
{
    if (*at && text->p) {
        memcpy(*at, text->p, text->n);
        text->p = *at;
        *at += text->n;
    }
    return text->p ? text->n : 0;
}

static size_t move(struct cf_str *text, char **at)
{
    *text = cf_engine_cut(*text);
    return move_id(text, at);
}

static size_t move_customer(struct cf_details *d, char **at)
{
    size_t n = move_id(&d->account.id, at) + move(&d->account.name, at) + move(&d->account.tier, at) +
               move_id(&d->account.owner_id, at) + move_id(&d->contact.id, at) + move(&d->contact.name, at) +
               move_id(&d->contact.owner_id, at);

    for (size_t i = 0; i < d->n_cases; i++) {
        struct cf_case *c = &d->cases[i];

        n += move_id(&c->id, at) + move(&c->number, at) + move(&c->subject, at) + move(&c->status, at) +
             move(&c->priority, at) + move_id(&c->owner_id, at) + move(&c->created_at, at);
    }
    return n;
}

static size_t move_all(struct cf_details *d, struct cf_skill *skills, char **at)
{
    size_t n = move_customer(d, at);

    for (size_t i = 0; i < d->n_prefer; i++)
        n += move_id(&d->prefer[i], at);
    for (size_t i = 0; i < d->skills.n; i++)
        n += move_id(&skills[i].name, at) + move_id(&skills[i].text, at);
    return n;
}

/* Memory that only holds the cases there are. */
static size_t head_size(size_t n_cases)
{
    return offsetof(struct cf_details, cases) + n_cases * sizeof(struct cf_case);
}

struct cf_details *cf_engine_details(const struct cf_customer *customer, const struct cf_plan *plan)
{
    struct cf_details d = {.account = customer->account, .contact = customer->contact};
    struct cf_skill skills[CF_ENGINE_MAX_SKILLS];
    size_t head, n_skill_bytes = plan->n_skills * sizeof(struct cf_skill);
    char *block, *at = NULL;

    d.n_cases = customer->n_cases < CF_ENGINE_MAX_CASES ? customer->n_cases : CF_ENGINE_MAX_CASES;
    for (size_t i = 0; i < d.n_cases; i++)
        d.cases[i] = customer->cases[i];
    d.n_prefer = plan->n_prefer;
    memcpy(d.prefer, plan->prefer, plan->n_prefer * sizeof(d.prefer[0]));
    d.skills = (struct cf_policy_needs){skills, plan->n_skills};
    memcpy(skills, plan->skills, n_skill_bytes);
    head = head_size(d.n_cases);
    block = cf_calloc(1, head + n_skill_bytes + move_all(&d, skills, &at));
    at = block + head + n_skill_bytes;
    (void)move_all(&d, skills, &at);
    d.skills.items = (const struct cf_skill *)(const void *)(block + head);
    memcpy(block + head, skills, n_skill_bytes);
    memcpy(block, &d, head);
    return (struct cf_details *)(void *)block;
}

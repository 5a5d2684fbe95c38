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

/* Bytes of all texts. They are bounded one by one, so a sum that is a little too high does no harm. */
static size_t customer_bytes(const struct cf_customer *customer, size_t n_cases)
{
    const struct cf_account *a = &customer->account;
    const struct cf_contact *c = &customer->contact;
    size_t n = a->id.n + a->name.n + a->tier.n + a->owner_id.n + c->id.n + c->name.n + c->owner_id.n;

    for (size_t i = 0; i < n_cases; i++) {
        const struct cf_case *one = &customer->cases[i];

        n += one->id.n + one->number.n + one->subject.n + one->status.n + one->priority.n + one->owner_id.n +
             one->created_at.n;
    }
    return n;
}

static size_t plan_bytes(const struct cf_plan *plan)
{
    size_t n = plan->n_skills * sizeof(struct cf_skill);

    for (size_t i = 0; i < plan->n_prefer; i++)
        n += plan->prefer[i].n;
    for (size_t i = 0; i < plan->n_skills; i++)
        n += plan->skills[i].name.n + plan->skills[i].text.n;
    return n;
}

/* An absent text stays absent. */
static struct cf_str copy_id(char **at, struct cf_str text)
{
    struct cf_str own = {*at, text.n};

    if (!text.p)
        return (struct cf_str){0};
    memcpy(*at, text.p, text.n);
    *at += text.n;
    return own;
}

static struct cf_str copy(char **at, struct cf_str text)
{
    return copy_id(at, cf_engine_cut(text));
}

static void copy_customer(char **at, const struct cf_customer *from, struct cf_details *to)
{
    to->account.id = copy_id(at, from->account.id);
    to->account.name = copy(at, from->account.name);
    to->account.tier = copy(at, from->account.tier);
    to->account.owner_id = copy_id(at, from->account.owner_id);
    to->contact.id = copy_id(at, from->contact.id);
    to->contact.name = copy(at, from->contact.name);
    to->contact.owner_id = copy_id(at, from->contact.owner_id);
    for (size_t i = 0; i < to->n_cases; i++) {
        const struct cf_case *one = &from->cases[i];

        to->cases[i] = (struct cf_case){
            .id = copy_id(at, one->id),
            .number = copy(at, one->number),
            .subject = copy(at, one->subject),
            .status = copy(at, one->status),
            .priority = copy(at, one->priority),
            .owner_id = copy_id(at, one->owner_id),
            .created_at = copy(at, one->created_at),
        };
    }
}

/* One block: the struct with the cases there are, the skills, the texts. */
struct cf_details *cf_engine_details(const struct cf_customer *customer, const struct cf_plan *plan)
{
    size_t n_cases = customer->n_cases < CF_ENGINE_MAX_CASES ? customer->n_cases : CF_ENGINE_MAX_CASES;
    size_t head = sizeof(struct cf_details) + n_cases * sizeof(struct cf_case);
    struct cf_details *d = cf_realloc(NULL, head + plan_bytes(plan) + customer_bytes(customer, n_cases));
    struct cf_skill *skills = (struct cf_skill *)(void *)((char *)d + head);
    char *at = (char *)(skills + plan->n_skills);

    d->n_cases = n_cases;
    copy_customer(&at, customer, d);
    d->n_prefer = plan->n_prefer;
    for (size_t i = 0; i < plan->n_prefer; i++)
        d->prefer[i] = copy_id(&at, plan->prefer[i]);
    d->skills = (struct cf_policy_needs){skills, plan->n_skills};
    for (size_t i = 0; i < plan->n_skills; i++) {
        skills[i] = plan->skills[i];
        skills[i].name = copy_id(&at, plan->skills[i].name);
        skills[i].text = copy_id(&at, plan->skills[i].text);
    }
    return d;
}

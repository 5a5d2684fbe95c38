/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which records a WHERE can find at all, as far as its tests of phone fields say so: every arm of an OR must
 * name some, one arm of an AND is enough. The condition itself is still tested on each of them.
 */
#include "phones.h"
#include "soql_sql_priv.h"

#define PATTERN_DIGITS_MIN 5 /* fewer are in too many phones */

struct search {
    const struct sql_scope *scope;
    struct sf_phones_found *found;
};

static size_t digits_of(struct cf_str text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] >= '0' && text.p[i] <= '9';
    return n;
}

static bool from_values(const struct search *search, const struct soql_cond *test, size_t field)
{
    for (const struct soql_literal *value = test->value; value; value = value->next) {
        if (value->kind != SOQL_STRING || value->text.n == 0)
            return false;
        if (!sf_phones_find(search->scope->compiler->opts->store, search->scope->object, field,
                            sf_phones_tally(value->text), false, search->found))
            return false;
    }
    return test->value != NULL;
}

static bool from_pattern(const struct search *search, const struct soql_cond *test, size_t field)
{
    const struct soql_literal *value = test->value;

    return value && value->kind == SOQL_STRING && digits_of(value->text) >= PATTERN_DIGITS_MIN &&
           sf_phones_find(search->scope->compiler->opts->store, search->scope->object, field,
                          sf_phones_tally(value->text), true, search->found);
}

static bool from_test(const struct search *search, const struct soql_cond *test)
{
    const struct sf_object *object = search->scope->object;
    const struct sf_field *field = test->path.n == 1 ? sf_field_find(object, test->path.part[0]) : NULL;

    if (!field || field->type != SF_T_PHONE || field->via || test->semi_join)
        return false;
    if (test->op == SOQL_EQ || test->op == SOQL_IN)
        return from_values(search, test, (size_t)(field - object->fields));
    return test->op == SOQL_LIKE && from_pattern(search, test, (size_t)(field - object->fields));
}

static bool from_cond(const struct search *search, const struct soql_cond *cond)
{
    if (cond->kind == SOQL_TEST)
        return from_test(search, cond);
    if (cond->kind == SOQL_NOT)
        return false;
    for (size_t i = 0; i < cond->n_arms; i++) {
        size_t before = search->found->n;
        bool named = from_cond(search, cond->arm[i]);

        if (cond->kind == SOQL_OR && !named)
            return false;
        if (cond->kind == SOQL_AND && named)
            return true;
        if (!named)
            search->found->n = before; /* what half an arm of an AND has left */
    }
    return cond->kind == SOQL_OR;
}

bool sql_candidates(struct sql_scope *scope, const struct soql_cond *cond)
{
    struct sql_compiler *compiler = scope->compiler;
    struct sf_phones_found *found;
    size_t places = 4;

    if (!compiler->opts->store)
        return false;
    found = cf_arena_alloc(compiler->arena, sizeof(*found));
    found->n = 0;
    if (!from_cond(&(struct search){scope, found}, cond))
        return false;
    sf_phones_unique(found);
    while (places < found->n)
        places *= 2; /* few different statements: they are cached by their text */
    cf_buf_printf(&scope->where, " AND t%u.Id IN (", scope->table);
    for (size_t i = 0; i < places; i++) {
        cf_buf_text(&scope->where, i > 0 ? ", " : "");
        sql_put_text(compiler, &scope->where, i < found->n ? cf_str_of(found->id[i]) : (struct cf_str){0});
    }
    cf_buf_char(&scope->where, ')');
    return true;
}

static bool is_like(const struct soql_cond *cond)
{
    return cond->kind == SOQL_TEST && cond->op == SOQL_LIKE && cond->path.n == 1;
}

static struct soql_cond *like_of(struct soql_cond *const *arms, size_t n, struct cf_str name)
{
    for (size_t i = 0; i < n; i++) {
        if (is_like(arms[i]) && cf_str_eq_nocase(arms[i]->path.part[0], name))
            return arms[i];
    }
    return NULL;
}

void sql_merge_likes(struct soql_cond *cond)
{
    size_t kept = 0;

    if (cond->kind == SOQL_TEST)
        return;
    for (size_t i = 0; i < cond->n_arms; i++) {
        struct soql_cond *arm = cond->arm[i], *first = NULL;

        if (cond->kind == SOQL_OR && is_like(arm))
            first = like_of(cond->arm, kept, arm->path.part[0]);
        if (first) {
            arm->value->next = first->value->next;
            first->value->next = arm->value;
            continue;
        }
        sql_merge_likes(arm);
        cond->arm[kept++] = arm;
    }
    cond->n_arms = kept;
}

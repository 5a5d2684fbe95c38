/* SPDX-License-Identifier: Apache-2.0 */
/* WHERE. AND and OR do not mix without parentheses: Salesforce rejects that too. */
#include "soql_priv.h"

#define MAX_ARMS 20000
#define ARM_BYTES sizeof(void *) /* of one element of soql_cond.arm */

static struct soql_cond *parse_simple(struct soql_parser *parser);

static struct soql_cond *new_cond(struct soql_parser *parser, enum soql_cond_kind kind)
{
    struct soql_cond *cond = cf_arena_zalloc(parser->arena, sizeof(*cond));

    cond->kind = kind;
    return cond;
}

/* One of = != <> < <= > >=. */
static bool take_symbol(struct soql_parser *parser, enum soql_op *ret_op)
{
    static const struct {
        const char *text;
        enum soql_op op;
    } ops[] = {{"=", SOQL_EQ},  {"!=", SOQL_NE}, {"<>", SOQL_NE}, {"<", SOQL_LT},
               {"<=", SOQL_LE}, {">", SOQL_GT},  {">=", SOQL_GE}};

    for (size_t i = 0; parser->token.kind == SOQL_TOK_OPERATOR && i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (!cf_str_is(parser->token.text, ops[i].text))
            continue;
        *ret_op = ops[i].op;
        soql_next(parser);
        return true;
    }
    return false;
}

static bool take_operator(struct soql_parser *parser, enum soql_op *ret_op)
{
    if (take_symbol(parser, ret_op))
        return true;
    if (soql_take_word(parser, "like"))
        *ret_op = SOQL_LIKE;
    else if (soql_take_word(parser, "in"))
        *ret_op = SOQL_IN;
    else if (soql_take_word(parser, "not") && soql_need_word(parser, "in"))
        *ret_op = SOQL_NOT_IN;
    else
        return soql_unexpected(parser);
    return true;
}

static bool parse_list(struct soql_parser *parser, struct soql_cond *test)
{
    struct soql_literal **tail = &test->value;

    do {
        *tail = cf_arena_zalloc(parser->arena, sizeof(**tail));
        if (!soql_parse_literal(parser, false, *tail))
            return false;
        tail = &(*tail)->next;
    } while (soql_take_punct(parser, ','));
    return soql_need_punct(parser, ')');
}

static bool parse_set(struct soql_parser *parser, struct soql_cond *test)
{
    if (!soql_need_punct(parser, '('))
        return false;
    if (!soql_at_word(parser, "select"))
        return parse_list(parser, test);
    if (parser->in_child)
        return soql_reject(parser, parser->token.pos, "Nesting of semi join sub-selects is not supported");
    parser->in_child = true;
    test->semi_join = soql_parse_select(parser);
    parser->in_child = false;
    if (test->semi_join && (test->semi_join->order || test->semi_join->limit >= 0))
        return soql_reject(parser, parser->token.pos,
                           "ORDER BY and LIMIT are not allowed in a semi join sub-select");
    return test->semi_join && soql_need_punct(parser, ')');
}

static struct soql_cond *parse_test(struct soql_parser *parser)
{
    struct soql_cond *test = new_cond(parser, SOQL_TEST);

    if (!soql_parse_path(parser, &test->path) || !take_operator(parser, &test->op))
        return NULL;
    if (test->op == SOQL_IN || test->op == SOQL_NOT_IN)
        return parse_set(parser, test) ? test : NULL;
    test->value = cf_arena_zalloc(parser->arena, sizeof(*test->value));
    return soql_parse_literal(parser, test->op == SOQL_LIKE, test->value) ? test : NULL;
}

static struct soql_cond *parse_not(struct soql_parser *parser)
{
    struct soql_cond *cond = new_cond(parser, SOQL_NOT);

    cond->arm = cf_arena_zalloc(parser->arena, ARM_BYTES);
    cond->n_arms = 1;
    cond->arm[0] = parse_simple(parser);
    return cond->arm[0] ? cond : NULL;
}

static struct soql_cond *parse_simple(struct soql_parser *parser)
{
    struct soql_cond *cond;

    if (++parser->depth > SOQL_MAX_DEPTH) {
        (void)soql_reject(parser, parser->token.pos, "conditions are nested too deeply");
        return NULL;
    }
    if (soql_take_word(parser, "not")) {
        cond = parse_not(parser);
    } else if (soql_take_punct(parser, '(')) {
        cond = soql_parse_or(parser);
        if (cond && !soql_need_punct(parser, ')'))
            cond = NULL;
    } else {
        cond = parse_test(parser);
    }
    parser->depth--;
    return cond;
}

/* Arms double in place; the arena keeps the old arrays, at most as much again. */
static bool add_arm(struct soql_parser *parser, struct soql_cond *cond, size_t *size, struct soql_cond *arm)
{
    if (!arm)
        return false;
    if (cond->n_arms >= MAX_ARMS)
        return soql_reject(parser, parser->token.pos, "too many conditions");
    if (cond->n_arms == *size) {
        struct soql_cond **grown = cf_arena_alloc(parser->arena, 2 * *size * ARM_BYTES);

        memcpy((void *)grown, (const void *)cond->arm, cond->n_arms * ARM_BYTES);
        cond->arm = grown;
        *size *= 2;
    }
    cond->arm[cond->n_arms++] = arm;
    return true;
}

struct soql_cond *soql_parse_or(struct soql_parser *parser)
{
    bool starts_with_not = soql_at_word(parser, "not");
    struct soql_cond *first = parse_simple(parser), *all;
    const char *word = soql_at_word(parser, "and") ? "and" : soql_at_word(parser, "or") ? "or" : NULL;
    size_t size = 2;

    if (!first || !word)
        return first;
    if (starts_with_not && first->kind == SOQL_NOT) {
        (void)soql_unexpected(parser); /* (NOT x) AND y needs its parentheses */
        return NULL;
    }
    all = new_cond(parser, word[0] == 'a' ? SOQL_AND : SOQL_OR);
    all->arm = cf_arena_alloc(parser->arena, size * ARM_BYTES);
    all->arm[all->n_arms++] = first;
    while (soql_take_word(parser, word)) {
        if (soql_at_word(parser, "not") && !soql_unexpected(parser)) /* here too */
            return NULL;
        if (!add_arm(parser, all, &size, parse_simple(parser)))
            return NULL;
    }
    return all;
}

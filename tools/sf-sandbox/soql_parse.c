/* SPDX-License-Identifier: Apache-2.0 */
/* Statements: SELECT list, FROM, and what comes behind WHERE. Recursive descent, bounded. */
#include "soql_priv.h"

#define MAX_COUNT 9000000000LL
#define MAX_GROUP 5

/* Words that end a list of names, so they cannot be an alias. */
static bool at_clause(const struct soql_parser *parser)
{
    static const char *const words[] = {"where",  "order", "limit",  "offset", "group", "for",
                                        "having", "with",  "using",  "from",   "all",   "asc",
                                        "desc",   "nulls", "select", "and",    "or",    "not"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (soql_at_word(parser, words[i]))
            return true;
    }
    return false;
}

static bool starts_with_digit(struct cf_str text)
{
    return text.p[0] >= '0' && text.p[0] <= '9';
}

bool soql_parse_path(struct soql_parser *parser, struct soql_path *ret_path)
{
    struct cf_str part[SOQL_MAX_PARTS];
    unsigned n = 0;

    ret_path->pos = parser->token.pos;
    do {
        if (parser->token.kind != SOQL_TOK_NAME || starts_with_digit(parser->token.text))
            return soql_unexpected(parser);
        if (n == SOQL_MAX_PARTS)
            return soql_reject(parser, ret_path->pos, "a field path may not go up more than %d relationships",
                               SOQL_MAX_PARTS - 1);
        part[n++] = parser->token.text;
        soql_next(parser);
    } while (soql_take_punct(parser, '.'));
    ret_path->part = cf_arena_alloc(parser->arena, n * sizeof(part[0]));
    memcpy(ret_path->part, part, n * sizeof(part[0]));
    ret_path->n = n;
    return true;
}

static bool parse_fields_item(struct soql_parser *parser, struct soql_item *item)
{
    item->kind = SOQL_FIELDS;
    if (soql_take_word(parser, "all"))
        item->fields = SOQL_FIELDS_ALL;
    else if (soql_take_word(parser, "standard"))
        item->fields = SOQL_FIELDS_STANDARD;
    else if (soql_take_word(parser, "custom"))
        item->fields = SOQL_FIELDS_CUSTOM;
    else
        return soql_unexpected(parser);
    return soql_need_punct(parser, ')');
}

/* NAME ( ... : the current token is behind the parenthesis. */
static bool parse_function(struct soql_parser *parser, struct soql_item *item)
{
    static const struct {
        const char *name;
        enum soql_function function;
    } functions[] = {{"count", SOQL_COUNT}, {"count_distinct", SOQL_COUNT_DISTINCT},
                     {"sum", SOQL_SUM},     {"avg", SOQL_AVG},
                     {"min", SOQL_MIN},     {"max", SOQL_MAX}};
    struct cf_str name = item->path.part[0];

    if (item->path.n == 1 && cf_str_eq_nocase(name, CF_STR("fields")))
        return parse_fields_item(parser, item);
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (item->path.n != 1 || !cf_str_eq_nocase(name, cf_str_of(functions[i].name)))
            continue;
        item->function = functions[i].function;
        item->kind = SOQL_AGGREGATE;
        if (i == 0 && soql_take_punct(parser, ')')) {
            item->kind = SOQL_COUNT_ALL;
            return true;
        }
        return soql_parse_path(parser, &item->path) && soql_need_punct(parser, ')');
    }
    return soql_reject(parser, item->pos, "Invalid aggregate function: %.*s", name.n > 60 ? 60 : (int)name.n,
                       name.p);
}

static bool parse_children(struct soql_parser *parser, struct soql_item *item)
{
    item->kind = SOQL_CHILDREN;
    soql_next(parser);
    if (parser->in_child)
        return soql_reject(parser, parser->token.pos, "child queries inside child queries are not supported");
    if (!soql_at_word(parser, "select"))
        return soql_unexpected(parser);
    parser->in_child = true;
    item->children = soql_parse_select(parser);
    parser->in_child = false;
    return item->children && soql_need_punct(parser, ')');
}

static bool parse_item(struct soql_parser *parser, struct soql_item *item)
{
    item->pos = parser->token.pos;
    if (soql_at_punct(parser, '('))
        return parse_children(parser, item);
    if (!soql_parse_path(parser, &item->path))
        return false;
    if (soql_take_punct(parser, '(') && !parse_function(parser, item))
        return false;
    if (parser->token.kind == SOQL_TOK_NAME && !at_clause(parser) && item->kind != SOQL_FIELDS) {
        item->alias = parser->token.text;
        soql_next(parser);
    }
    return true;
}

bool soql_parse_items(struct soql_parser *parser, struct soql_query *query)
{
    struct soql_item **tail = &query->items;

    do {
        *tail = cf_arena_zalloc(parser->arena, sizeof(**tail));
        if (!parse_item(parser, *tail))
            return false;
        tail = &(*tail)->next;
    } while (soql_take_punct(parser, ','));
    return true;
}

bool soql_parse_count(struct soql_parser *parser, int64_t *ret_count)
{
    uint64_t value;

    if (parser->token.kind != SOQL_TOK_NUMBER || !cf_str_u64(parser->token.text, &value) || value > MAX_COUNT)
        return soql_unexpected(parser);
    *ret_count = (int64_t)value;
    soql_next(parser);
    return true;
}

static bool parse_group(struct soql_parser *parser, struct soql_query *query)
{
    query->group = cf_arena_zalloc(parser->arena, MAX_GROUP * sizeof(query->group[0]));
    do {
        if (query->n_group == MAX_GROUP)
            return soql_reject(parser, parser->token.pos, "too many fields in GROUP BY");
        if (!soql_parse_path(parser, &query->group[query->n_group++]))
            return false;
    } while (soql_take_punct(parser, ','));
    return true;
}

static bool parse_order(struct soql_parser *parser, struct soql_query *query)
{
    struct soql_order **tail = &query->order;

    do {
        struct soql_order *order = *tail = cf_arena_zalloc(parser->arena, sizeof(*order));

        tail = &order->next;
        if (!soql_parse_path(parser, &order->path))
            return false;
        if (soql_take_word(parser, "desc"))
            order->descending = true;
        else
            (void)soql_take_word(parser, "asc");
        if (soql_take_word(parser, "nulls")) {
            order->nulls_last = soql_at_word(parser, "last");
            if (!soql_take_word(parser, "last") && !soql_need_word(parser, "first"))
                return false;
        }
    } while (soql_take_punct(parser, ','));
    return true;
}

/* FOR VIEW and FOR REFERENCE only touch "recently used" lists, which the sandbox has not. */
static bool parse_for(struct soql_parser *parser)
{
    do {
        if (!soql_take_word(parser, "view") && !soql_need_word(parser, "reference"))
            return false;
    } while (soql_take_word(parser, "for"));
    return true;
}

bool soql_parse_tail(struct soql_parser *parser, struct soql_query *query)
{
    if (soql_take_word(parser, "where") && !(query->where = soql_parse_or(parser)))
        return false;
    if (soql_take_word(parser, "group") && (!soql_need_word(parser, "by") || !parse_group(parser, query)))
        return false;
    if (soql_take_word(parser, "order") && (!soql_need_word(parser, "by") || !parse_order(parser, query)))
        return false;
    if (soql_take_word(parser, "limit") && !soql_parse_count(parser, &query->limit))
        return false;
    if (soql_take_word(parser, "offset") && !soql_parse_count(parser, &query->offset))
        return false;
    return true;
}

static bool parse_from(struct soql_parser *parser, struct soql_query *query)
{
    struct soql_path path = {0};

    query->from_pos = parser->token.pos;
    if (!soql_parse_path(parser, &path))
        return false;
    if (path.n != 1)
        return soql_reject(parser, path.pos, "only one object is supported in FROM");
    query->from = path.part[0];
    (void)soql_take_word(parser, "as");
    if (parser->token.kind == SOQL_TOK_NAME && !at_clause(parser)) {
        query->alias = parser->token.text;
        soql_next(parser);
    }
    if (soql_at_punct(parser, ','))
        return soql_reject(parser, parser->token.pos, "only one object is supported in FROM");
    return true;
}

struct soql_query *soql_parse_select(struct soql_parser *parser)
{
    struct soql_query *query = cf_arena_zalloc(parser->arena, sizeof(*query));

    query->limit = query->offset = -1;
    if (!soql_need_word(parser, "select") || !soql_parse_items(parser, query) ||
        !soql_need_word(parser, "from") || !parse_from(parser, query) || !soql_parse_tail(parser, query))
        return NULL;
    return query;
}

struct soql_query *soql_parse(struct cf_arena *arena, struct cf_str text, int64_t now_ms,
                              struct sf_fail *fail)
{
    struct soql_parser parser = {
        .arena = arena, .text = text, .now_ms = now_ms, .fail = fail, .fail_code = "MALFORMED_QUERY"};
    struct soql_query *query;

    if (text.n > SF_SOQL_MAX_CHARS) {
        (void)soql_fail(fail, "QUERY_TOO_COMPLICATED", text, 0, "SOQL statement is longer than %d characters",
                        SF_SOQL_MAX_CHARS);
        return NULL;
    }
    soql_next(&parser);
    query = soql_parse_select(&parser);
    if (query && soql_take_word(&parser, "for") && !parse_for(&parser))
        return NULL;
    if (query && parser.token.kind != SOQL_TOK_END) {
        (void)soql_unexpected(&parser);
        return NULL;
    }
    return query;
}

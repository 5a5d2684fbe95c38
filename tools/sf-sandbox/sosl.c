/* SPDX-License-Identifier: Apache-2.0 */
/* Searches: FIND statements and parameterizedSearch requests, both brought to one form and run on the index.
 */
#include "sosl.h"

#include "soql_priv.h"
#include "soql_run.h"

#define MAX_RETURNING 20
#define REQUEST_BYTES ((size_t)64 << 10)

struct returning {
    struct cf_str text; /* what `query` was parsed from, for messages */
    struct soql_query *query;
};

struct search {
    struct sf_store *store;
    struct cf_arena *arena;
    struct sf_fail *fail;
    struct sosl_term *term;
    enum sosl_scope scope;
    struct returning returning[MAX_RETURNING];
    size_t n_returning;
    int64_t limit;
    int64_t now_ms;
};

/* ---- the term in SQL ---- */

static const char *kinds_of(enum sosl_scope scope)
{
    switch (scope) {
    case SOSL_NAME_FIELDS:
        return "1";
    case SOSL_EMAIL_FIELDS:
        return "2";
    case SOSL_PHONE_FIELDS:
        return "3";
    case SOSL_ALL_FIELDS:
        break;
    }
    return "1, 2, 4";
}

static void put_token(const struct search *search, struct sql_compiler *compiler, struct cf_buf *out,
                      const char *token, bool wildcard)
{
    cf_buf_text(out, wildcard ? "token GLOB " : "token = ");
    sql_put_text(compiler, out, cf_str_of(token));
    cf_buf_text(out, " AND visible_ms <= ");
    sql_put_integer(compiler, out, search->now_ms);
    cf_buf_text(out, " AND (hidden_ms IS NULL OR hidden_ms > ");
    sql_put_integer(compiler, out, search->now_ms);
    cf_buf_char(out, ')');
}

/* The words of a phrase must be in one field, other words anywhere in the record. */
static void put_words(const struct search *search, const struct sosl_term *term,
                      struct sql_compiler *compiler, struct cf_buf *out, const char *id)
{
    if (term->phrase)
        cf_buf_printf(out, "%s IN (SELECT id FROM (", id);
    for (unsigned i = 0; i < term->n_words; i++) {
        if (term->phrase)
            cf_buf_printf(out, "%sSELECT id, field FROM sf_token WHERE kind IN (%s) AND ",
                          i > 0 ? " INTERSECT " : "", kinds_of(search->scope));
        else
            cf_buf_printf(out, "%s%s IN (SELECT id FROM sf_token WHERE kind IN (%s) AND ",
                          i > 0 ? " AND " : "", id, kinds_of(search->scope));
        put_token(search, compiler, out, term->word[i].text, term->word[i].wildcard);
        cf_buf_text(out, term->phrase ? "" : ")");
    }
    if (term->phrase)
        cf_buf_text(out, "))");
}

static void put_phone(const struct search *search, const struct sosl_term *term,
                      struct sql_compiler *compiler, struct cf_buf *out, const char *id)
{
    const char *digits = term->digits;

    if (term->digits_wildcard)
        digits = cf_arena_printf(search->arena, "%s*", digits).p;
    cf_buf_printf(out, "%s IN (SELECT id FROM sf_token WHERE kind = %d AND ", id, SF_INDEX_PHONE);
    put_token(search, compiler, out, digits, term->digits_wildcard);
    cf_buf_char(out, ')');
}

static void put_run(const struct search *search, const struct sosl_term *term, struct sql_compiler *compiler,
                    struct cf_buf *out, const char *id)
{
    bool phones = search->scope == SOSL_PHONE_FIELDS || search->scope == SOSL_ALL_FIELDS;
    bool words = search->scope != SOSL_PHONE_FIELDS && term->n_words > 0;

    phones = phones && term->digits[0];
    if (words)
        put_words(search, term, compiler, out, id);
    if (words && phones)
        cf_buf_text(out, " OR ");
    if (phones)
        put_phone(search, term, compiler, out, id);
    if (!words && !phones)
        cf_buf_char(out, '0');
}

static void put_term(const struct search *search, const struct sosl_term *term, struct sql_compiler *compiler,
                     struct cf_buf *out, const char *id)
{
    cf_buf_char(out, '(');
    if (term->kind == SOSL_RUN) {
        put_run(search, term, compiler, out, id);
    } else {
        put_term(search, term->left, compiler, out, id);
        cf_buf_text(out, term->kind == SOSL_OR ? " OR " : term->kind == SOSL_AND ? " AND " : " AND NOT ");
        put_term(search, term->right, compiler, out, id);
    }
    cf_buf_char(out, ')');
}

static void filter(void *arg, struct sql_compiler *compiler, struct cf_buf *where, const char *id)
{
    const struct search *search = arg;

    put_term(search, search->term, compiler, where, id);
}

/* ---- running ---- */

static int run_one(struct search *search, const struct returning *returning, json_t **ret_records)
{
    struct sql_opts opts = {.rows = search->limit, .filter = filter, .filter_arg = search};
    const struct sf_object *object = sf_object_find(returning->query->from);
    struct sql_plan *plan;

    for (const struct soql_item *item = returning->query->items; item; item = item->next) {
        if (item->kind != SOQL_FIELD && item->kind != SOQL_FIELDS)
            return soql_fail(search->fail, "MALFORMED_SEARCH", returning->text, item->pos,
                             "only fields are supported in RETURNING");
    }
    if (object && !object->searchable)
        return soql_fail(search->fail, "INVALID_TYPE", returning->text, returning->query->from_pos,
                         "entity type %s does not support search", object->name);
    plan = sql_compile(search->arena, returning->text, returning->query, &opts, search->fail);
    return plan ? soql_run_records(search->store, plan, ret_records, search->fail) : -1;
}

/* Over the overall limit the largest list gives first, so that what is left is spread evenly. */
static void share_limit(json_t **lists, size_t n, int64_t limit)
{
    int64_t total = 0;

    for (size_t i = 0; i < n; i++)
        total += (int64_t)json_array_size(lists[i]);
    while (total > limit) {
        size_t largest = 0;

        for (size_t i = 1; i < n; i++) {
            if (json_array_size(lists[i]) >= json_array_size(lists[largest]))
                largest = i;
        }
        json_array_remove(lists[largest], json_array_size(lists[largest]) - 1);
        total--;
    }
}

static int run(struct search *search, json_t **ret_result)
{
    json_t *lists[MAX_RETURNING] = {NULL}, *all = json_array();
    int failed = 0;

    search->now_ms = sf_store_now_ms(search->store);
    for (size_t i = 0; i < search->n_returning && failed == 0; i++)
        failed = run_one(search, &search->returning[i], &lists[i]);
    if (failed == 0)
        share_limit(lists, search->n_returning, search->limit);
    for (size_t i = 0; i < search->n_returning; i++) {
        json_array_extend(all, lists[i]);
        json_decref(lists[i]);
    }
    if (failed == 0) {
        *ret_result = json_object();
        json_object_set_new(*ret_result, "searchRecords", all);
    } else {
        json_decref(all);
    }
    return failed;
}

static struct soql_query *new_query(struct search *search)
{
    struct soql_query *query = cf_arena_zalloc(search->arena, sizeof(*query));

    query->limit = query->offset = -1;
    return query;
}

static void select_id(struct search *search, struct soql_query *query)
{
    query->items = cf_arena_zalloc(search->arena, sizeof(*query->items));
    query->items->path.part = cf_arena_alloc(search->arena, sizeof(struct cf_str));
    query->items->path.part[0] = CF_STR("Id");
    query->items->path.n = 1;
}

static void return_everything(struct search *search, struct soql_item *items)
{
    for (size_t i = 0; i < sf_n_objects; i++) {
        struct soql_query *query = new_query(search);

        if (!sf_objects[i].searchable)
            continue;
        query->from = cf_str_of(sf_objects[i].name);
        query->items = items;
        if (!items)
            select_id(search, query);
        search->returning[search->n_returning++] = (struct returning){{0}, query};
    }
}

/* ---- FIND {...} IN ... RETURNING ... ---- */

/* The text between the braces; *parser goes on behind them. */
static bool parse_find(struct soql_parser *parser, struct cf_str *ret_term)
{
    struct cf_str text = parser->text;
    size_t start;

    if (!soql_at_word(parser, "find"))
        return soql_unexpected(parser);
    start = parser->next;
    while (start < text.n && (text.p[start] == ' ' || (text.p[start] >= '\t' && text.p[start] <= '\r')))
        start++;
    if (start >= text.n || text.p[start] != '{')
        return soql_reject(parser, start, "expecting '{' after FIND");
    parser->next = ++start;
    while (parser->next < text.n && text.p[parser->next] != '}')
        parser->next += text.p[parser->next] == '\\' ? 2 : 1;
    if (parser->next >= text.n)
        return soql_reject(parser, start, "expecting '}', found '<EOF>'");
    *ret_term = (struct cf_str){text.p + start, parser->next - start};
    parser->next++;
    soql_next(parser);
    return true;
}

static bool parse_scope(struct soql_parser *parser, enum sosl_scope *ret_scope)
{
    if (!soql_take_word(parser, "in"))
        return true;
    if (soql_take_word(parser, "phone"))
        *ret_scope = SOSL_PHONE_FIELDS;
    else if (soql_take_word(parser, "name"))
        *ret_scope = SOSL_NAME_FIELDS;
    else if (soql_take_word(parser, "email"))
        *ret_scope = SOSL_EMAIL_FIELDS;
    else if (!soql_take_word(parser, "all") && !soql_take_word(parser, "sidebar"))
        return soql_unexpected(parser);
    return soql_need_word(parser, "fields");
}

static bool parse_object(struct search *search, struct soql_parser *parser)
{
    struct soql_query *query = new_query(search);
    struct soql_path path;

    if (search->n_returning == MAX_RETURNING)
        return soql_reject(parser, parser->token.pos, "more than %d objects in RETURNING", MAX_RETURNING);
    query->from_pos = parser->token.pos;
    if (!soql_parse_path(parser, &path))
        return false;
    if (path.n != 1)
        return soql_reject(parser, path.pos, "an object name is expected");
    query->from = path.part[0];
    if (!soql_take_punct(parser, '('))
        select_id(search, query);
    else if (!soql_parse_items(parser, query) || !soql_parse_tail(parser, query) ||
             !soql_need_punct(parser, ')'))
        return false;
    search->returning[search->n_returning++] = (struct returning){parser->text, query};
    return true;
}

static bool parse_returning(struct search *search, struct soql_parser *parser)
{
    if (!soql_take_word(parser, "returning")) {
        return_everything(search, NULL);
        return true;
    }
    do {
        if (!parse_object(search, parser))
            return false;
    } while (soql_take_punct(parser, ','));
    return true;
}

static void set_limit(struct search *search, int64_t limit)
{
    search->limit = limit < SF_SEARCH_MAX_ROWS ? limit : SF_SEARCH_MAX_ROWS;
}

static bool parse_statement(struct search *search, struct cf_str text)
{
    struct soql_parser parser = {.arena = search->arena,
                                 .text = text,
                                 .now_ms = sf_store_now_ms(search->store),
                                 .fail = search->fail,
                                 .fail_code = "MALFORMED_SEARCH"};
    struct cf_str term = {0};
    int64_t limit = SF_SEARCH_MAX_ROWS;

    soql_next(&parser);
    if (!parse_find(&parser, &term) || !parse_scope(&parser, &search->scope) ||
        !parse_returning(search, &parser))
        return false;
    if (soql_take_word(&parser, "limit") && !soql_parse_count(&parser, &limit))
        return false;
    set_limit(search, limit);
    if (parser.token.kind != SOQL_TOK_END)
        return soql_unexpected(&parser);
    search->term = sosl_parse_term(search->arena, term, false, search->fail);
    return search->term != NULL;
}

int sf_store_search(struct sf_store *store, const char *sosl, json_t **ret_result, struct sf_fail *fail)
{
    struct search search = {.store = store, .arena = cf_arena_new(SOQL_ARENA_BYTES), .fail = fail};
    int failed = -1;

    if (strlen(sosl) > SF_SOQL_MAX_CHARS)
        failed = sf_fail_set(fail, 400, "MALFORMED_SEARCH", NULL, "search statement is too long");
    else if (parse_statement(&search, cf_str_of(sosl)))
        failed = run(&search, ret_result);
    cf_arena_free(search.arena);
    return failed;
}

/* ---- parameterizedSearch ---- */

static int reject_request(struct search *search, const char *what)
{
    return sf_fail_set(search->fail, 400, "MALFORMED_SEARCH", NULL, "%s", what);
}

static bool put_names(json_t *fields, struct cf_buf *out)
{
    json_t *field;
    size_t i;

    json_array_foreach(fields, i, field)
    {
        if (!json_is_string(field))
            return false;
        cf_buf_text(out, i > 0 ? ", " : "");
        cf_buf_text(out, json_string_value(field));
    }
    return fields == NULL || json_is_array(fields);
}

static void put_clause(json_t *object, const char *key, const char *word, struct cf_buf *out)
{
    const char *text = json_string_value(json_object_get(object, key));

    if (text && text[0])
        cf_buf_printf(out, " %s %s", word, text);
}

/* Fields and conditions of one object are put together as SOQL and parsed as such. */
static int parse_request_object(struct search *search, json_t *object, json_t *default_fields, int64_t limit)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    json_t *fields = json_object_get(object, "fields"), *own = json_object_get(object, "limit");
    struct soql_parser parser = {.arena = search->arena,
                                 .now_ms = sf_store_now_ms(search->store),
                                 .fail = search->fail,
                                 .fail_code = "MALFORMED_SEARCH"};
    struct soql_query *query = new_query(search);
    struct cf_buf text;
    bool good;

    if (!name || search->n_returning == MAX_RETURNING || (own && !json_is_integer(own)))
        return reject_request(search, "sobjects must be objects with a name and, if any, a number as limit");
    fields = fields ? fields : default_fields;
    cf_buf_init(&text, REQUEST_BYTES);
    good = put_names(fields, &text);
    cf_buf_text(&text, json_array_size(fields) > 0 ? "" : "Id");
    put_clause(object, "where", "WHERE", &text);
    put_clause(object, "orderBy", "ORDER BY", &text);
    good = good && !text.full;
    parser.text = cf_arena_str(search->arena, cf_buf_view(&text));
    cf_buf_done(&text);
    if (!good)
        return reject_request(search, "fields must be an array of names");
    soql_next(&parser);
    if (!soql_parse_items(&parser, query) || !soql_parse_tail(&parser, query))
        return -1;
    if (parser.token.kind != SOQL_TOK_END)
        return soql_unexpected(&parser) ? 0 : -1;
    query->from = cf_arena_str(search->arena, cf_str_of(name));
    query->limit = own ? json_integer_value(own) : limit;
    search->returning[search->n_returning++] = (struct returning){parser.text, query};
    return 0;
}

static int request_scope(struct search *search, json_t *request)
{
    static const struct {
        const char *name;
        enum sosl_scope scope;
    } scopes[] = {{"ALL", SOSL_ALL_FIELDS},
                  {"SIDEBAR", SOSL_ALL_FIELDS},
                  {"NAME", SOSL_NAME_FIELDS},
                  {"EMAIL", SOSL_EMAIL_FIELDS},
                  {"PHONE", SOSL_PHONE_FIELDS}};
    json_t *in = json_object_get(request, "in");

    for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]) && in; i++) {
        if (cf_str_eq_nocase(cf_str_of(json_string_value(in)), cf_str_of(scopes[i].name))) {
            search->scope = scopes[i].scope;
            return 0;
        }
    }
    return in ? reject_request(search, "in must be ALL, NAME, EMAIL, PHONE or SIDEBAR") : 0;
}

static int request_objects(struct search *search, json_t *request)
{
    json_t *objects = json_object_get(request, "sobjects"), *object;
    json_t *limit = json_object_get(request, "defaultLimit");
    size_t i;

    if (objects && !json_is_array(objects))
        return reject_request(search, "sobjects must be an array");
    if (json_array_size(objects) == 0) {
        return_everything(search, NULL);
        return 0;
    }
    json_array_foreach(objects, i, object)
    {
        if (parse_request_object(search, object, json_object_get(request, "fields"),
                                 json_is_integer(limit) ? json_integer_value(limit) : -1) != 0)
            return -1;
    }
    return 0;
}

static int parse_request(struct search *search, json_t *request)
{
    json_t *q = json_object_get(request, "q"), *limit = json_object_get(request, "overallLimit");

    if (!json_is_string(q) || json_string_length(q) == 0)
        return reject_request(search, "the parameter q is required");
    if (json_is_integer(limit) &&
        (json_integer_value(limit) < 0 || json_integer_value(limit) > SF_SEARCH_MAX_ROWS))
        return reject_request(search, "overallLimit must be between 0 and 2000");
    set_limit(search, json_is_integer(limit) ? json_integer_value(limit) : SF_SEARCH_MAX_ROWS);
    if (request_scope(search, request) != 0 || request_objects(search, request) != 0)
        return -1;
    search->term = sosl_parse_term(
        search->arena, (struct cf_str){json_string_value(q), json_string_length(q)}, true, search->fail);
    return search->term ? 0 : -1;
}

int sf_store_search_params(struct sf_store *store, json_t *request, json_t **ret_result, struct sf_fail *fail)
{
    struct search search = {.store = store, .arena = cf_arena_new(SOQL_ARENA_BYTES), .fail = fail};
    int failed = parse_request(&search, request);

    if (failed == 0)
        failed = run(&search, ret_result);
    cf_arena_free(search.arena);
    return failed;
}

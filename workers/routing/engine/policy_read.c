/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "engine/policy_priv.h"
#include "engine/policy_where.h"

int cf_policy_fail(struct cf_policy_reader *r, const char *member, const char *must)
{
    struct cf_policy_place place = cf_policy_where(r->text, r->path, member);
    const char *dot = r->path[0] && member[0] ? "." : "";
    const char *gap = r->path[0] || member[0] ? " " : "";

    return cf_err_set(r->err, CF_ERR_CONFIG, "policy", 0, "policy: line %zu, column %zu: %s%s%s%s%s",
                      place.line, place.column, r->path, dot, member, gap, must);
}

int cf_policy_check(struct cf_policy_reader *r, const struct cf_json *node, const char *const *known)
{
    if (!node || node->type != CF_JSON_OBJECT)
        return cf_policy_fail(r, "", r->path[0] ? "must be an object" : "the document must be an object");
    for (const struct cf_json *member = node->u.first; member; member = member->next) {
        bool found = cf_str_is(member->key, "note");

        for (size_t i = 0; known[i] && !found; i++)
            found = cf_str_is(member->key, known[i]);
        if (!found) {
            char name[64];

            (void)cf_str_copy(name, sizeof(name), member->key);
            return cf_policy_fail(r, name, "is not a known member");
        }
    }
    return 0;
}

static bool is_id(const struct cf_json *node)
{
    return node->type == CF_JSON_STRING && node->u.str.n >= 1 && node->u.str.n <= 128;
}

int cf_policy_get_id(struct cf_policy_reader *r, const struct cf_json *object, const char *member,
                     struct cf_str *ret_value)
{
    const struct cf_json *node = cf_json_get(object, member);

    if (!node)
        return 0;
    if (!is_id(node))
        return cf_policy_fail(r, member, "must be a string of 1 to 128 characters");
    *ret_value = cf_arena_str(r->arena, node->u.str);
    return 0;
}

int cf_policy_get_int(struct cf_policy_reader *r, const struct cf_json *object, struct cf_policy_range range)
{
    const struct cf_json *node = cf_json_get(object, range.member);
    char must[80];

    if (!node)
        return 0;
    if (node->type == CF_JSON_INT && node->u.integer >= range.low && node->u.integer <= range.high) {
        *range.value = node->u.integer;
        return 0;
    }
    (void)snprintf(must, sizeof(must), "must be a whole number from %lld to %lld", (long long)range.low,
                   (long long)range.high);
    return cf_policy_fail(r, range.member, must);
}

int cf_policy_get_word(struct cf_policy_reader *r, const struct cf_json *object, const char *member,
                       const char *const *words, int *ret_index)
{
    const struct cf_json *node = cf_json_get(object, member);
    struct cf_buf must;
    int rc;

    if (!node)
        return 0;
    for (int i = 0; words[i] && node->type == CF_JSON_STRING; i++) {
        if (cf_str_is(node->u.str, words[i])) {
            *ret_index = i;
            return 0;
        }
    }
    cf_buf_init(&must, 256);
    cf_buf_text(&must, "must be one of");
    for (int i = 0; words[i]; i++)
        cf_buf_printf(&must, "%s %s", i ? "," : "", words[i]);
    cf_buf_char(&must, '\0');
    rc = cf_policy_fail(r, member, must.p);
    cf_buf_done(&must);
    return rc;
}

int cf_policy_get_list(struct cf_policy_reader *r, const struct cf_json *object, const char *member,
                       struct cf_policy_list *ret_list)
{
    const struct cf_json *node = cf_json_get(object, member);
    const struct cf_json *first;
    struct cf_str *items;
    size_t n = 0;

    if (!node)
        return 0;
    first = node->type == CF_JSON_ARRAY ? node->u.first : node;
    for (const struct cf_json *item = first; item; item = node->type == CF_JSON_ARRAY ? item->next : NULL) {
        if (!is_id(item) || ++n > CF_POLICY_MAX_LIST)
            return cf_policy_fail(r, member,
                                  "must be a string or an array of strings of 1 to 128 characters");
    }
    if (n == 0)
        return cf_policy_fail(r, member, "must not be empty");
    items = cf_arena_alloc(r->arena, n * sizeof(*items));
    n = 0;
    for (const struct cf_json *item = first; item; item = node->type == CF_JSON_ARRAY ? item->next : NULL)
        items[n++] = cf_arena_str(r->arena, item->u.str);
    *ret_list = (struct cf_policy_list){items, n};
    return 0;
}

/* One of several texts: kept as one text with a line for each. */
static bool read_any_of(struct cf_policy_reader *r, const struct cf_json *array, struct cf_skill *ret_need)
{
    size_t n = 0;

    for (const struct cf_json *item = array->u.first; item; item = item->next) {
        if (!is_id(item) || memchr(item->u.str.p, '\n', item->u.str.n))
            return false;
        ret_need->text = n++ == 0 ? cf_arena_str(r->arena, item->u.str)
                                  : cf_arena_printf(r->arena, "%.*s\n%.*s", CF_STR_FMT(ret_need->text),
                                                    CF_STR_FMT(item->u.str));
    }
    return n >= 1 && n <= CF_POLICY_MAX_NEEDS;
}

static bool read_need(struct cf_policy_reader *r, const struct cf_json *node, struct cf_skill *ret_need)
{
    *ret_need = (struct cf_skill){.name = cf_arena_str(r->arena, node->key), .type = node->type};
    if (node->key.n < 1 || node->key.n > 128)
        return false;
    if (node->type == CF_JSON_BOOL)
        ret_need->number = node->u.boolean ? 1 : 0;
    else if (node->type == CF_JSON_INT)
        ret_need->number = (double)node->u.integer;
    else if (node->type == CF_JSON_DOUBLE)
        ret_need->number = node->u.number;
    else if (is_id(node))
        ret_need->text = cf_arena_str(r->arena, node->u.str);
    else
        return node->type == CF_JSON_ARRAY && read_any_of(r, node, ret_need);
    return true;
}

int cf_policy_get_needs(struct cf_policy_reader *r, const struct cf_json *object, const char *member,
                        struct cf_policy_needs *ret_needs)
{
    const struct cf_json *node = cf_json_get(object, member);
    struct cf_skill *needs;
    size_t n = 0;

    if (!node)
        return 0;
    if (node->type != CF_JSON_OBJECT)
        return cf_policy_fail(r, member, "must be an object of skills");
    needs = cf_arena_alloc(r->arena, CF_POLICY_MAX_NEEDS * sizeof(*needs));
    for (const struct cf_json *item = node->u.first; item; item = item->next) {
        if (n == CF_POLICY_MAX_NEEDS || !read_need(r, item, &needs[n++]))
            return cf_policy_fail(
                r, member, "must hold at most 16 skills, each true, false, a number, a text or some texts");
    }
    *ret_needs = (struct cf_policy_needs){needs, n};
    return 0;
}

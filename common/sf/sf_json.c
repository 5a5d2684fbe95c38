/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies as text. Stages build and read jansson trees, but jansson reads and writes text one character at a
 * time, which was a quarter of a lookup's CPU; so simdjson reads, and our own writer writes. What simdjson's
 * reader does not take (it is stricter, and bounded), jansson gets to judge as before.
 */
#include <stdlib.h>

#include "arena/arena.h"
#include "sf/sf_priv.h"
#include "json/json.h"

#define ARENA_BYTES ((size_t)CF_JSON_ARENA_BYTES + 65536)

/* ---- reading ---- */

static json_t *tree_of(const struct cf_json *node);

static json_t *array_of(const struct cf_json *node)
{
    json_t *array = json_array();

    for (const struct cf_json *item = node->u.first; item; item = item->next)
        (void)json_array_append_new(array, tree_of(item));
    return array;
}

static json_t *object_of(const struct cf_json *node)
{
    json_t *object = json_object();

    for (const struct cf_json *member = node->u.first; member; member = member->next)
        (void)json_object_setn_new_nocheck(object, member->key.p, member->key.n, tree_of(member));
    return object;
}

static json_t *tree_of(const struct cf_json *node)
{
    json_t *tree = NULL;

    switch (node->type) {
    case CF_JSON_NULL:
        return json_null();
    case CF_JSON_BOOL:
        return json_boolean(node->u.boolean);
    case CF_JSON_INT:
        tree = json_integer(node->u.integer);
        break;
    case CF_JSON_DOUBLE:
        tree = json_real(node->u.number);
        break;
    case CF_JSON_STRING:
        tree = json_stringn_nocheck(node->u.str.p, node->u.str.n);
        break;
    case CF_JSON_ARRAY:
        tree = array_of(node);
        break;
    case CF_JSON_OBJECT:
        tree = object_of(node);
        break;
    }
    if (!tree)
        abort(); /* out of memory */
    return tree;
}

json_t *sf_json_read(struct cf_str text)
{
    struct cf_arena *arena = cf_arena_new(ARENA_BYTES);
    struct cf_err err;
    const struct cf_json *node = cf_json_parse(arena, text, &err);
    json_t *tree =
        node ? tree_of(node) : json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

    cf_arena_free(arena);
    return tree;
}

/* ---- writing ---- */

static void write_value(struct cf_jsonw *w, const json_t *value);

static void write_object(struct cf_jsonw *w, const json_t *value)
{
    json_t *object = (json_t *)(uintptr_t)value, *member; /* only read */
    const char *key;

    cf_jsonw_begin_object(w);
    json_object_foreach(object, key, member)
    {
        cf_jsonw_key_str(w, cf_str_of(key));
        write_value(w, member);
    }
    cf_jsonw_end_object(w);
}

static void write_array(struct cf_jsonw *w, const json_t *value)
{
    cf_jsonw_begin_array(w);
    for (size_t i = 0; i < json_array_size(value); i++)
        write_value(w, json_array_get(value, i));
    cf_jsonw_end_array(w);
}

static void write_value(struct cf_jsonw *w, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(w, value);
        break;
    case JSON_ARRAY:
        write_array(w, value);
        break;
    case JSON_STRING:
        cf_jsonw_str(w, (struct cf_str){json_string_value(value), json_string_length(value)});
        break;
    case JSON_INTEGER:
        cf_jsonw_int(w, json_integer_value(value));
        break;
    case JSON_REAL:
        cf_jsonw_double(w, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        cf_jsonw_bool(w, json_is_true(value));
        break;
    case JSON_NULL:
        cf_jsonw_null(w);
        break;
    }
}

char *sf_json_write(const json_t *value)
{
    struct cf_buf buf;
    struct cf_jsonw w;

    cf_buf_init(&buf, SIZE_MAX / 4);
    cf_jsonw_init(&w, &buf);
    write_value(&w, value);
    cf_buf_char(&buf, '\0');
    return buf.p;
}

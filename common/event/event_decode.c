/* SPDX-License-Identifier: Apache-2.0 */
/* From JSON nodes to structs: walks the members of an object and the rows of its table. */
#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "event/event_priv.h"

#define MAX_NESTING 8 /* of tables in each other; they have 4 */

struct reader {
    struct cf_arena *arena;
    struct cf_err *err;
    const char *path[MAX_NESTING]; /* the names of the fields under way */
    size_t depth;
};

static int read_object(struct reader *r, const struct cf_event_table *table, const struct cf_json *node,
                       void *base);

/* Names the field under way and what is wrong with it; never a value, never a name that the sender chose. */
static int fail(struct reader *r, const char *problem)
{
    char path[160];
    size_t n = 0;

    for (size_t i = 0; i < r->depth && n < sizeof(path); i++)
        n += (size_t)snprintf(path + n, sizeof(path) - n, "%s%s", i ? "." : "", r->path[i]);
    return cf_err_set(r->err, CF_ERR_REJECTED, "event", 0, "field %s: %s", r->depth ? path : "(all)",
                      problem);
}

static bool whole_number(const struct cf_json *node, int64_t *ret_value)
{
    if (node->type == CF_JSON_INT) {
        *ret_value = node->u.integer;
        return true;
    }
    /* JSON Schema: 1.0 is an integer. Beyond the largest allowed one it need not be exact. */
    if (node->type != CF_JSON_DOUBLE || trunc(node->u.number) != node->u.number ||
        fabs(node->u.number) > (double)CF_EVENT_MAX_INT)
        return false;
    *ret_value = (int64_t)node->u.number;
    return true;
}

static int read_text(struct reader *r, const struct cf_event_field *f, const struct cf_json *node, void *at)
{
    struct cf_str *ret = at;

    if (node->type != CF_JSON_STRING)
        return fail(r, "not a string");
    if (f->kind == CF_FIELD_WORD) {
        if (!cf_event_word_ok(node->u.str, f->min, f->max))
            return fail(r, "empty, too long or with control characters");
    } else if (!cf_event_text_ok(node->u.str, f->min, f->max)) {
        return fail(r, "too long");
    }
    *ret = node->u.str;
    return 0;
}

static int read_time(struct reader *r, const struct cf_event_field *f, const struct cf_json *node, void *at)
{
    int64_t wall_ms;

    if (node->type != CF_JSON_STRING || !cf_event_time_ok(node->u.str, &wall_ms))
        return fail(r, "not a time as RFC 3339 writes it");
    if (f->kind == CF_FIELD_STAMP)
        *(struct cf_str *)at = node->u.str;
    else
        *(int64_t *)at = wall_ms;
    return 0;
}

static int read_int(struct reader *r, const struct cf_event_field *f, const struct cf_json *node, void *at)
{
    int64_t value;

    if (!whole_number(node, &value))
        return fail(r, "not a whole number");
    if (value < f->min || value > f->max)
        return fail(r, "out of range");
    *(int64_t *)at = value;
    return 0;
}

static int read_amount(struct reader *r, const struct cf_event_field *f, const struct cf_json *node, void *at)
{
    double value;

    if (node->type != CF_JSON_INT && node->type != CF_JSON_DOUBLE)
        return fail(r, "not a number");
    value = node->type == CF_JSON_INT ? (double)node->u.integer : node->u.number;
    if (value < 0 || value > (double)f->max)
        return fail(r, "out of range");
    *(double *)at = value;
    return 0;
}

static int read_choice(struct reader *r, const struct cf_event_field *f, const struct cf_json *node, void *at)
{
    unsigned value = 0;

    if (node->type != CF_JSON_STRING)
        return fail(r, "not a string");
    if (!cf_event_word_ok(node->u.str, f->min, f->max))
        return fail(r, "empty, too long or with control characters");
    while (f->names[value + 1] && !cf_str_is(node->u.str, f->names[value]))
        value++;
    memcpy(at, &value, sizeof(value)); /* every enum here has the size of an unsigned */
    return 0;
}

static int read_sub(struct reader *r, const struct cf_event_field *f, const struct cf_json *node, void *at)
{
    return read_object(r, f->table, node, at); /* NOLINT(misc-no-recursion): as deep as the tables */
}

static size_t count_children(const struct cf_json *node)
{
    size_t n = 0;

    for (const struct cf_json *child = node->u.first; child; child = child->next)
        n++;
    return n;
}

/* Checks type and number of children and makes room for them. */
static void *begin_list(struct reader *r, const struct cf_event_field *f, const struct cf_json *node,
                        enum cf_json_type type, size_t item_bytes)
{
    size_t n;

    if (node->type != type) {
        (void)fail(r, type == CF_JSON_ARRAY ? "not an array" : "not an object");
        return NULL;
    }
    n = count_children(node);
    if (n > (size_t)f->max) {
        (void)fail(r, "too many entries");
        return NULL;
    }
    return cf_arena_zalloc(r->arena, n * item_bytes);
}

static int read_list(struct reader *r, const struct cf_event_field *f, const struct cf_json *node, void *at)
{
    char *items = begin_list(r, f, node, CF_JSON_ARRAY, f->table->struct_bytes);
    char *item = items;

    if (!items)
        return -1;
    for (const struct cf_json *child = node->u.first; child; child = child->next) {
        if (read_object(r, f->table, child, item) < 0) /* NOLINT(misc-no-recursion) */
            return -1;
        item += f->table->struct_bytes;
    }
    memcpy(at, &items, sizeof(items));
    return 0;
}

static int read_ids(struct reader *r, const struct cf_event_field *f, const struct cf_json *node, void *at)
{
    struct cf_str *ids = begin_list(r, f, node, CF_JSON_ARRAY, sizeof(*ids));
    struct cf_str *id = ids;

    if (!ids)
        return -1;
    for (const struct cf_json *child = node->u.first; child; child = child->next) {
        if (child->type != CF_JSON_STRING || !cf_event_word_ok(child->u.str, 1, CF_EVENT_MAX_KEY))
            return fail(r, "an entry is not an id");
        *id++ = child->u.str;
    }
    *(const struct cf_str **)at = ids;
    return 0;
}

static bool read_skill(const struct cf_json *node, struct cf_skill *ret_skill)
{
    double number = 0;

    if (!cf_event_word_ok(node->key, 1, CF_EVENT_MAX_KEY))
        return false;
    *ret_skill = (struct cf_skill){.name = node->key, .type = node->type};
    if (node->type == CF_JSON_STRING) {
        ret_skill->text = node->u.str;
        return cf_event_text_ok(node->u.str, 0, CF_EVENT_MAX_SKILL_TEXT);
    }
    if (node->type == CF_JSON_BOOL)
        number = node->u.boolean ? 1 : 0;
    else if (node->type == CF_JSON_INT)
        number = (double)node->u.integer;
    else if (node->type == CF_JSON_DOUBLE)
        number = node->u.number;
    else
        return false;
    ret_skill->number = number;
    return fabs(number) <= CF_EVENT_MAX_SKILL_LEVEL;
}

static int read_skills(struct reader *r, const struct cf_event_field *f, const struct cf_json *node, void *at)
{
    struct cf_skill *skills = begin_list(r, f, node, CF_JSON_OBJECT, sizeof(*skills));
    struct cf_skill *skill = skills;

    if (!skills)
        return -1;
    for (const struct cf_json *child = node->u.first; child; child = child->next) {
        if (!read_skill(child, skill++))
            return fail(r, "an entry is not a number, boolean or short string");
    }
    *(const struct cf_skill **)at = skills;
    return 0;
}

static int read_strings(struct reader *r, const struct cf_event_field *f, const struct cf_json *node,
                        void *at)
{
    if (node->type != CF_JSON_OBJECT)
        return fail(r, "not an object");
    if (count_children(node) > (size_t)f->max)
        return fail(r, "too many entries");
    for (const struct cf_json *child = node->u.first; child; child = child->next) {
        if (!cf_event_word_ok(child->key, 1, CF_EVENT_MAX_KEY))
            return fail(r, "a name is empty, too long or with control characters");
        if (child->type != CF_JSON_STRING || !cf_event_text_ok(child->u.str, 0, CF_EVENT_MAX_ATTRIBUTE))
            return fail(r, "an entry is not a short string");
    }
    *(const struct cf_json **)at = node;
    return 0;
}

static int read_node(struct reader *r, const struct cf_event_field *f, const struct cf_json *node, void *at)
{
    (void)f;
    if (node->type != CF_JSON_OBJECT)
        return fail(r, "not an object");
    *(const struct cf_json **)at = node;
    return 0;
}

typedef int read_fn(struct reader *r, const struct cf_event_field *f, const struct cf_json *node, void *at);
static read_fn *const readers[] = {
    [CF_FIELD_TEXT] = read_text,     [CF_FIELD_WORD] = read_text,     [CF_FIELD_STAMP] = read_time,
    [CF_FIELD_TIME] = read_time,     [CF_FIELD_INT] = read_int,       [CF_FIELD_AMOUNT] = read_amount,
    [CF_FIELD_CHOICE] = read_choice, [CF_FIELD_OBJECT] = read_sub,    [CF_FIELD_LIST] = read_list,
    [CF_FIELD_IDS] = read_ids,       [CF_FIELD_SKILLS] = read_skills, [CF_FIELD_STRINGS] = read_strings,
    [CF_FIELD_NODE] = read_node,
};

static int read_field(struct reader *r, const struct cf_event_field *f, const struct cf_json *node,
                      char *base)
{
    const bool null = f->nullable && node->type == CF_JSON_NULL;

    assert(r->depth < MAX_NESTING);
    r->path[r->depth++] = f->name;
    if (!null && readers[f->kind](r, f, node, base + f->offset) < 0)
        return -1;
    r->depth--;
    if (f->count) {
        size_t n = count_children(node);

        memcpy(base + f->count, &n, sizeof(n));
    }
    if (f->flag)
        *(bool *)(base + f->flag) = true;
    return 0;
}

/* Zero is what most kinds have for absent. */
static void set_absent(const struct cf_event_field *f, char *base)
{
    const double no_amount = -1;

    if (f->kind == CF_FIELD_INT || f->kind == CF_FIELD_TIME)
        memcpy(base + f->offset, &f->absent, sizeof(f->absent));
    else if (f->kind == CF_FIELD_AMOUNT)
        memcpy(base + f->offset, &no_amount, sizeof(no_amount));
}

/* The row of a member, NULL when the table has none. Senders mostly keep the order of the table, so the
 * search begins at `hint`, the row behind the one found last. */
static const struct cf_event_field *find(const struct cf_event_table *table, struct cf_str name, size_t *hint)
{
    for (size_t tried = 0; tried < table->n_fields; tried++) {
        const struct cf_event_field *f = &table->fields[*hint];

        *hint = *hint + 1 < table->n_fields ? *hint + 1 : 0;
        if (strncmp(f->name, name.p, name.n) == 0 && f->name[name.n] == '\0')
            return f;
    }
    return NULL;
}

static int read_object(struct reader *r, const struct cf_event_table *table, const struct cf_json *node,
                       void *base)
{
    uint32_t seen = 0;
    size_t hint = 0;

    if (node->type != CF_JSON_OBJECT)
        return fail(r, "not an object");
    for (const struct cf_json *member = node->u.first; member; member = member->next) {
        const struct cf_event_field *f = find(table, member->key, &hint);

        if (!f)
            continue;
        if (read_field(r, f, member, base) < 0) /* NOLINT(misc-no-recursion) */
            return -1;
        seen |= UINT32_C(1) << (f - table->fields);
    }
    for (size_t i = 0; i < table->n_fields; i++) {
        if (seen & (UINT32_C(1) << i))
            continue;
        set_absent(&table->fields[i], base);
        if (!table->fields[i].required)
            continue;
        r->path[r->depth++] = table->fields[i].name;
        return fail(r, "missing");
    }
    return 0;
}

int cf_event_read_object(struct cf_arena *arena, const struct cf_event_table *table,
                         const struct cf_json *node, void *ret_base, struct cf_err *err)
{
    struct reader reader = {.arena = arena, .err = err};

    return read_object(&reader, table, node, ret_base);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* From structs to JSON: walks the rows of a table. What it reports as good, the reader accepts. */
#include <math.h>

#include "clock/clock.h"
#include "event/event_priv.h"

struct writer {
    struct cf_jsonw *w;
    struct cf_err *err;
    bool ok;
};

static void write_object(struct writer *wr, const struct cf_event_table *table, const char *base);

/* Keeps the first problem and goes on: the output stays balanced. */
static void fail(struct writer *wr, const struct cf_event_field *f, const char *problem)
{
    if (wr->ok)
        (void)cf_err_set(wr->err, CF_ERR_REJECTED, "event", 0, "field %s cannot be sent: %s", f->name,
                         problem);
    wr->ok = false;
}

static struct cf_str str_at(const char *at)
{
    struct cf_str value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static int64_t int_at(const char *at)
{
    int64_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static size_t size_at(const char *at)
{
    size_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static double double_at(const char *at)
{
    double value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static const void *pointer_at(const char *at)
{
    const void *value;

    memcpy(&value, at, sizeof(value));
    return value;
}

/* Reads a time, also in Salesforce's form, which has no colon in the offset ("+0000"). */
static bool stamp_ms(struct cf_str text, int64_t *ret_wall_ms)
{
    char fixed[CF_CLOCK_TEXT_SIZE + 16];

    if (!text.p)
        return false;
    if (cf_event_time_ok(text, ret_wall_ms))
        return true;
    if (text.n < 5 || text.n + 2 > sizeof(fixed))
        return false;
    memcpy(fixed, text.p, text.n - 2);
    fixed[text.n - 2] = ':';
    memcpy(fixed + text.n - 1, text.p + text.n - 2, 2);
    return cf_event_time_ok((struct cf_str){fixed, text.n + 1}, ret_wall_ms);
}

static bool object_there(const struct cf_event_field *f, const char *base)
{
    if (f->flag)
        return *(const bool *)(base + f->flag);
    return f->required || str_at(base + f->offset + f->table->fields[0].offset).p != NULL;
}

static bool there(const struct cf_event_field *f, const char *base)
{
    const char *at = base + f->offset;
    int64_t ignored;

    switch (f->kind) {
    case CF_FIELD_TEXT:
    case CF_FIELD_WORD:
        return str_at(at).p != NULL;
    case CF_FIELD_STAMP:
        return stamp_ms(str_at(at), &ignored);
    case CF_FIELD_TIME:
    case CF_FIELD_INT:
        return int_at(at) != f->absent;
    case CF_FIELD_AMOUNT:
        return double_at(at) >= 0;
    case CF_FIELD_CHOICE:
        return true;
    case CF_FIELD_OBJECT:
        return object_there(f, base);
    case CF_FIELD_LIST:
    case CF_FIELD_IDS:
    case CF_FIELD_SKILLS:
        return f->flag ? *(const bool *)(base + f->flag) : size_at(base + f->count) > 0;
    case CF_FIELD_STRINGS:
    case CF_FIELD_NODE:
        return pointer_at(at) != NULL;
    }
    return false;
}

static void write_text(struct writer *wr, const struct cf_event_field *f, const char *base)
{
    struct cf_str text = str_at(base + f->offset);

    if (f->kind == CF_FIELD_WORD ? !cf_event_word_ok(text, f->min, f->max)
                                 : !cf_event_text_ok(text, f->min, f->max))
        fail(wr, f, "empty, too long or with control characters");
    cf_jsonw_str(wr->w, text);
}

static void write_time(struct writer *wr, const struct cf_event_field *f, const char *base)
{
    char text[CF_CLOCK_TEXT_SIZE];
    int64_t wall_ms = 0;

    if (f->kind == CF_FIELD_TIME)
        wall_ms = int_at(base + f->offset);
    else
        (void)stamp_ms(str_at(base + f->offset), &wall_ms);
    cf_clock_format(wall_ms, text);
    cf_jsonw_str(wr->w, cf_str_of(text));
}

static void write_int(struct writer *wr, const struct cf_event_field *f, const char *base)
{
    int64_t value = int_at(base + f->offset);

    if (value < f->min || value > f->max)
        fail(wr, f, "out of range");
    cf_jsonw_int(wr->w, value);
}

static void write_amount(struct writer *wr, const struct cf_event_field *f, const char *base)
{
    double value = double_at(base + f->offset);

    if (value > (double)f->max)
        fail(wr, f, "out of range");
    cf_jsonw_double(wr->w, value);
}

static void write_choice(struct writer *wr, const struct cf_event_field *f, const char *base)
{
    unsigned value, i = 0;

    memcpy(&value, base + f->offset, sizeof(value));
    while (i < value && f->names[i + 1])
        i++;
    cf_jsonw_str(wr->w, cf_str_of(f->names[i]));
}

static void write_sub(struct writer *wr, const struct cf_event_field *f, const char *base)
{
    write_object(wr, f->table, base + f->offset); /* NOLINT(misc-no-recursion): as deep as the tables */
}

/* The number of entries; says when there are too many. */
static size_t entries(struct writer *wr, const struct cf_event_field *f, const char *base)
{
    size_t n = size_at(base + f->count);

    if (n > (size_t)f->max)
        fail(wr, f, "too many entries");
    return n;
}

static void write_list(struct writer *wr, const struct cf_event_field *f, const char *base)
{
    const char *item = pointer_at(base + f->offset);
    size_t n = entries(wr, f, base);

    cf_jsonw_begin_array(wr->w);
    for (size_t i = 0; i < n; i++)
        write_object(wr, f->table, item + i * f->table->struct_bytes); /* NOLINT(misc-no-recursion) */
    cf_jsonw_end_array(wr->w);
}

static void write_ids(struct writer *wr, const struct cf_event_field *f, const char *base)
{
    const struct cf_str *ids = pointer_at(base + f->offset);
    size_t n = entries(wr, f, base);

    cf_jsonw_begin_array(wr->w);
    for (size_t i = 0; i < n; i++) {
        if (!cf_event_word_ok(ids[i], 1, CF_EVENT_MAX_KEY))
            fail(wr, f, "an entry is not an id");
        cf_jsonw_str(wr->w, ids[i]);
    }
    cf_jsonw_end_array(wr->w);
}

static void write_skill(struct writer *wr, const struct cf_event_field *f, const struct cf_skill *skill)
{
    if (!cf_event_word_ok(skill->name, 1, CF_EVENT_MAX_KEY) ||
        !cf_event_text_ok(skill->text, 0, CF_EVENT_MAX_SKILL_TEXT) ||
        !(fabs(skill->number) <= CF_EVENT_MAX_SKILL_LEVEL))
        fail(wr, f, "an entry is too long or out of range");
    cf_jsonw_key_str(wr->w, skill->name);
    if (skill->type == CF_JSON_STRING)
        cf_jsonw_str(wr->w, skill->text);
    else if (skill->type == CF_JSON_BOOL)
        cf_jsonw_bool(wr->w, skill->number != 0);
    else
        cf_jsonw_double(wr->w, skill->number);
}

static void write_skills(struct writer *wr, const struct cf_event_field *f, const char *base)
{
    const struct cf_skill *skills = pointer_at(base + f->offset);
    size_t n = entries(wr, f, base);

    cf_jsonw_begin_object(wr->w);
    for (size_t i = 0; i < n; i++)
        write_skill(wr, f, &skills[i]);
    cf_jsonw_end_object(wr->w);
}

/* Such nodes come from the reader, or from code that keeps the same limits. */
static void write_node(struct writer *wr, const struct cf_event_field *f, const char *base)
{
    cf_jsonw_node(wr->w, pointer_at(base + f->offset));
}

typedef void write_fn(struct writer *wr, const struct cf_event_field *f, const char *base);
static write_fn *const writers[] = {
    [CF_FIELD_TEXT] = write_text,     [CF_FIELD_WORD] = write_text,     [CF_FIELD_STAMP] = write_time,
    [CF_FIELD_TIME] = write_time,     [CF_FIELD_INT] = write_int,       [CF_FIELD_AMOUNT] = write_amount,
    [CF_FIELD_CHOICE] = write_choice, [CF_FIELD_OBJECT] = write_sub,    [CF_FIELD_LIST] = write_list,
    [CF_FIELD_IDS] = write_ids,       [CF_FIELD_SKILLS] = write_skills, [CF_FIELD_STRINGS] = write_node,
    [CF_FIELD_NODE] = write_node,
};

static void write_object(struct writer *wr, const struct cf_event_table *table, const char *base)
{
    cf_jsonw_begin_object(wr->w);
    for (size_t i = 0; i < table->n_fields; i++) {
        const struct cf_event_field *f = &table->fields[i];

        if (there(f, base)) {
            cf_jsonw_key(wr->w, f->name);
            writers[f->kind](wr, f, base); /* NOLINT(misc-no-recursion) */
        } else if (f->nullable) {
            cf_jsonw_key(wr->w, f->name);
            cf_jsonw_null(wr->w);
        } else if (f->required) {
            fail(wr, f, "missing");
        }
    }
    cf_jsonw_end_object(wr->w);
}

bool cf_event_write_object(struct cf_jsonw *w, const struct cf_event_table *table, const void *base,
                           struct cf_err *err)
{
    struct writer writer = {.w = w, .err = err, .ok = true};

    write_object(&writer, table, base);
    return writer.ok;
}

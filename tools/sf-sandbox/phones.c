/* SPDX-License-Identifier: Apache-2.0 */
#include "phones.h"

#include <stdio.h>
#include <stdlib.h>

#define OBJECTS_MAX 16
#define FIELDS_MAX SF_FIELDS_MAX
#define COUNT_BITS 6U
#define COUNT_MAX 31U /* one bit of each count stays free: it guards the subtraction */
#define GUARDS 0x820820820820820ULL
#define STALE_SLACK 4096U /* entries beyond twice the live ones before a list is made anew */

/* The phones of one field, in order of their writes; next[] chains entries of one bucket. */
struct list {
    uint64_t *tally;
    char (*id)[SF_ID_SIZE];
    uint32_t *next, *bucket; /* index + 1, 0: none */
    size_t n, size, n_buckets, n_live;
};

struct sf_phones {
    struct list list[OBJECTS_MAX][FIELDS_MAX];
};

struct sf_phones *sf_phones_new(void)
{
    return cf_calloc(1, sizeof(struct sf_phones));
}

static void empty(struct list *list)
{
    free(list->tally);
    free(list->id);
    free(list->next);
    free(list->bucket);
    *list = (struct list){0};
}

void sf_phones_free(struct sf_phones *phones)
{
    if (!phones)
        return;
    for (size_t i = 0; i < OBJECTS_MAX; i++) {
        for (size_t k = 0; k < FIELDS_MAX; k++)
            empty(&phones->list[i][k]);
    }
    free(phones);
}

uint64_t sf_phones_tally(struct cf_str text)
{
    unsigned count[10] = {0};
    uint64_t tally = 0;

    for (size_t i = 0; i < text.n; i++) {
        unsigned digit = (unsigned)(unsigned char)text.p[i] - '0';

        if (digit < 10 && count[digit] < COUNT_MAX)
            count[digit]++;
    }
    for (unsigned i = 0; i < 10; i++)
        tally |= (uint64_t)count[i] << (COUNT_BITS * i);
    return tally;
}

/* Whether each count of `has` is at least that of `wants`: no borrow reaches a guard. */
static bool covers(uint64_t has, uint64_t wants)
{
    return (((has | GUARDS) - wants) & GUARDS) == GUARDS;
}

struct sf_patterns {
    size_t n;
    struct {
        struct cf_str text;
        uint64_t tally;
    } one[];
};

struct sf_patterns *sf_patterns_new(struct cf_arena *arena, size_t n)
{
    struct sf_patterns *patterns = cf_arena_zalloc(arena, sizeof(*patterns) + n * sizeof(patterns->one[0]));

    return patterns;
}

void sf_patterns_add(struct sf_patterns *patterns, struct cf_str pattern)
{
    patterns->one[patterns->n].text = pattern;
    patterns->one[patterns->n++].tally = sf_phones_tally(pattern);
}

bool sf_patterns_match(const struct sf_patterns *patterns, struct cf_str text)
{
    uint64_t tally = sf_phones_tally(text);

    for (size_t i = 0; i < patterns->n; i++) {
        if (covers(tally, patterns->one[i].tally) && sf_text_like(patterns->one[i].text, text))
            return true;
    }
    return false;
}

static size_t bucket_of(const struct list *list, uint64_t tally)
{
    return (size_t)((tally * 0x9e3779b97f4a7c15ULL) >> 32) & (list->n_buckets - 1);
}

static void chain(struct list *list, size_t i)
{
    size_t bucket = bucket_of(list, list->tally[i]);

    list->next[i] = list->bucket[bucket];
    list->bucket[bucket] = (uint32_t)i + 1;
}

static void grow(struct list *list)
{
    size_t size = list->size ? list->size * 2 : 64;

    list->tally = cf_realloc(list->tally, size * sizeof(*list->tally));
    list->id = cf_realloc(list->id, size * sizeof(*list->id));
    list->next = cf_realloc(list->next, size * sizeof(*list->next));
    list->size = size;
    list->bucket = cf_realloc(list->bucket, size * sizeof(*list->bucket));
    memset(list->bucket, 0, size * sizeof(*list->bucket));
    list->n_buckets = size;
    for (size_t i = 0; i < list->n; i++)
        chain(list, i);
}

static void add(struct list *list, const char *id, struct cf_str text)
{
    if (list->n == list->size)
        grow(list);
    list->tally[list->n] = sf_phones_tally(text);
    (void)cf_str_copy(list->id[list->n], SF_ID_SIZE, cf_str_of(id));
    chain(list, list->n++);
}

static void load(struct sf_store *store, const struct sf_object *object, size_t field)
{
    struct list *list = &store->phones->list[object - sf_objects][field], all = {0};
    char sql[200];
    sqlite3_stmt *stmt;

    (void)snprintf(sql, sizeof(sql), "SELECT Id, \"%s\" FROM \"o_%s\" WHERE \"%s\" IS NOT NULL",
                   object->fields[field].name, object->name, object->fields[field].name);
    stmt = sf_db_prepare(store, sql);
    while (sf_db_step(store, stmt))
        add(&all, (const char *)sqlite3_column_text(stmt, 0),
            (struct cf_str){(const char *)sqlite3_column_text(stmt, 1),
                            (size_t)sqlite3_column_bytes(stmt, 1)});
    sf_db_release(store, stmt);
    all.n_live = all.n;
    empty(list);
    *list = all;
}

void sf_phones_load(struct sf_store *store)
{
    for (size_t i = 0; i < sf_n_objects && i < OBJECTS_MAX; i++) {
        for (size_t k = 0; k < sf_objects[i].n_fields; k++) {
            const struct sf_field *field = &sf_objects[i].fields[k];

            if (field->type == SF_T_PHONE && !field->via)
                load(store, &sf_objects[i], k);
        }
    }
}

void sf_phones_note(struct sf_store *store, const struct sf_object *object, size_t field, const char *id,
                    struct cf_str text)
{
    add(&store->phones->list[object - sf_objects][field], id, text);
}

/* Not inside a transaction: a rollback would bring values back that the list had dropped. */
static struct list *fresh(struct sf_store *store, const struct sf_object *object, size_t field)
{
    struct list *list = &store->phones->list[object - sf_objects][field];

    if (list->n > list->n_live * 2 + STALE_SLACK && store->savepoints == 0)
        load(store, object, field);
    return list;
}

static bool take(struct sf_phones_found *found, const struct list *list, size_t i)
{
    if (found->n == SF_PHONES_FOUND_MAX)
        return false;
    found->id[found->n++] = list->id[i];
    return true;
}

bool sf_phones_find(struct sf_store *store, const struct sf_object *object, size_t field, uint64_t tally,
                    bool more, struct sf_phones_found *found)
{
    const struct list *list = fresh(store, object, field);
    uint32_t at;

    if (list->n == 0)
        return true;
    if (more) {
        for (size_t i = 0; i < list->n; i++) {
            if (covers(list->tally[i], tally) && !take(found, list, i))
                return false;
        }
        return true;
    }
    for (at = list->bucket[bucket_of(list, tally)]; at > 0; at = list->next[at - 1]) {
        if (list->tally[at - 1] == tally && !take(found, list, at - 1))
            return false;
    }
    return true;
}

static int compare(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

void sf_phones_unique(struct sf_phones_found *found)
{
    size_t n = 0;

    if (found->n > 1)
        qsort(found->id, found->n, sizeof(found->id[0]), compare);
    for (size_t i = 0; i < found->n; i++) {
        if (n == 0 || strcmp(found->id[i], found->id[n - 1]) != 0)
            found->id[n++] = found->id[i];
    }
    found->n = n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of prepared statements: parsing and planning cost more than most statements' work. A
 * set-associative table keyed by the text; a statement that is in use (a query inside a query) is not lent
 * twice.
 */
#include <stdlib.h>

#include "store_priv.h"

#define SETS ((size_t)64)
#define WAYS ((size_t)6)

struct slot {
    sqlite3_stmt *stmt;
    uint64_t hash, used;
    bool busy;
};

struct sf_statements {
    struct slot slots[SETS][WAYS];
    uint64_t clock;
};

struct sf_statements *sf_statements_new(void)
{
    return cf_calloc(1, sizeof(struct sf_statements));
}

void sf_statements_free(struct sf_statements *statements)
{
    if (!statements)
        return;
    for (size_t i = 0; i < SETS * WAYS; i++)
        (void)sqlite3_finalize(statements->slots[i / WAYS][i % WAYS].stmt);
    free(statements);
}

/* Eight bytes at a time: the texts are long. */
static uint64_t hash_of(const char *text)
{
    size_t n = strlen(text);
    uint64_t hash = n * 0x9e3779b97f4a7c15ULL;

    while (n > 0) {
        uint64_t word = 0;
        size_t step = n < sizeof(word) ? n : sizeof(word);

        memcpy(&word, text, step);
        hash = (hash ^ word) * 0xff51afd7ed558ccdULL;
        hash ^= hash >> 32;
        text += step;
        n -= step;
    }
    return hash;
}

static bool fits(const struct slot *slot, uint64_t hash, const char *sql)
{
    return slot->stmt && !slot->busy && slot->hash == hash && strcmp(sqlite3_sql(slot->stmt), sql) == 0;
}

/* An empty way, else the one that rested longest; NULL when all are in use. */
static struct slot *victim(struct slot *set)
{
    struct slot *oldest = NULL;

    for (size_t i = 0; i < WAYS; i++) {
        if (!set[i].stmt)
            return &set[i];
        if (!set[i].busy && (!oldest || set[i].used < oldest->used))
            oldest = &set[i];
    }
    return oldest;
}

sqlite3_stmt *sf_db_try(struct sf_store *store, const char *sql)
{
    uint64_t hash = hash_of(sql);
    struct slot *set = store->statements->slots[hash % SETS], *slot;
    sqlite3_stmt *stmt = NULL;

    for (size_t i = 0; i < WAYS; i++) {
        if (!fits(&set[i], hash, sql))
            continue;
        set[i].busy = true;
        return set[i].stmt;
    }
    if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
        return NULL;
    slot = victim(set);
    if (slot) {
        (void)sqlite3_finalize(slot->stmt);
        *slot = (struct slot){stmt, hash, 0, true};
    }
    return stmt;
}

void sf_db_release(struct sf_store *store, sqlite3_stmt *stmt)
{
    struct slot *slots = &store->statements->slots[0][0];

    if (!stmt)
        return;
    for (size_t i = 0; i < SETS * WAYS; i++) {
        if (slots[i].stmt != stmt)
            continue;
        (void)sqlite3_reset(stmt);
        (void)sqlite3_clear_bindings(stmt);
        slots[i].busy = false;
        slots[i].used = ++store->statements->clock;
        return;
    }
    (void)sqlite3_finalize(stmt); /* its set was full of busy ones */
}

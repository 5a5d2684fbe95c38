/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_priv - what the parts of the store share: the database, failures, values and the search index.
 *
 * An object's table is "o_<Object>", its columns the fields that are not `via` and not write-only. Texts have
 * the collation SFTEXT (no case, all of Unicode), times are milliseconds, booleans 0 or 1.
 */
#ifndef SF_STORE_PRIV_H
#define SF_STORE_PRIV_H

#include <sqlite3.h>

#include "arena/arena.h"
#include "id.h"
#include "schema.h"
#include "store.h"

#define SF_SAVEPOINTS_MAX 12 /* 8 of the caller and ours */
#define SF_VERSION_SIZE 12

struct sf_store {
    sqlite3 *db;
    char version[SF_VERSION_SIZE]; /* "v60.0" */
    char user_id[SF_ID_SIZE], default_user[SF_ID_SIZE], org_id[SF_ID_SIZE];
    sf_now_fn *now;
    void *now_arg;
    uint32_t index_delay_ms;
    bool person_accounts, duplicates_allowed;
    enum sf_duplicate_rule duplicate_rule;
    unsigned savepoints;
    uint64_t next_locator;
    char comment_id[SF_ID_SIZE], comment_asked[SF_ID_SIZE]; /* sf_store_comment_made() */
    struct sf_statements *statements;                       /* statements.c */
    struct sf_phones *phones;                               /* phones.h */
};

int64_t sf_store_now_ms(const struct sf_store *store);

/* ---- fail.c ---- */
/** Fills `fail` and returns -1. `fields` may be NULL. */
int sf_fail_set(struct sf_fail *fail, int status, const char *code, const char *fields, const char *fmt, ...)
    CF_PRINTF(5, 6);
/** The object, or NULL after filling `fail` (404 NOT_FOUND, as for an unknown /sobjects/T). */
const struct sf_object *sf_need_object(const char *type, struct sf_fail *fail);

/* ---- db.c ---- */
/** A statement of its own, from the cache when it is there and free. Aborts when the SQL is wrong: it is
 * ours. Give it back with sf_db_release(). */
sqlite3_stmt *sf_db_prepare(struct sf_store *store, const char *sql);
/** As above, for SQL that was put together; frees the buffer. */
sqlite3_stmt *sf_db_prepare_buf(struct sf_store *store, struct cf_buf *sql);
/** As sf_db_prepare(), but NULL when SQLite refuses the text (too long, too deep). */
sqlite3_stmt *sf_db_try(struct sf_store *store, const char *sql);
/** Resets the statement, forgets its values and keeps it for the next one with the same text. */
void sf_db_release(struct sf_store *store, sqlite3_stmt *stmt);
/** Runs statements without results. */
void sf_db_exec(struct sf_store *store, const char *sql);
void sf_db_bind(sqlite3_stmt *stmt, int at, const char *text); /* NULL binds null; kept until finalized */
/** One step that must not fail; true: there is a row. */
bool sf_db_step(struct sf_store *store, sqlite3_stmt *stmt);
/** A column for a field that the schema has got. */
void sf_db_add_column(struct sf_store *store, const struct sf_object *object, const struct sf_field *field);
/** Creates tables and indexes, or returns -1 with `err`. */
int sf_db_create(struct sf_store *store, char *err, size_t err_size);
/** SFTEXT, sf_like(pattern, text). */
void sf_db_functions(sqlite3 *db);
/** Next number of a sequence ("Account", "CaseNumber"), from 1. */
uint64_t sf_db_sequence(struct sf_store *store, const char *name);

/* ---- statements.c ---- */
struct sf_statements *sf_statements_new(void);
/** Finalizes all: before the database closes. NULL is fine. */
void sf_statements_free(struct sf_statements *statements);

/* ---- text.c ---- */
/** Whole Unicode, no case: <0, 0, >0. */
int sf_text_compare(struct cf_str a, struct cf_str b);
/** % and _ as in SQL, \\ before one of them or itself takes it literally; no case. */
bool sf_text_like(struct cf_str pattern, struct cf_str text);
/* Texts to look one up in, without case; made in an arena. SF_TEXT_SET names its kind to SQLite. */
struct sf_text_set;
#define SF_TEXT_SET "sf_text_set"
struct sf_text_set *sf_text_set_new(struct cf_arena *arena, size_t n);
/** At most the `n` of before. */
void sf_text_set_add(struct sf_text_set *set, struct cf_str text);
bool sf_text_set_has(const struct sf_text_set *set, struct cf_str text);
/* Patterns of LIKE, any of which will do; in an arena. */
struct sf_patterns;
#define SF_PATTERNS "sf_patterns"
struct sf_patterns *sf_patterns_new(struct cf_arena *arena, size_t n);
/** At most the `n` of before. The text stays the caller's. */
void sf_patterns_add(struct sf_patterns *patterns, struct cf_str pattern);
bool sf_patterns_match(const struct sf_patterns *patterns, struct cf_str text);
/** The next character of `*rest`, folded; 0 at the end. */
uint32_t sf_text_next(struct cf_str *rest);
/** Writes the UTF-8 form of a code point; returns its bytes, at most 4. */
size_t sf_utf8_put(char *dst, uint32_t point);
bool sf_utf8_valid(struct cf_str text);

/* ---- value.c ---- */
/** Parses dates and times as Salesforce takes them in JSON and SOQL: offsets with or without a colon. */
bool sf_time_parse(struct cf_str text, int64_t *ret_ms);
/** "2026-11-22T10:00:00.000+0000". */
void sf_time_format(int64_t ms, char ret_text[32]);
/** The JSON form of a column; a new reference. */
json_t *sf_value_json(const struct sf_field *field, sqlite3_stmt *stmt, int column);
/**
 * Checks a value of a write and turns it into what the column holds: *ret_value is JSON null, a string, an
 * integer or a real; a new reference.
 */
int sf_value_check(struct sf_store *store, const struct sf_field *field, json_t *value, json_t **ret_value,
                   struct sf_fail *fail);
void sf_value_bind(sqlite3_stmt *stmt, int at, json_t *value);

/* ---- record.c ---- */
/** Whether a live record exists; `*ret_deleted` when it is only in the bin. */
bool sf_record_exists(struct sf_store *store, const struct sf_object *object, const char *id,
                      bool *ret_deleted);

/* ---- index.c ---- */
enum sf_index_kind { SF_INDEX_NAME = 1, SF_INDEX_EMAIL, SF_INDEX_PHONE, SF_INDEX_TEXT };
#define SF_PHONE_SUFFIX_MIN 4
/** Brings the search index in line with a record, index_delay_ms from now. */
void sf_index_record(struct sf_store *store, const struct sf_object *object, const char *id);
typedef void sf_index_token_fn(void *arg, const char *token);
/** Calls `fn` for every word of `text`: folded, split at punctuation and between letters and digits. */
void sf_index_words(struct cf_str text, sf_index_token_fn *fn, void *arg);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search index: words of names, e-mail addresses and texts; for phones every tail of their digits, so
 * that a national number finds a phone however it is written. It follows the records after index_delay_ms, as
 * Salesforce's does: until then a search sees the old words.
 */
#include "store_priv.h"

#define WORD_MAX 64   /* bytes of a token; longer words are cut */
#define WORDS_MAX 512 /* tokens of one field */
#define PHONE_DIGITS_MAX 20

enum char_class { OTHER, LETTER, DIGIT };

static enum char_class class_of(uint32_t c)
{
    if (c >= '0' && c <= '9')
        return DIGIT;
    return (c >= 'a' && c <= 'z') || c >= 0xc0 ? LETTER : OTHER;
}

void sf_index_words(struct cf_str text, sf_index_token_fn *fn, void *arg)
{
    char word[WORD_MAX + 8];
    size_t n = 0, words = 0;
    enum char_class last = OTHER;

    while (words < WORDS_MAX) {
        bool end = text.n == 0;
        uint32_t c = sf_text_next(&text);
        enum char_class now = end ? OTHER : class_of(c);

        if (now != last && n > 0) {
            word[n] = '\0';
            fn(arg, word);
            words++;
            n = 0;
        }
        if (end)
            return;
        last = now;
        if (now != OTHER && n < WORD_MAX)
            n += sf_utf8_put(word + n, c);
    }
}

struct field_index {
    struct sf_store *store;
    sqlite3_stmt *insert;
    const char *id;
    const struct sf_field *field;
};

static enum sf_index_kind kind_of(const struct sf_field *field)
{
    if (field->type == SF_T_PHONE)
        return SF_INDEX_PHONE;
    if (field->type == SF_T_EMAIL)
        return SF_INDEX_EMAIL;
    return field->flags & SF_NAME_FIELD ? SF_INDEX_NAME : SF_INDEX_TEXT;
}

static void insert_token(void *arg, const char *token)
{
    struct field_index *index = arg;

    sf_db_bind(index->insert, 1, token);
    (void)sqlite3_bind_int(index->insert, 2, (int)kind_of(index->field));
    sf_db_bind(index->insert, 3, index->field->name);
    sf_db_bind(index->insert, 4, index->id);
    (void)sqlite3_bind_int64(index->insert, 5, sf_store_now_ms(index->store) + index->store->index_delay_ms);
    (void)sf_db_step(index->store, index->insert);
    (void)sqlite3_reset(index->insert);
}

static void insert_tails(struct field_index *index, const char *digits, size_t n)
{
    for (size_t i = 0; i + SF_PHONE_SUFFIX_MIN <= n; i++)
        insert_token(index, digits + i);
}

/* An extension ("x 12") is no part of the number: both readings are indexed. */
static void index_phone(struct field_index *index, struct cf_str text)
{
    char digits[PHONE_DIGITS_MAX + 1];
    size_t n = 0, without_extension = 0;
    bool extension = false;

    for (size_t i = 0; i < text.n && n < PHONE_DIGITS_MAX; i++) {
        char c = text.p[i];

        if (c >= '0' && c <= '9') {
            digits[n++] = c;
        } else if (!extension && n > 0 && ((c | 0x20) == 'x' || (c | 0x20) == 'e' || c == '#')) {
            extension = true;
            digits[n] = '\0';
            without_extension = n;
            insert_tails(index, digits, n);
        }
    }
    digits[n] = '\0';
    if (!extension || n > without_extension)
        insert_tails(index, digits, n);
}

static bool is_indexed(const struct sf_field *field)
{
    return !field->via && (field->type == SF_T_PHONE || field->type == SF_T_EMAIL ||
                           (field->flags & (SF_NAME_FIELD | SF_SEARCHABLE)));
}

static void run(struct sf_store *store, const char *sql, const char *id, int64_t ms)
{
    sqlite3_stmt *stmt = sf_db_prepare(store, sql);

    sf_db_bind(stmt, 1, id);
    (void)sqlite3_bind_int64(stmt, 2, ms); /* ignored where there is no parameter 2 */
    (void)sf_db_step(store, stmt);
    sf_db_release(store, stmt);
}

/* Words of the record that are no longer seen go away, the others stay until the index has caught up. */
static void retire(struct sf_store *store, const char *id)
{
    int64_t now = sf_store_now_ms(store);

    if (store->index_delay_ms == 0) {
        run(store, "DELETE FROM sf_token WHERE id = ?1", id, now);
        return;
    }
    run(store, "DELETE FROM sf_token WHERE id = ?1 AND hidden_ms <= ?2", id, now);
    run(store, "UPDATE sf_token SET hidden_ms = ?2 WHERE id = ?1 AND hidden_ms IS NULL", id,
        now + store->index_delay_ms);
}

static void select_indexed(const struct sf_object *object, struct cf_buf *sql)
{
    cf_buf_text(sql, "SELECT Id");
    for (size_t i = 0; i < object->n_fields; i++) {
        if (is_indexed(&object->fields[i]))
            cf_buf_printf(sql, ", \"%s\"", object->fields[i].name);
    }
    cf_buf_printf(sql, " FROM \"o_%s\" WHERE Id = ?1 AND IsDeleted = 0", object->name);
}

static void insert_words(struct sf_store *store, const struct sf_object *object, sqlite3_stmt *row,
                         const char *id)
{
    struct field_index index = {.store = store, .id = id};

    index.insert =
        sf_db_prepare(store, "INSERT INTO sf_token (token, kind, field, id, visible_ms) VALUES (?1, ?2, "
                             "?3, ?4, ?5)");
    for (size_t i = 0, column = 1; i < object->n_fields; i++) {
        struct cf_str text;

        if (!is_indexed(&object->fields[i]))
            continue;
        text.p = (const char *)sqlite3_column_text(row, (int)column);
        text.n = (size_t)sqlite3_column_bytes(row, (int)column++);
        index.field = &object->fields[i];
        if (index.field->type == SF_T_PHONE)
            index_phone(&index, text);
        else
            sf_index_words(text, insert_token, &index);
    }
    sf_db_release(store, index.insert);
}

void sf_index_record(struct sf_store *store, const struct sf_object *object, const char *id)
{
    struct cf_buf sql;
    sqlite3_stmt *row;

    if (!object->searchable)
        return;
    retire(store, id);
    cf_buf_init(&sql, (size_t)8 << 10);
    select_indexed(object, &sql);
    row = sf_db_prepare_buf(store, &sql);
    sf_db_bind(row, 1, id);
    if (sf_db_step(store, row))
        insert_words(store, object, row, id);
    sf_db_release(store, row);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_rig - a store in memory with a clock of its own, and answers as short texts.
 *
 * The text of a record is its values in order, separated by commas; a parent in parentheses, children in
 * brackets; records are separated by " | ". The text of a failure is its errorCode.
 */
#ifndef SF_STORE_RIG_H
#define SF_STORE_RIG_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"
#include "str/str.h"

#define RIG_TEXT_BYTES ((size_t)1 << 20)

struct rig {
    struct sf_store *store;
    int64_t now_ms;
    struct sf_fail fail;
};

static inline int64_t rig_now(void *arg)
{
    return ((struct rig *)arg)->now_ms;
}

static inline void rig_open(struct rig *rig)
{
    char err[200] = "";

    *rig = (struct rig){.now_ms = 1794996000000}; /* Wednesday, 2026-11-18T10:00:00Z */
    rig->store = sf_store_open(":memory:", err, sizeof(err));
    ck_assert_msg(rig->store != NULL, "%s", err);
    sf_store_set_now(rig->store, rig_now, rig);
}

static inline void rig_close(struct rig *rig)
{
    sf_fail_done(&rig->fail);
    sf_store_close(rig->store);
}

static inline json_t *rig_json(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);

    ck_assert_msg(json != NULL, "%s in %s", error.text, text);
    return json;
}

/* Creates a record; returns NULL, or the errorCode. */
static inline const char *rig_create(struct rig *rig, const char *type, const char *body,
                                     char ret_id[SF_ID_SIZE])
{
    char id[SF_ID_SIZE] = "";
    json_t *json = rig_json(body);
    int failed;

    sf_fail_done(&rig->fail);
    failed = sf_store_create(rig->store, type, json, id, &rig->fail);
    json_decref(json);
    if (ret_id && !failed)
        memcpy(ret_id, id, sizeof(id));
    return failed ? rig->fail.code : NULL;
}

static inline void rig_flatten(json_t *value, struct cf_buf *out);

static inline void rig_flatten_record(json_t *record, struct cf_buf *out)
{
    const char *key;
    json_t *value;
    bool first = true;

    json_object_foreach(record, key, value)
    {
        if (strcmp(key, "attributes") == 0)
            continue;
        cf_buf_text(out, first ? "" : ",");
        rig_flatten(value, out);
        first = false;
    }
}

static inline void rig_flatten_records(json_t *records, struct cf_buf *out)
{
    json_t *record;
    size_t i;

    json_array_foreach(records, i, record)
    {
        cf_buf_text(out, i > 0 ? " | " : "");
        rig_flatten_record(record, out);
    }
}

static inline void rig_flatten(json_t *value, struct cf_buf *out)
{
    json_t *records = json_object_get(value, "records");
    char *text;

    if (json_is_string(value)) {
        cf_buf_text(out, json_string_value(value));
        return;
    }
    if (json_is_object(value)) {
        cf_buf_char(out, records ? '[' : '(');
        if (records)
            rig_flatten_records(records, out);
        else
            rig_flatten_record(value, out);
        cf_buf_char(out, records ? ']' : ')');
        return;
    }
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    cf_buf_text(out, text);
    free(text);
}

static inline char *rig_finish(struct cf_buf *out)
{
    char *text;

    cf_buf_char(out, '\0');
    text = cf_strdup(out->p);
    cf_buf_done(out);
    return text;
}

/* "<totalSize>: <records>", or the errorCode. The caller frees. */
static inline char *rig_query(struct rig *rig, const char *soql)
{
    struct cf_buf out;
    json_t *result = NULL;

    cf_buf_init(&out, RIG_TEXT_BYTES);
    sf_fail_done(&rig->fail);
    if (sf_store_query(rig->store, soql, NULL, &result, &rig->fail) != 0) {
        ck_assert_ptr_null(result);
        cf_buf_text(&out, rig->fail.code);
    } else {
        cf_buf_printf(&out, "%lld: ", (long long)json_integer_value(json_object_get(result, "totalSize")));
        rig_flatten_records(json_object_get(result, "records"), &out);
        json_decref(result);
    }
    return rig_finish(&out);
}

static inline void rig_expect_query(struct rig *rig, const char *soql, const char *expected)
{
    char *text = rig_query(rig, soql);

    ck_assert_msg(strcmp(text, expected) == 0, "%.2000s\n is       %.2000s\n expected %.2000s\n%s", soql,
                  text, expected, rig->fail.message);
    free(text);
}

#endif

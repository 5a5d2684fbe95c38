/* SPDX-License-Identifier: Apache-2.0 */
/* lookup_answer - what Salesforce's answer to the request of lookup_query says. */
#include <stdio.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "lookup_query.h"
#include "sf/sf.h"

#define MAX_RECORDS 200
#define MAX_CASES 1000 /* of all records together */

static const char *const references[] = {"contacts", "accounts"};
#define PARTS (sizeof(references) / sizeof(references[0]))

static const char *const contact_phones[LOOKUP_PHONES] = {"Phone", "MobilePhone", "HomePhone", "OtherPhone",
                                                          "AssistantPhone"};
static const char *const account_phones[LOOKUP_PHONES] = {"Phone", NULL, NULL, NULL, NULL};

/* ---- the answer ---- */

static struct cf_str text_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return (struct cf_str){json_string_value(value), json_string_length(value)};
}

static const json_t *part_of(const json_t *answer, const char *reference)
{
    const json_t *parts = json_object_get(answer, "compositeResponse");

    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i);

        if (cf_str_is(text_of(part, "referenceId"), reference))
            return part;
    }
    return NULL;
}

static bool message_names(const json_t *error, const char *field)
{
    struct cf_str message = text_of(error, "message");
    char phrase[128];

    (void)snprintf(phrase, sizeof(phrase), "No such column '%s'", field);
    return message.p && strstr(message.p, phrase);
}

static int part_failed(const struct lookup_query_opts *opts, const json_t *part,
                       enum lookup_dropped *ret_dropped, struct cf_err *err)
{
    const json_t *error = json_array_get(json_object_get(part, "body"), 0);
    int status = (int)json_integer_value(json_object_get(part, "httpStatusCode"));
    struct cf_str given = text_of(error, "errorCode");
    char code[64];

    (void)cf_str_copy(code, sizeof(code), given);
    if (opts->tier_field && message_names(error, opts->tier_field))
        *ret_dropped = LOOKUP_DROPPED_TIER;
    else if (opts->activity && message_names(error, "LastActivityDate"))
        *ret_dropped = LOOKUP_DROPPED_ACTIVITY;
    return cf_err_set(err, cf_sf_error_kind(status, code), "sf", status, "the query failed: HTTP %d %s",
                      status, code);
}

int lookup_query_check(const struct lookup_query_opts *opts, const json_t *answer,
                       enum lookup_dropped *ret_dropped, struct cf_err *err)
{
    *ret_dropped = LOOKUP_DROPPED_NONE;
    for (size_t i = 0; i < PARTS; i++) {
        const json_t *part = part_of(answer, references[i]);

        if (!part)
            return cf_err_set(err, CF_ERR_TRANSIENT, "sf", 0, "the answer lacks the %s", references[i]);
        if (json_integer_value(json_object_get(part, "httpStatusCode")) != 200)
            return part_failed(opts, part, ret_dropped, err);
    }
    return 0;
}

/* ---- records ---- */

struct reader {
    struct cf_arena *arena;
    const struct lookup_query_opts *opts;
    size_t cases_left;
};

/* At most `most` bytes, cut between characters. */
static struct cf_str get_text(const struct reader *reader, const json_t *object, const char *key, size_t most)
{
    struct cf_str text = text_of(object, key);

    if (!text.p)
        return text;
    if (text.n > most) {
        text.n = most;
        while (text.n > 0 && ((unsigned char)text.p[text.n] & 0xc0) == 0x80)
            text.n--;
    }
    return cf_arena_str(reader->arena, text);
}

/* 15 or 18 letters and digits; p = NULL when it is anything else. */
static struct cf_str get_id(const struct reader *reader, const json_t *object, const char *key)
{
    struct cf_str id = text_of(object, key);

    if (id.n != 15 && id.n != 18)
        return (struct cf_str){0};
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return (struct cf_str){0};
    }
    return cf_arena_str(reader->arena, id);
}

/* Salesforce writes +0000, RFC 3339 wants +00:00; a date alone is its midnight. */
static bool parse_time(struct cf_str text, int64_t *ret_ms)
{
    char full[64];

    if (text.n == 10) {
        (void)snprintf(full, sizeof(full), "%.10sT00:00:00Z", text.p);
    } else if (text.n > 5 && text.n < 40 && (text.p[text.n - 5] == '+' || text.p[text.n - 5] == '-')) {
        (void)snprintf(full, sizeof(full), "%.*s:%.2s", (int)(text.n - 2), text.p, text.p + text.n - 2);
    } else {
        (void)cf_str_copy(full, sizeof(full), text);
    }
    return cf_clock_parse(cf_str_of(full), ret_ms);
}

static bool read_case(struct reader *reader, const json_t *object, struct lookup_case *ret_case)
{
    char created[CF_CLOCK_TEXT_SIZE];

    *ret_case = (struct lookup_case){
        .shown = {.id = get_id(reader, object, "Id"),
                  .number = get_text(reader, object, "CaseNumber", 64),
                  .subject = get_text(reader, object, "Subject", 255),
                  .status = get_text(reader, object, "Status", 255),
                  .priority = get_text(reader, object, "Priority", 255),
                  .owner_id = get_id(reader, object, "OwnerId")},
        .escalated = json_is_true(json_object_get(object, "IsEscalated")),
    };
    if (parse_time(text_of(object, "CreatedDate"), &ret_case->created_at)) {
        cf_clock_format(ret_case->created_at, created);
        ret_case->shown.created_at = cf_arena_str(reader->arena, cf_str_of(created));
    }
    return ret_case->shown.id.p != NULL;
}

static void read_cases(struct reader *reader, const json_t *object, struct lookup_record *record)
{
    const json_t *rows = json_object_get(json_object_get(object, "Cases"), "records");
    size_t n = json_array_size(rows);

    n = n < LOOKUP_QUERY_CASES ? n : LOOKUP_QUERY_CASES;
    n = n < reader->cases_left ? n : reader->cases_left;
    if (n == 0)
        return;
    reader->cases_left -= n;
    record->cases = cf_arena_alloc(reader->arena, n * sizeof(*record->cases));
    for (size_t i = 0; i < n; i++) {
        if (read_case(reader, json_array_get(rows, i), &record->cases[record->n_cases]))
            record->n_cases++;
    }
}

static void read_account(struct reader *reader, const json_t *object, struct cf_account *account)
{
    account->id = get_id(reader, object, "Id");
    if (!account->id.p)
        return;
    account->name = get_text(reader, object, "Name", 255);
    account->owner_id = get_id(reader, object, "OwnerId");
    if (reader->opts->tier_field)
        account->tier = get_text(reader, object, reader->opts->tier_field, 255);
}

static void read_phones(struct reader *reader, const json_t *object, const char *const *fields,
                        struct lookup_record *record)
{
    for (size_t i = 0; i < LOOKUP_PHONES && fields[i]; i++) {
        record->phones[i] = get_text(reader, object, fields[i], 80);
        record->phone_fields[i] = fields[i];
    }
}

static int64_t read_time(const json_t *object, const char *key)
{
    int64_t at;

    return parse_time(text_of(object, key), &at) ? at : INT64_MIN;
}

static bool read_record(struct reader *reader, const json_t *object, bool contact,
                        struct lookup_record *record)
{
    *record = (struct lookup_record){.active_at = read_time(object, "LastActivityDate"),
                                     .modified_at = read_time(object, "LastModifiedDate")};
    if (contact) {
        record->contact.id = get_id(reader, object, "Id");
        record->contact.name = get_text(reader, object, "Name", 255);
        record->contact.owner_id = get_id(reader, object, "OwnerId");
        read_account(reader, json_object_get(object, "Account"), &record->account);
    } else {
        read_account(reader, object, &record->account);
    }
    read_phones(reader, object, contact ? contact_phones : account_phones, record);
    read_cases(reader, object, record);
    return contact ? record->contact.id.p != NULL : record->account.id.p != NULL;
}

static const json_t *rows_of(const json_t *answer, size_t part)
{
    return json_object_get(json_object_get(part_of(answer, references[part]), "body"), "records");
}

static bool may_be(const json_t *row, size_t part, const struct cf_phone *phone)
{
    const char *const *fields = part == 0 ? contact_phones : account_phones;

    for (size_t i = 0; i < LOOKUP_PHONES && fields[i]; i++) {
        if (cf_phone_may_be(text_of(row, fields[i]), phone))
            return true;
    }
    return false;
}

/* The rows that may be `phone` (NULL: all rows), at most MAX_RECORDS, counted; with `ret_records` they are
 * read.
 */
static size_t read_rows(struct reader *reader, const json_t *answer, const struct cf_phone *phone,
                        struct lookup_record *ret_records)
{
    size_t n = 0;

    for (size_t part = 0; part < PARTS; part++) {
        const json_t *rows = rows_of(answer, part);

        for (size_t i = 0; i < json_array_size(rows) && n < MAX_RECORDS; i++) {
            const json_t *row = json_array_get(rows, i);

            if (phone && !may_be(row, part, phone))
                continue;
            if (!ret_records || read_record(reader, row, part == 0, &ret_records[n]))
                n++;
        }
    }
    return n;
}

void lookup_query_pick(struct cf_arena *arena, const struct lookup_query_opts *opts, const json_t *answer,
                       const struct cf_phone *phone, struct lookup_record **ret_records, size_t *ret_n)
{
    struct reader reader = {arena, opts, MAX_CASES};
    size_t n = read_rows(&reader, answer, phone, NULL);

    *ret_records = cf_arena_alloc(arena, (n ? n : 1) * sizeof(**ret_records));
    *ret_n = read_rows(&reader, answer, phone, *ret_records);
}

void lookup_query_read(struct cf_arena *arena, const struct lookup_query_opts *opts, const json_t *answer,
                       struct lookup_record **ret_records, size_t *ret_n)
{
    lookup_query_pick(arena, opts, answer, NULL, ret_records, ret_n);
}

/* ---- parts of an answer ---- */

bool lookup_query_truncated(const json_t *answer, size_t n)
{
    for (size_t part = 0; part < PARTS; part++) {
        const json_t *body = json_object_get(part_of(answer, references[part]), "body");

        if (json_is_false(json_object_get(body, "done")) ||
            json_array_size(rows_of(answer, part)) >= LOOKUP_QUERY_ROWS(n))
            return true;
    }
    return false;
}

json_t *lookup_query_extract(const struct lookup_query_opts *opts, const json_t *answer,
                             const struct cf_phone *phone)
{
    json_t *parts = json_array(), *extract;
    size_t left = MAX_RECORDS;

    (void)opts;
    for (size_t part = 0; part < PARTS; part++) {
        const json_t *rows = rows_of(answer, part);
        json_t *kept = json_array();

        for (size_t i = 0; i < json_array_size(rows) && left > 0; i++) {
            json_t *row = json_array_get(rows, i);

            if (!may_be(row, part, phone))
                continue;
            json_array_append(kept, row);
            left--;
        }
        json_array_append_new(parts, json_pack("{s:s, s:i, s:{s:o}}", "referenceId", references[part],
                                               "httpStatusCode", 200, "body", "records", kept));
    }
    extract = json_pack("{s:o}", "compositeResponse", parts);
    if (!extract)
        abort();
    return extract;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* lookup_answer - what Salesforce's answer to the request of lookup_query says. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "lookup_query_priv.h"
#include "sf/sf.h"

#define MAX_RECORDS 200
#define MAX_CASES 1000 /* of all records together */

const char *const lookup_object_names[LOOKUP_OBJECTS] = {"Contact", "Account", "Lead"};
const char *const lookup_references[LOOKUP_OBJECTS] = {"contacts", "accounts", "leads"};

/* ---- the answer ---- */

struct cf_str lookup_text_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return (struct cf_str){json_string_value(value), json_string_length(value)};
}

bool lookup_is_id(struct cf_str id)
{
    if (id.n != 15 && id.n != 18)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return false;
    }
    return true;
}

static const json_t *part_of(const json_t *answer, const char *reference)
{
    const json_t *parts = json_object_get(answer, "compositeResponse");

    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i);

        if (cf_str_is(lookup_text_of(part, "referenceId"), reference))
            return part;
    }
    return NULL;
}

/* ---- whose answer it is ---- */

void lookup_query_mark(json_t *body, uint64_t number)
{
    json_t *parts = json_object_get(body, "compositeRequest");
    char marked[48];

    for (size_t i = 0; i < json_array_size(parts); i++) {
        json_t *part = json_array_get(parts, i);

        (void)snprintf(marked, sizeof(marked), "%s_%" PRIu64,
                       json_string_value(json_object_get(part, "referenceId")), number);
        json_object_set_new_nocheck(part, "referenceId", json_string_nocheck(marked));
    }
}

bool lookup_query_unmark(json_t *answer, uint64_t number)
{
    json_t *parts = json_object_get(answer, "compositeResponse");
    char mark[24];
    size_t n = (size_t)snprintf(mark, sizeof(mark), "_%" PRIu64, number);

    for (size_t i = 0; i < json_array_size(parts); i++) {
        json_t *part = json_array_get(parts, i);
        struct cf_str name = lookup_text_of(part, "referenceId");

        if (!name.p || !memchr(name.p, '_', name.n))
            continue;
        if (name.n <= n || memcmp(name.p + name.n - n, mark, n) != 0)
            return false;
        json_object_set_new_nocheck(part, "referenceId", json_stringn(name.p, name.n - n));
    }
    return true;
}

/* ---- failures ---- */

/* The two ways in which Salesforce says that a field is not there for us: it does not exist (or the user may
 * not see it), or it must not stand in a condition (an encrypted one). */
static bool is_missing(struct cf_str message, const char *object, const char *field, const char *part)
{
    char phrase[256];

    if (!message.p)
        return false;
    (void)snprintf(phrase, sizeof(phrase), "No such column '%s' on entity '%s'", field, object);
    if (strstr(message.p, phrase))
        return true;
    (void)snprintf(phrase, sizeof(phrase), "field '%s' can not be filtered", field);
    return part == object && strstr(message.p, phrase);
}

static struct lookup_dropped missing_field(const struct lookup_query_opts *opts, struct cf_str message,
                                           const char *part)
{
    const char *const more[] = {opts->tier_field, opts->activity ? "LastActivityDate" : NULL,
                                opts->person_accounts ? "IsPersonAccount" : NULL};

    for (size_t o = 0; o < LOOKUP_OBJECTS; o++) {
        const char *object = lookup_object_names[o];

        for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
            if (more[i] && is_missing(message, object, more[i], part))
                return (struct lookup_dropped){object, more[i]};
        }
        for (size_t i = 0; i < LOOKUP_PHONES && opts->phones[o][i]; i++) {
            if (is_missing(message, object, opts->phones[o][i], part))
                return (struct lookup_dropped){object, opts->phones[o][i]};
        }
    }
    if (opts->person_accounts && is_missing(message, "Account", "PersonContactId", part))
        return (struct lookup_dropped){"Account", "IsPersonAccount"};
    return (struct lookup_dropped){0};
}

int lookup_part_failed(const struct lookup_query_opts *opts, enum lookup_object object, int status,
                       const json_t *body, struct lookup_dropped *ret_dropped, struct cf_err *err)
{
    const json_t *error = json_array_get(body, 0);
    struct cf_str message = lookup_text_of(error, "message");
    char code[64];

    (void)cf_str_copy(code, sizeof(code), lookup_text_of(error, "errorCode"));
    *ret_dropped = missing_field(opts, message, lookup_object_names[object]);
    if (!ret_dropped->object && opts->phones[LOOKUP_LEAD][0] && strcmp(code, "INVALID_TYPE") == 0 &&
        message.p && strstr(message.p, "Lead"))
        *ret_dropped = (struct lookup_dropped){"Lead", NULL};
    return cf_err_set(err, cf_sf_error_kind(status, code), "sf", status, "the query failed: HTTP %d %s",
                      status, code);
}

int lookup_query_check(const struct lookup_query_opts *opts, const json_t *answer,
                       struct lookup_dropped *ret_dropped, struct cf_err *err)
{
    *ret_dropped = (struct lookup_dropped){0};
    for (size_t i = 0; i < LOOKUP_OBJECTS; i++) {
        const json_t *part = part_of(answer, lookup_references[i]);
        int status = (int)json_integer_value(json_object_get(part, "httpStatusCode"));

        if (!opts->phones[i][0])
            continue;
        if (!part)
            return cf_err_set(err, CF_ERR_TRANSIENT, "sf", 0, "the answer lacks the %s",
                              lookup_references[i]);
        if (status != 200)
            return lookup_part_failed(opts, (enum lookup_object)i, status, json_object_get(part, "body"),
                                      ret_dropped, err);
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
    struct cf_str text = lookup_text_of(object, key);

    if (!text.p)
        return text;
    if (text.n > most) {
        text.n = most;
        while (text.n > 0 && ((unsigned char)text.p[text.n] & 0xc0) == 0x80)
            text.n--;
    }
    return cf_arena_str(reader->arena, text);
}

/* p = NULL when it is no id. */
static struct cf_str get_id(const struct reader *reader, const json_t *object, const char *key)
{
    struct cf_str id = lookup_text_of(object, key);

    return lookup_is_id(id) ? cf_arena_str(reader->arena, id) : (struct cf_str){0};
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
    if (parse_time(lookup_text_of(object, "CreatedDate"), &ret_case->created_at)) {
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

static void read_phones(struct reader *reader, const json_t *row, enum lookup_object object,
                        struct lookup_record *record)
{
    const char *const *fields = reader->opts->phones[object];

    for (size_t i = 0; i < LOOKUP_PHONES && fields[i]; i++) {
        record->phones[i] = get_text(reader, row, fields[i], 80);
        record->phone_fields[i] = fields[i];
    }
}

static int64_t read_time(const json_t *object, const char *key)
{
    int64_t at;

    return parse_time(lookup_text_of(object, key), &at) ? at : INT64_MIN;
}

static void read_contact(struct reader *reader, const json_t *object, const char *id_key,
                         struct cf_contact *contact)
{
    contact->id = get_id(reader, object, id_key);
    if (!contact->id.p)
        return;
    contact->name = get_text(reader, object, "Name", 255);
    contact->owner_id = get_id(reader, object, "OwnerId");
}

static void read_lead(struct reader *reader, const json_t *object, struct cf_lead *lead)
{
    lead->id = get_id(reader, object, "Id");
    lead->name = get_text(reader, object, "Name", 255);
    lead->company = get_text(reader, object, "Company", 255);
    lead->owner_id = get_id(reader, object, "OwnerId");
}

static bool read_record(struct reader *reader, const json_t *row, enum lookup_object object,
                        struct lookup_record *record)
{
    *record = (struct lookup_record){.active_at = read_time(row, "LastActivityDate"),
                                     .modified_at = read_time(row, "LastModifiedDate")};
    if (object == LOOKUP_CONTACT) {
        read_contact(reader, row, "Id", &record->contact);
        read_account(reader, json_object_get(row, "Account"), &record->account);
    } else if (object == LOOKUP_ACCOUNT) {
        read_account(reader, row, &record->account);
        /* A person account is one person: an account and its own contact. */
        if (record->account.id.p && json_is_true(json_object_get(row, "IsPersonAccount")))
            read_contact(reader, row, "PersonContactId", &record->contact);
    } else {
        read_lead(reader, row, &record->lead);
    }
    read_phones(reader, row, object, record);
    read_cases(reader, row, record);
    return record->contact.id.p || record->account.id.p || record->lead.id.p;
}

static const json_t *rows_of(const json_t *answer, size_t object)
{
    return json_object_get(json_object_get(part_of(answer, lookup_references[object]), "body"), "records");
}

static bool may_be(const struct lookup_query_opts *opts, const json_t *row, size_t object,
                   const struct cf_phone *phone)
{
    for (size_t i = 0; i < LOOKUP_PHONES && opts->phones[object][i]; i++) {
        if (cf_phone_may_be(lookup_text_of(row, opts->phones[object][i]), phone))
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

    for (size_t object = 0; object < LOOKUP_OBJECTS; object++) {
        const json_t *rows = rows_of(answer, object);

        for (size_t i = 0; i < json_array_size(rows) && n < MAX_RECORDS; i++) {
            const json_t *row = json_array_get(rows, i);

            if (phone && !may_be(reader->opts, row, object, phone))
                continue;
            if (!ret_records || read_record(reader, row, (enum lookup_object)object, &ret_records[n]))
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
    for (size_t object = 0; object < LOOKUP_OBJECTS; object++) {
        const json_t *body = json_object_get(part_of(answer, lookup_references[object]), "body");

        if (json_is_false(json_object_get(body, "done")) ||
            json_array_size(rows_of(answer, object)) >= LOOKUP_QUERY_ROWS(n))
            return true;
    }
    return false;
}

static bool is_known(const struct lookup_query_opts *opts, const json_t *row, size_t object,
                     const struct cf_phone *phone)
{
    const char *home = *phone->region ? phone->region : NULL;

    for (size_t i = 0; i < LOOKUP_PHONES && opts->phones[object][i]; i++) {
        struct cf_str text = lookup_text_of(row, opts->phones[object][i]);

        if (cf_phone_may_be(text, phone) && cf_phone_is(text, home, phone))
            return true;
    }
    return false;
}

bool lookup_query_knows(const struct lookup_query_opts *opts, const json_t *answer,
                        const struct cf_phone *phone)
{
    for (size_t object = 0; object < LOOKUP_OBJECTS; object++) {
        const json_t *rows = rows_of(answer, object);

        for (size_t i = 0; i < json_array_size(rows); i++) {
            if (is_known(opts, json_array_get(rows, i), object, phone))
                return true;
        }
    }
    return false;
}

static json_t *kept_rows(const struct lookup_query_opts *opts, const json_t *answer, size_t object,
                         const struct cf_phone *phone)
{
    const json_t *rows = answer ? rows_of(answer, object) : NULL;
    json_t *kept = json_array();

    for (size_t i = 0; i < json_array_size(rows) && json_array_size(kept) < MAX_RECORDS; i++) {
        json_t *row = json_array_get(rows, i);

        if (may_be(opts, row, object, phone))
            json_array_append(kept, row);
    }
    return kept;
}

json_t *lookup_query_extract(const struct lookup_query_opts *opts, const json_t *answer,
                             const struct cf_phone *phone)
{
    json_t *parts = json_array(), *extract;

    for (size_t object = 0; object < LOOKUP_OBJECTS; object++) {
        if (!opts->phones[object][0])
            continue;
        json_array_append_new(parts, json_pack("{s:s, s:i, s:{s:o}}", "referenceId",
                                               lookup_references[object], "httpStatusCode", 200, "body",
                                               "records", kept_rows(opts, answer, object, phone)));
    }
    extract = json_pack("{s:o}", "compositeResponse", parts);
    if (!extract)
        abort();
    return extract;
}

json_t *lookup_query_nobody(const struct lookup_query_opts *opts)
{
    return lookup_query_extract(opts, NULL, NULL);
}

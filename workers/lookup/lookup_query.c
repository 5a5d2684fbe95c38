/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup_query.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "http/http.h"
#include "sf/sf.h"

#define FORMS 16
#define QUERY_LIMIT_BYTES ((size_t)100000) /* encoded; Salesforce allows as many before encoding */
#define MAX_RECORDS 200
#define MAX_CASES 1000       /* of all records together */
#define MIN_PATTERN_DIGITS 7 /* fewer digits in a row are in too many numbers */

static const char *const contact_phones[LOOKUP_PHONES] = {"Phone", "MobilePhone", "HomePhone", "OtherPhone",
                                                          "AssistantPhone"};
static const char *const account_phones[LOOKUP_PHONES] = {"Phone", NULL, NULL, NULL, NULL};

bool lookup_is_field_name(struct cf_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool inner = (c >= '0' && c <= '9') || c == '_';

        if (!letter && (i == 0 || !inner))
            return false;
    }
    return name.n > 0 && name.n <= 80;
}

/* ---- the text of the queries ----
 * It stands in a URL, so it is written percent-encoded at once, and the forms of the numbers, which come once
 * for each phone field, are made and encoded only once: that is most of what a lookup costs in CPU. */

static void add_encoded(struct cf_buf *q, const char *text)
{
    cf_http_escape(q, cf_str_of(text));
}

/* All written forms of all numbers: 'a','b',... */
static void add_forms(struct cf_buf *q, const struct cf_phone *phones, size_t n)
{
    struct cf_buf text;

    cf_buf_init(&text, QUERY_LIMIT_BYTES);
    for (size_t i = 0; i < n; i++) {
        char forms[FORMS][32];
        size_t n_forms = cf_phone_forms(&phones[i], forms, FORMS);

        for (size_t k = 0; k < n_forms; k++) {
            cf_buf_text(&text, text.n ? ",'" : "'");
            cf_soql_escape(&text, cf_str_of(forms[k]));
            cf_buf_char(&text, '\'');
        }
    }
    cf_http_escape(q, cf_buf_view(&text));
    cf_buf_done(&text);
}

/* '%5%2%0%7%...%': the digits in order, whatever is written between them. The groups of a written number can
 * end anywhere, so no longer run of digits is safe; the E.164 comparison sorts the accidental hits out. */
static void add_pattern(struct cf_buf *q, const struct cf_phone *phone)
{
    add_encoded(q, "'%");
    for (const char *at = phone->national; *at; at++) {
        cf_buf_char(q, *at);
        add_encoded(q, "%");
    }
    add_encoded(q, "'");
}

struct numbers {
    const struct cf_phone *phones;
    size_t n;
    struct cf_buf forms; /* encoded */
};

static void add_where(struct cf_buf *q, const struct lookup_query_opts *opts, const char *const *fields,
                      const struct numbers *numbers)
{
    add_encoded(q, " WHERE ");
    for (size_t f = 0; f < LOOKUP_PHONES && fields[f]; f++) {
        add_encoded(q, f ? " OR " : "");
        add_encoded(q, fields[f]);
        add_encoded(q, " IN (");
        cf_buf_str(q, cf_buf_view(&numbers->forms));
        add_encoded(q, ")");
        for (size_t i = 0; i < numbers->n && opts->patterns; i++) {
            if (strlen(numbers->phones[i].national) < MIN_PATTERN_DIGITS)
                continue;
            add_encoded(q, " OR ");
            add_encoded(q, fields[f]);
            add_encoded(q, " LIKE ");
            add_pattern(q, &numbers->phones[i]);
        }
    }
}

#define TEXT_OF(number) #number
#define LIMIT(number) " LIMIT " TEXT_OF(number)
#define SELECT_CASES                                                                                         \
    ", (SELECT Id, CaseNumber, Subject, Status, Priority, IsEscalated, OwnerId, CreatedDate FROM Cases "     \
    "WHERE "                                                                                                 \
    "IsClosed = false ORDER BY CreatedDate" LIMIT(LOOKUP_QUERY_CASES) ")"

static void write_contacts(struct cf_buf *q, const struct lookup_query_opts *opts,
                           const struct numbers *numbers)
{
    add_encoded(q, "SELECT Id, Name, OwnerId, Phone, MobilePhone, HomePhone, OtherPhone, AssistantPhone, "
                   "LastModifiedDate");
    add_encoded(q, opts->activity ? ", LastActivityDate" : "");
    add_encoded(q, ", Account.Id, Account.Name, Account.OwnerId");
    if (opts->tier_field) {
        add_encoded(q, ", Account.");
        add_encoded(q, opts->tier_field);
    }
    add_encoded(q, SELECT_CASES " FROM Contact");
    add_where(q, opts, contact_phones, numbers);
    add_encoded(q, LIMIT(LOOKUP_QUERY_CONTACTS));
}

static void write_accounts(struct cf_buf *q, const struct lookup_query_opts *opts,
                           const struct numbers *numbers)
{
    add_encoded(q, "SELECT Id, Name, OwnerId, Phone, LastModifiedDate");
    add_encoded(q, opts->activity ? ", LastActivityDate" : "");
    if (opts->tier_field) {
        add_encoded(q, ", ");
        add_encoded(q, opts->tier_field);
    }
    add_encoded(q, SELECT_CASES " FROM Account");
    add_where(q, opts, account_phones, numbers);
    add_encoded(q, LIMIT(LOOKUP_QUERY_CONTACTS));
}

static json_t *subrequest(const char *reference, const struct cf_buf *url)
{
    json_t *item = url->full ? NULL
                             : json_pack("{s:s, s:s%, s:s}", "method", "GET", "url", url->p, url->n,
                                         "referenceId", reference);

    if (!item)
        abort(); /* out of memory: 20 numbers of 16 forms can not be too long */
    return item;
}

json_t *lookup_query_build(const struct lookup_query_opts *opts, const struct cf_phone *phones, size_t n)
{
    struct numbers numbers = {phones, n, {0}};
    json_t *items = json_array(), *body;
    struct cf_buf url;

    cf_buf_init(&numbers.forms, QUERY_LIMIT_BYTES);
    add_forms(&numbers.forms, phones, n);
    cf_buf_init(&url, QUERY_LIMIT_BYTES);
    cf_buf_printf(&url, "/services/data/%s/query?q=", opts->api_version);
    write_contacts(&url, opts, &numbers);
    json_array_append_new(items, subrequest("contacts", &url));
    cf_buf_clear(&url);
    cf_buf_printf(&url, "/services/data/%s/query?q=", opts->api_version);
    write_accounts(&url, opts, &numbers);
    json_array_append_new(items, subrequest("accounts", &url));
    cf_buf_done(&url);
    cf_buf_done(&numbers.forms);
    body = json_pack("{s:b, s:o}", "allOrNone", 0, "compositeRequest", items);
    if (!body)
        abort();
    return body;
}

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
    static const char *const references[] = {"contacts", "accounts"};

    *ret_dropped = LOOKUP_DROPPED_NONE;
    for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
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

void lookup_query_read(struct cf_arena *arena, const struct lookup_query_opts *opts, const json_t *answer,
                       struct lookup_record **ret_records, size_t *ret_n)
{
    static const char *const references[] = {"contacts", "accounts"};
    struct reader reader = {arena, opts, MAX_CASES};
    struct lookup_record *records = cf_arena_alloc(arena, MAX_RECORDS * sizeof(*records));
    size_t n = 0;

    for (size_t r = 0; r < sizeof(references) / sizeof(references[0]); r++) {
        const json_t *rows =
            json_object_get(json_object_get(part_of(answer, references[r]), "body"), "records");

        for (size_t i = 0; i < json_array_size(rows) && n < MAX_RECORDS; i++) {
            if (read_record(&reader, json_array_get(rows, i), r == 0, &records[n]))
                n++;
        }
    }
    *ret_records = records;
    *ret_n = n;
}

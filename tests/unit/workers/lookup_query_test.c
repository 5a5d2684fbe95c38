/* SPDX-License-Identifier: Apache-2.0 */
/* The lookup's one request, and reading answers: good, broken and hostile ones. */
#include <check.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "lookup_query.h"

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static struct cf_arena *arena;
static const struct lookup_query_opts opts = {"v60.0", "Tier__c", true, true, false, LOOKUP_STANDARD_PHONES};
#define WITH_LEADS                                                                                           \
    {                                                                                                        \
        {"Phone"}, {"Phone"},                                                                                \
        {                                                                                                    \
            "Phone", "MobilePhone"                                                                           \
        }                                                                                                    \
    }

static void setup(void)
{
    arena = cf_arena_new(4 << 20);
}

static void teardown(void)
{
    cf_arena_free(arena);
}

static struct cf_phone parse(const char *text, const char *region)
{
    struct cf_phone phone;

    cf_phone_parse(cf_str_of(text), region, &phone);
    ck_assert_int_eq(phone.status, CF_PHONE_OK);
    return phone;
}

/* ---- building ---- */

static int hex_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c - 'A' + 10;
}

/* Percent-decoded; the caller frees. */
static char *decoded(const char *url)
{
    char *text = cf_calloc(1, strlen(url) + 1), *to = text;

    for (const char *at = url; *at; at++) {
        int code = *at == '+' ? ' ' : (unsigned char)*at;

        if (*at == '%') {
            code = hex_of(at[1]) * 16 + hex_of(at[2]);
            at += 2;
        }
        *to++ = (char)code;
    }
    return text;
}

/* The SOQL of one subrequest, percent-decoded; the caller frees. */
static char *soql_of(const json_t *body, size_t which)
{
    const json_t *item = json_array_get(json_object_get(body, "compositeRequest"), which);
    const char *url = json_string_value(json_object_get(item, "url"));

    ck_assert_str_eq(json_string_value(json_object_get(item, "method")), "GET");
    ck_assert_int_eq(strncmp(url, "/services/data/v60.0/query?q=", 29), 0);
    return decoded(url + 29);
}

#define SELECT_CASES                                                                                         \
    "(SELECT Id,CaseNumber,Subject,Status,Priority,IsEscalated,OwnerId,CreatedDate FROM Cases WHERE "        \
    "IsClosed=false ORDER BY CreatedDate LIMIT 50)"
#define SELECT_CONTACT                                                                                       \
    "SELECT Id,Name,OwnerId,LastModifiedDate,Phone,MobilePhone,HomePhone,OtherPhone,AssistantPhone,"         \
    "LastActivityDate,Account.Id,Account.Name,Account.OwnerId,Account.Tier__c,"

static const struct {
    const char *number, *part;
    bool patterns, there;
} contact_parts[] = {
    {"+15207739050", SELECT_CONTACT SELECT_CASES " FROM Contact WHERE Phone LIKE '%5%2%0%7%7%3%9%0%5%0%'",
     true, true},
    {"+15207739050", " OR AssistantPhone LIKE '%5%2%0%7%7%3%9%0%5%0%' LIMIT 50", true, true},
    {"+15207739050", " IN (", true, false}, /* the pattern finds all forms */
    {"+5491123456789", "Phone IN ('011 15-2345-6789'", true,
     true},                                            /* but not the 9 that is not written at home */
    {"+6834002", "Phone IN ('+6834002',", true, true}, /* too short for a pattern */
    {"+6834002", "LIKE", true, false},
    {"+15207739050", SELECT_CONTACT SELECT_CASES " FROM Contact WHERE Phone IN ('+15207739050',", false,
     true},
    {"+15207739050", " OR MobilePhone IN ('+15207739050','", false, true},
    {"+15207739050", "'(520) 773-9050'", false, true},
    {"+15207739050", "'5207739050'", false, true},
    {"+15207739050", "'520.773.9050'", false, true},
    {"+15207739050", "LIKE", false, false},
};

START_TEST(test_contacts)
{
    const struct cf_phone phone = parse(contact_parts[_i].number, "US");
    struct lookup_query_opts asked = opts;
    json_t *body;
    char *soql;

    asked.patterns = contact_parts[_i].patterns;
    body = lookup_query_build(&asked, &phone, 1);
    soql = soql_of(body, 0);
    ck_assert_msg((strstr(soql, contact_parts[_i].part) != NULL) == contact_parts[_i].there, "%s", soql);
    free(soql);
    json_decref(body);
}
END_TEST

START_TEST(test_accounts)
{
    const struct cf_phone phone = parse("0049 30 901820", "US");
    json_t *body = lookup_query_build(&opts, &phone, 1);
    char *soql = soql_of(body, 1);

    ck_assert_int_eq((int)json_array_size(json_object_get(body, "compositeRequest")), 2);
    ck_assert_ptr_nonnull(strstr(soql, "LastActivityDate,Tier__c,(SELECT"));
    ck_assert_ptr_nonnull(strstr(soql, " FROM Account WHERE Phone LIKE '%3%0%9%0%1%8%2%0%' LIMIT 50"));
    ck_assert_ptr_null(strstr(soql, "MobilePhone"));
    free(soql);
    json_decref(body);
}
END_TEST

START_TEST(test_options_dropped)
{
    const struct lookup_query_opts bare = {"v60.0", NULL, false, false, false, LOOKUP_STANDARD_PHONES};
    const struct cf_phone phone = parse("(520) 773-9050", "US");
    json_t *body = lookup_query_build(&bare, &phone, 1);

    for (size_t i = 0; i < 2; i++) {
        char *soql = soql_of(body, i);

        ck_assert_ptr_null(strstr(soql, "Tier__c"));
        ck_assert_ptr_null(strstr(soql, "LastActivityDate"));
        ck_assert_ptr_null(strstr(soql, "LIKE"));
        free(soql);
    }
    json_decref(body);
}
END_TEST

START_TEST(test_most_numbers_fit)
{
    struct lookup_query_opts most = opts;
    struct cf_phone phones[LOOKUP_QUERY_NUMBERS];
    json_t *body;
    char *soql;

    for (size_t i = 0; i < LOOKUP_QUERY_NUMBERS; i++)
        phones[i] = parse("+442079460958", "US");
    for (size_t i = 5; i < LOOKUP_PHONES; i++)
        most.phones[LOOKUP_CONTACT][i] = "A_Field_Whose_Name_Has_40_Characters__c";
    most.patterns = _i == 0;
    body = lookup_query_build(&most, phones, LOOKUP_QUERY_NUMBERS);
    soql = soql_of(body, 0);
    ck_assert_uint_lt(strlen(soql), 100000);
    free(soql);
    json_decref(body);
}
END_TEST

static const struct {
    const char *name;
    bool ok;
} names[] = {
    {"Tier__c", true}, {"a", true},    {"X9", true},   {"", false},          {"9X", false}, {"_x", false},
    {"A B", false},    {"A,B", false}, {"A.B", false}, {"Id FROM X", false}, {"A'", false}, {"A\n", false},
};

START_TEST(test_field_name)
{
    ck_assert_int_eq(lookup_is_field_name(cf_str_of(names[_i].name)), names[_i].ok);
}
END_TEST

static const struct {
    const char *text, *last;
    size_t n; /* 0: refused */
} field_lists[] = {
    {"Phone", "Phone", 1},
    {" Phone , MobilePhone,Line_2__c ", "Line_2__c", 3},
    {"a,b,c,d,e,f,g,h,i,j", "j", 10},
    {"a,b,c,d,e,f,g,h,i,j,k", "", 0},
    {"Phone,", "Phone", 1},
    {",Phone", "", 0},
    {"Phone,phone", "", 0},
    {"Phone FROM User", "", 0},
    {"Id", "", 0},
    {"Account.Phone", "", 0},
};

START_TEST(test_fields)
{
    struct lookup_field_list list;
    const char *phones[LOOKUP_PHONES] = {"Phone"};
    struct cf_err err = {0};
    bool good = field_lists[_i].n > 0;

    ck_assert_int_eq(lookup_fields_parse("key", cf_str_of(field_lists[_i].text), &list, &err), good ? 0 : -1);
    if (!good) {
        ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
        return;
    }
    ck_assert_uint_eq(list.n, field_lists[_i].n);
    ck_assert_str_eq(list.text + list.at[list.n - 1], field_lists[_i].last);
    lookup_fields_add(&list, phones); /* what is there is not added again, what has no room is not */
    ck_assert_str_eq(phones[0], "Phone");
    for (size_t i = 1; i < LOOKUP_PHONES && phones[i]; i++)
        ck_assert_str_ne(phones[i], "Phone");
}
END_TEST

START_TEST(test_leads_and_persons)
{
    const struct lookup_query_opts more = {"v60.0", "Tier__c", true, true, true, WITH_LEADS};
    const struct cf_phone phone = parse("(520) 773-9050", "US");
    json_t *body = lookup_query_build(&more, &phone, 1);
    char *accounts = soql_of(body, 1), *leads = soql_of(body, 2);

    ck_assert_ptr_nonnull(strstr(accounts, ",Tier__c,IsPersonAccount,PersonContactId,(SELECT"));
    ck_assert_str_eq(
        leads, "SELECT Id,Name,OwnerId,LastModifiedDate,Phone,MobilePhone,LastActivityDate,Company FROM "
               "Lead WHERE IsConverted=false AND (Phone LIKE '%5%2%0%7%7%3%9%0%5%0%' OR MobilePhone "
               "LIKE '%5%2%0%7%7%3%9%0%5%0%') LIMIT 50");
    free(accounts);
    free(leads);
    json_decref(body);
}
END_TEST

/* ---- searching ---- */

START_TEST(test_search)
{
    const struct lookup_query_opts more = {"v60.0", NULL, false, false, false, WITH_LEADS};
    const struct cf_phone phones[] = {parse("(520) 773-9050", "US"), parse("0049 30 901820", "US")};
    json_t *body = lookup_search_build(&more, phones, 2);
    const json_t *items = json_object_get(body, "batchRequests");
    const char *url = json_string_value(json_object_get(json_array_get(items, 0), "url"));
    char *sosl;

    ck_assert_uint_eq(json_array_size(items), 1);
    ck_assert_int_eq(strncmp(url, "v60.0/search/?q=FIND+%7B", 24), 0);
    sosl = decoded(url + 16);
    ck_assert_str_eq(
        sosl, "FIND {15207739050 OR 5207739050 OR 0015207739050 OR 4930901820 OR 030901820 OR 30901820 "
              "OR 004930901820 OR 49030901820} IN PHONE FIELDS RETURNING Contact(Id LIMIT 60), "
              "Account(Id LIMIT 60), Lead(Id WHERE IsConverted = false LIMIT 60)");
    free(sosl);
    json_decref(body);
}
END_TEST

#define FOUND(rows)                                                                                          \
    "{\"hasErrors\":false,\"results\":[{\"statusCode\":200,\"result\":{\"searchRecords\":[" rows "]}}]}"
#define HIT(type, id) "{\"attributes\":{\"type\":\"" type "\"},\"Id\":\"" id "\"}"

static const struct {
    const char *answer;
    enum cf_err_kind kind;           /* 0: it is an answer */
    const char *contacts, *accounts; /* the ends of the queries; NULL: nobody */
} searches[] = {
    {FOUND(""), 0, NULL, NULL},
    {FOUND(HIT("Contact", "003000000000001AAA")), 0, " WHERE Id IN ('003000000000001AAA') LIMIT 50",
     " WHERE Id=null LIMIT 50"},
    {FOUND(HIT("Account", "001000000000001") "," HIT("Contact", "003000000000001") "," HIT(
         "Contact", "003000000000002")),
     0, " WHERE Id IN ('003000000000001','003000000000002') LIMIT 50",
     " WHERE Id IN ('001000000000001') LIMIT 50"},
    {FOUND(HIT("Contact", "003' OR Name != '") "," HIT("User", "005000000000001") ",7,null"), 0, NULL, NULL},
    {"{}", CF_ERR_TRANSIENT, NULL, NULL},
    {"[]", CF_ERR_TRANSIENT, NULL, NULL},
    {"{\"results\":[{\"statusCode\":403,\"result\":[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\"}]}]}",
     CF_ERR_THROTTLED, NULL, NULL},
    {"{\"results\":[{\"statusCode\":500,\"result\":null}]}", CF_ERR_TRANSIENT, NULL, NULL},
    {"{\"results\":[{\"statusCode\":200,\"result\":7}]}", 0, NULL, NULL},
};

static void check_end(const json_t *body, size_t which, const char *end)
{
    char *soql = soql_of(body, which);

    ck_assert_uint_gt(strlen(soql), strlen(end));
    ck_assert_str_eq(soql + strlen(soql) - strlen(end), end);
    free(soql);
}

START_TEST(test_search_answer)
{
    json_t *answer = json_loads(searches[_i].answer, 0, NULL), *body = NULL;
    struct lookup_dropped dropped;
    struct cf_err err = {0};

    ck_assert_int_eq(lookup_search_read(&opts, answer, 1, &body, &dropped, &err), searches[_i].kind ? -1 : 0);
    ck_assert_int_eq(err.kind, searches[_i].kind);
    ck_assert_int_eq(body != NULL, searches[_i].contacts != NULL);
    if (body) {
        check_end(body, 0, searches[_i].contacts);
        check_end(body, 1, searches[_i].accounts);
    }
    json_decref(body);
    body = lookup_query_nobody(&opts);
    ck_assert_int_eq(lookup_query_check(&opts, body, &dropped, &err), 0);
    json_decref(body);
    json_decref(answer);
}
END_TEST

/* ---- checking ---- */

#define PART(reference, status, body)                                                                        \
    "{\"referenceId\":\"" reference "\",\"httpStatusCode\":" status ",\"body\":" body "}"
#define ANSWER(contacts, accounts) "{\"compositeResponse\":[" contacts "," accounts "]}"
#define ROWS_OF(rows) "{\"totalSize\":1,\"done\":true,\"records\":[" rows "]}"
#define NO_CONTACTS PART("contacts", "200", ROWS_OF(""))
#define NO_ACCOUNTS PART("accounts", "200", ROWS_OF(""))
#define ERROR(code, message) "[{\"errorCode\":\"" code "\",\"message\":\"" message "\"}]"

static const struct {
    const char *answer;
    int ret;
    enum cf_err_kind kind;
    const char *object, *field;
} checks[] = {
    {ANSWER(NO_CONTACTS, NO_ACCOUNTS), 0, 0, NULL, NULL},
    {ANSWER(NO_ACCOUNTS, NO_CONTACTS), 0, 0, NULL, NULL}, /* the order is not promised */
    {"null", -1, CF_ERR_TRANSIENT, NULL, NULL},
    {"[]", -1, CF_ERR_TRANSIENT, NULL, NULL},
    {"{\"compositeResponse\":[]}", -1, CF_ERR_TRANSIENT, NULL, NULL},
    {"{\"compositeResponse\":[null,7,{}]}", -1, CF_ERR_TRANSIENT, NULL, NULL},
    {ANSWER(PART("contacts", "400", ERROR("MALFORMED_QUERY", "x")), NO_ACCOUNTS), -1, CF_ERR_CONFIG, NULL,
     NULL},
    {ANSWER(PART("contacts", "400", ERROR("QUERY_TIMEOUT", "x")), NO_ACCOUNTS), -1, CF_ERR_TRANSIENT, NULL,
     NULL},
    {ANSWER(PART("contacts", "403", ERROR("REQUEST_LIMIT_EXCEEDED", "x")), NO_ACCOUNTS), -1, CF_ERR_THROTTLED,
     NULL, NULL},
    {ANSWER(NO_CONTACTS, PART("accounts", "500", "null")), -1, CF_ERR_TRANSIENT, NULL, NULL},
    {ANSWER(NO_CONTACTS,
            PART("accounts", "400", ERROR("INVALID_FIELD", "No such column 'Tier__c' on entity 'Account'."))),
     -1, CF_ERR_CONFIG, "Account", "Tier__c"},
    {ANSWER(PART("contacts", "400",
                 ERROR("INVALID_FIELD", "\\nSELECT LastActivityDate, Tier__c\\nNo such column "
                                        "'LastActivityDate' on entity 'Contact'.")),
            NO_ACCOUNTS),
     -1, CF_ERR_CONFIG, "Contact", "LastActivityDate"},
    {ANSWER(PART("contacts", "400", ERROR("INVALID_FIELD", "No such column 'Phone' on entity 'Contact'.")),
            NO_ACCOUNTS),
     -1, CF_ERR_CONFIG, "Contact", "Phone"},
    {ANSWER(PART("contacts", "400",
                 ERROR("INVALID_FIELD", "field 'OtherPhone' can not be filtered in a query call")),
            NO_ACCOUNTS),
     -1, CF_ERR_CONFIG, "Contact", "OtherPhone"},
    {ANSWER(NO_CONTACTS, PART("accounts", "400",
                              ERROR("INVALID_FIELD", "No such column 'Nonsense' on entity 'Account'."))),
     -1, CF_ERR_CONFIG, NULL, NULL},
};

START_TEST(test_check)
{
    json_t *answer = json_loads(checks[_i].answer, JSON_DECODE_ANY, NULL);
    struct lookup_dropped dropped;
    struct cf_err err = {0};

    ck_assert_int_eq(lookup_query_check(&opts, answer, &dropped, &err), checks[_i].ret);
    ck_assert_pstr_eq(dropped.object, checks[_i].object);
    ck_assert_pstr_eq(dropped.field, checks[_i].field);
    if (checks[_i].ret)
        ck_assert_int_eq(err.kind, checks[_i].kind);
    json_decref(answer);
}
END_TEST

static const struct {
    const char *object, *field;
    bool again[2], news[2]; /* the first time, the second */
} drops[] = {
    {NULL, NULL, {false, false}, {false, false}},
    {"Account", "Tier__c", {true, true}, {true, false}},
    {"Contact", "LastActivityDate", {true, true}, {true, false}},
    {"Account", "IsPersonAccount", {true, true}, {true, false}},
    {"Contact", "HomePhone", {true, true}, {true, false}},
    {"Account", "Phone", {false, false}, {true, true}}, /* the last one */
    {"Lead", NULL, {true, true}, {true, false}},
    {"User", "Phone", {false, false}, {false, false}},
};

START_TEST(test_drop)
{
    const struct lookup_dropped dropped = {drops[_i].object, drops[_i].field};
    struct lookup_query_opts less = {"v60.0", "Tier__c", true, true, true, LOOKUP_STANDARD_PHONES};
    bool news;

    less.phones[LOOKUP_LEAD][0] = "Phone";
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(lookup_query_drop(&less, &dropped, &news), drops[_i].again[i]);
        if (drops[_i].again[i])
            ck_assert_int_eq(news, drops[_i].news[i]);
    }
    ck_assert_ptr_nonnull(less.phones[LOOKUP_CONTACT][3]);
    ck_assert_str_eq(less.phones[LOOKUP_ACCOUNT][0], "Phone");
}
END_TEST

/* ---- reading ---- */

static size_t read(const char *text, struct lookup_record **ret_records)
{
    json_t *answer = json_loads(text, JSON_DECODE_ANY, NULL);
    size_t n;

    ck_assert_ptr_nonnull(answer);
    lookup_query_read(arena, &opts, answer, ret_records, &n);
    json_decref(answer);
    return n;
}

START_TEST(test_read)
{
    struct lookup_record *r;
    size_t n = read(
        ANSWER(
            PART("contacts", "200",
                 ROWS_OF("{\"Id\":\"003000000000001AAA\",\"Name\":\"Ana O'Neil <b>\",\"OwnerId\":"
                         "\"005000000000001\",\"Phone\":null,\"MobilePhone\":\"(520) 773-9050\","
                         "\"LastModifiedDate\":\"2026-11-22T10:15:30.000+0000\",\"LastActivityDate\":\"2026-"
                         "11-01\","
                         "\"Account\":{\"Id\":\"001000000000001\",\"Name\":\"Acme\",\"Tier__c\":\"Gold\"},"
                         "\"Cases\":{\"totalSize\":1,\"done\":true,\"records\":[{\"Id\":\"500000000000001\","
                         "\"CaseNumber\":\"00001001\",\"Subject\":\"Broken\",\"Status\":\"New\",\"Priority\":"
                         "\"High\",\"IsEscalated\":true,\"CreatedDate\":\"2026-11-20T08:00:00.000+0100\"},"
                         "{\"Id\":\"bad'id\"}]}}")),
            PART("accounts", "200",
                 ROWS_OF("{\"Id\":\"001000000000002\",\"Name\":\"Bolt\",\"Phone\":\"5207739050\",\"Cases\":"
                         "null}"))),
        &r);

    ck_assert_uint_eq(n, 2);
    ck_assert(cf_str_is(r[0].contact.name, "Ana O'Neil <b>"));
    ck_assert(cf_str_is(r[0].account.tier, "Gold"));
    ck_assert_ptr_null(r[0].phones[0].p);
    ck_assert(cf_str_is(r[0].phones[1], "(520) 773-9050"));
    ck_assert_str_eq(r[0].phone_fields[1], "MobilePhone");
    ck_assert_int_gt(r[0].modified_at, r[0].active_at);
    ck_assert_uint_eq(r[0].n_cases, 1);
    ck_assert(r[0].cases[0].escalated);
    ck_assert(cf_str_is(r[0].cases[0].shown.created_at, "2026-11-20T07:00:00.000Z"));
    ck_assert_ptr_null(r[1].contact.id.p);
    ck_assert(cf_str_is(r[1].account.name, "Bolt"));
    ck_assert_int_eq(r[1].active_at, INT64_MIN);
}
END_TEST

START_TEST(test_read_persons_and_leads)
{
    static const char text[] = "{\"compositeResponse\":[" NO_CONTACTS "," PART(
        "accounts", "200",
        ROWS_OF(
            "{\"Id\":\"001000000000001\",\"Name\":\"Ana Lima\",\"IsPersonAccount\":true,\"PersonContactId\":"
            "\"003000000000001\",\"PersonMobilePhone\":\"5207739050\"},"
            "{\"Id\":\"001000000000002\",\"Name\":\"Bolt\",\"IsPersonAccount\":false,\"PersonContactId\":"
            "null}")) "," PART("leads", "200",
                               ROWS_OF("{\"Id\":\"00Q000000000001\",\"Name\":\"Leo\",\"Company\":\"Acme\","
                                       "\"Phone\":\"5207739050\"}")) "]}";
    const struct lookup_query_opts more = {
        "v60.0", NULL, true, true, true, {{"Phone"}, {"Phone", "PersonMobilePhone"}, {"Phone"}}};
    json_t *answer = json_loads(text, 0, NULL);
    struct lookup_record *r;
    struct lookup_dropped dropped;
    struct cf_err err;
    size_t n;

    ck_assert_int_eq(lookup_query_check(&more, answer, &dropped, &err), 0);
    lookup_query_read(arena, &more, answer, &r, &n);
    ck_assert_uint_eq(n, 3);
    ck_assert(cf_str_is(r[0].contact.id, "003000000000001"));
    ck_assert(cf_str_is(r[0].contact.name, "Ana Lima"));
    ck_assert(cf_str_is(r[0].account.id, "001000000000001"));
    ck_assert_str_eq(r[0].phone_fields[1], "PersonMobilePhone");
    ck_assert_ptr_null(r[1].contact.id.p);
    ck_assert_ptr_null(r[1].lead.id.p);
    ck_assert(cf_str_is(r[2].lead.id, "00Q000000000001"));
    ck_assert(cf_str_is(r[2].lead.company, "Acme"));
    ck_assert_ptr_null(r[2].account.id.p);
    json_decref(answer);
}
END_TEST

static const struct {
    const char *answer;
    size_t n;
} hostile[] = {
    {"{}", 0},
    {ANSWER(PART("contacts", "200", "7"), PART("accounts", "200", "[]")), 0},
    {ANSWER(PART("contacts", "200", "{\"records\":{}}"),
            PART("accounts", "200", "{\"records\":[1,null,[]]}")),
     0},
    {ANSWER(PART("contacts", "200", ROWS_OF("{\"Id\":\"003'; DROP--\"}")), NO_ACCOUNTS), 0},
    {ANSWER(PART("contacts", "200", ROWS_OF("{\"Id\":12345678901234567}")), NO_ACCOUNTS), 0},
    {ANSWER(PART("contacts", "200", ROWS_OF("{\"Id\":\"0030000000000016\"}")), NO_ACCOUNTS), 0},
    {ANSWER(
         PART("contacts", "200",
              ROWS_OF("{\"Id\":\"003000000000001\",\"Name\":[],\"Account\":[],\"Cases\":\"x\",\"Phone\":{},"
                      "\"LastModifiedDate\":\"yesterday\"}")),
         NO_ACCOUNTS),
     1},
    {ANSWER(PART("contacts", "200",
                 ROWS_OF("{\"Id\":\"003000000000001\",\"Name\":\"\\\" ' \\\\ \\u00e9 \\ud83d\\ude00 {case} "
                         "</speak>\","
                         "\"Account\":{\"Id\":\"<001>\",\"Name\":\"x\"}}")),
            NO_ACCOUNTS),
     1},
};

START_TEST(test_read_hostile)
{
    struct lookup_record *records;

    ck_assert_uint_eq(read(hostile[_i].answer, &records), hostile[_i].n);
    if (hostile[_i].n)
        ck_assert_ptr_null(records[0].account.id.p);
}
END_TEST

START_TEST(test_read_is_bounded)
{
    json_t *rows = json_array(), *cases = json_array(), *answer;
    struct lookup_record *records;
    size_t n, n_cases = 0;
    char name[1001];

    memset(name, 'n', sizeof(name) - 1);
    memcpy(name + 254, "\xc3\xa9", 2); /* the 255th byte is inside a character */
    name[1000] = '\0';
    for (size_t i = 0; i < 300; i++)
        json_array_append_new(cases, json_pack("{s:s}", "Id", "500000000000001"));
    for (size_t i = 0; i < 1000; i++)
        json_array_append_new(rows, json_pack("{s:s, s:s, s:{s:O}}", "Id", "003000000000001", "Name", name,
                                              "Cases", "records", cases));
    answer = json_pack("{s:[{s:s, s:{s:o}}]}", "compositeResponse", "referenceId", "contacts", "body",
                       "records", rows);
    lookup_query_read(arena, &opts, answer, &records, &n);
    ck_assert_uint_eq(n, 200);
    for (size_t i = 0; i < n; i++)
        n_cases += records[i].n_cases;
    ck_assert_uint_eq(records[0].n_cases, LOOKUP_QUERY_CASES);
    ck_assert_uint_le(n_cases, 1000);
    ck_assert_uint_eq(records[0].contact.name.n, 254);
    json_decref(cases);
    json_decref(answer);
}
END_TEST

/* ---- one number of several ---- */

#define CONTACT(id, field, phone) "{\"Id\":\"" id "\",\"" field "\":\"" phone "\"}"

static const char several[] = ANSWER(
    PART("contacts", "200",
         ROWS_OF(CONTACT("003000000000001", "MobilePhone", "(520) 773-9050") "," CONTACT(
             "003000000000002", "Phone",
             "+49 30 901820") "," CONTACT("003000000000003", "Phone",
                                          "1-800-FLOWERS") "," CONTACT("003000000000004", "OtherPhone",
                                                                       "\\u0665\\u0662\\u0660 773 "
                                                                       "9051") "," CONTACT("003'000", "Phone",
                                                                                           "520773905"
                                                                                           "0"))),
    PART("accounts", "200", ROWS_OF(CONTACT("001000000000001", "Phone", "520.773.9050 x7"))));

static const struct {
    const char *number;
    size_t n;
    const char *first;
} picks[] = {
    {"+15207739050", 4, "003000000000001"}, /* letters and other scripts are left to the comparison */
    {"+4930901820", 3, "003000000000002"},
    {"+442079460958", 2, "003000000000003"},
};

START_TEST(test_pick)
{
    const struct cf_phone phone = parse(picks[_i].number, "US");
    json_t *answer = json_loads(several, 0, NULL), *extract;
    struct lookup_record *records;
    struct lookup_dropped dropped;
    struct cf_err err;
    size_t n;

    lookup_query_pick(arena, &opts, answer, &phone, &records, &n);
    ck_assert_uint_eq(n, picks[_i].n);
    ck_assert(cf_str_is(records[0].contact.id, picks[_i].first));
    /* what goes into a cache reads the same, and outlives the answer */
    extract = lookup_query_extract(&opts, answer, &phone);
    json_decref(answer);
    ck_assert_int_eq(lookup_query_check(&opts, extract, &dropped, &err), 0);
    lookup_query_pick(arena, &opts, extract, &phone, &records, &n);
    ck_assert_uint_eq(n, picks[_i].n);
    ck_assert(cf_str_is(records[0].contact.id, picks[_i].first));
    json_decref(extract);
}
END_TEST

START_TEST(test_limits_grow_with_the_numbers)
{
    struct cf_phone phones[3];
    json_t *body;
    char *soql;

    for (size_t i = 0; i < 3; i++)
        phones[i] = parse("+442079460958", "US");
    body = lookup_query_build(&opts, phones, 3);
    for (size_t i = 0; i < 2; i++) {
        soql = soql_of(body, i);
        ck_assert_str_eq(soql + strlen(soql) - 9, " LIMIT 70");
        free(soql);
    }
    json_decref(body);
}
END_TEST

static const struct {
    size_t rows, numbers;
    bool done, truncated;
} truncations[] = {
    {0, 1, true, false},  {49, 1, true, false},  {50, 1, true, true},
    {50, 2, true, false}, {240, 20, true, true}, {1, 1, false, true},
};

START_TEST(test_truncated)
{
    json_t *rows = json_array(), *answer;

    for (size_t i = 0; i < truncations[_i].rows; i++)
        json_array_append_new(rows, json_object());
    answer = json_pack("{s:[{s:s, s:{s:b, s:o}}]}", "compositeResponse", "referenceId", "accounts", "body",
                       "done", (int)truncations[_i].done, "records", rows);
    ck_assert_int_eq(lookup_query_truncated(answer, truncations[_i].numbers), truncations[_i].truncated);
    json_decref(answer);
}
END_TEST

static const struct {
    const char *reference;
    bool ours;
    const char *after;
} marks[] = {
    {"contacts_17", true, "contacts"},     {"contacts", true, "contacts"}, /* a server that gives no names
                                                                              back */
    {"contacts_16", false, "contacts_16"}, {"contacts_117", false, "contacts_117"}, {"_17", false, "_17"},
    {"contacts_", false, "contacts_"},
};

START_TEST(test_answer_to_another_request)
{
    json_t *answer = json_pack("{s:[{s:s}]}", "compositeResponse", "referenceId", marks[_i].reference);
    json_t *part = json_array_get(json_object_get(answer, "compositeResponse"), 0);

    ck_assert_int_eq(lookup_query_unmark(answer, 17), marks[_i].ours);
    ck_assert_str_eq(json_string_value(json_object_get(part, "referenceId")), marks[_i].after);
    json_decref(answer);
}
END_TEST

START_TEST(test_each_part_is_marked)
{
    json_t *body = json_pack("{s:[{s:s}, {s:s}]}", "compositeRequest", "referenceId", "contacts",
                             "referenceId", "accounts");
    json_t *parts = json_object_get(body, "compositeRequest");

    lookup_query_mark(body, 42);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(parts, 0), "referenceId")),
                     "contacts_42");
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(parts, 1), "referenceId")),
                     "accounts_42");
    json_decref(body);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lookup_query");
    TCase *tcase = tcase_create("query");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_contacts, 0, ROWS(contact_parts));
    tcase_add_test(tcase, test_accounts);
    tcase_add_test(tcase, test_options_dropped);
    tcase_add_loop_test(tcase, test_most_numbers_fit, 0, 2);
    tcase_add_test(tcase, test_leads_and_persons);
    tcase_add_loop_test(tcase, test_fields, 0, ROWS(field_lists));
    tcase_add_loop_test(tcase, test_drop, 0, ROWS(drops));
    tcase_add_test(tcase, test_search);
    tcase_add_loop_test(tcase, test_search_answer, 0, ROWS(searches));
    tcase_add_test(tcase, test_read_persons_and_leads);
    tcase_add_loop_test(tcase, test_field_name, 0, ROWS(names));
    tcase_add_loop_test(tcase, test_check, 0, ROWS(checks));
    tcase_add_test(tcase, test_read);
    tcase_add_loop_test(tcase, test_read_hostile, 0, ROWS(hostile));
    tcase_add_test(tcase, test_read_is_bounded);
    tcase_add_loop_test(tcase, test_pick, 0, ROWS(picks));
    tcase_add_test(tcase, test_limits_grow_with_the_numbers);
    tcase_add_loop_test(tcase, test_truncated, 0, ROWS(truncations));
    tcase_add_loop_test(tcase, test_answer_to_another_request, 0, ROWS(marks));
    tcase_add_test(tcase, test_each_part_is_marked);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

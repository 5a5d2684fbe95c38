/* SPDX-License-Identifier: Apache-2.0 */
/* SOQL from text to answer: the rows of soql_rows.h, hostile input, limits, pages. */
#include "soql.h"
#include "soql_data.h"
#include "soql_rows.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct rig rig;

static void setup(void)
{
    rig_open(&rig);
    soql_data_fill(&rig);
}

static void teardown(void)
{
    rig_close(&rig);
}

/* Queries change nothing, so a block of rows shares a store: opening one takes longer than all of them. */
#define BLOCK 32

START_TEST(rows)
{
    for (int i = _i * BLOCK; i < (_i + 1) * BLOCK && i < COUNT(soql_rows); i++)
        rig_expect_query(&rig, soql_rows[i].soql, soql_rows[i].expected);
}
END_TEST

/* ---- the form of the answer ---- */

START_TEST(answer_has_the_form_of_salesforce)
{
    struct sf_context context = {.version = "v61.0"};
    json_t *result = NULL, *expected;
    char *text;

    sf_store_set_context(rig.store, &context);
    ck_assert_int_eq(
        sf_store_query(rig.store,
                       "SELECT Id, Name, Account.Name, (SELECT CaseNumber FROM Cases WHERE IsClosed = "
                       "false) FROM Contact WHERE Name IN ('Ann Archer', 'Di Orphan')",
                       NULL, &result, &rig.fail),
        0);
    expected = rig_json(
        "{\"totalSize\":2,\"done\":true,\"records\":["
        "{\"attributes\":{\"type\":\"Contact\",\"url\":\"/services/data/v61.0/sobjects/Contact/"
        "0035f0000000001AAA\"},"
        "\"Id\":\"0035f0000000001AAA\",\"Name\":\"Ann "
        "Archer\",\"Account\":{\"attributes\":{\"type\":\"Account\","
        "\"url\":\"/services/data/v61.0/sobjects/Account/0015f0000000001AAA\"},\"Name\":\"Acme\"},"
        "\"Cases\":{\"totalSize\":1,\"done\":true,\"records\":[{\"attributes\":{\"type\":\"Case\","
        "\"url\":\"/services/data/v61.0/sobjects/Case/5005f0000000001AAA\"},\"CaseNumber\":\"00001001\"}]}},"
        "{\"attributes\":{\"type\":\"Contact\",\"url\":\"/services/data/v61.0/sobjects/Contact/"
        "0035f0000000004AAA\"},"
        "\"Id\":\"0035f0000000004AAA\",\"Name\":\"Di Orphan\",\"Account\":null,\"Cases\":null}]}");
    text = json_dumps(result, JSON_COMPACT);
    ck_assert_msg(json_equal(result, expected), "%s", text);
    free(text);
    json_decref(expected);
    json_decref(result);
}
END_TEST

START_TEST(a_polymorphic_parent_shows_its_own_type)
{
    json_t *result = NULL, *who;

    ck_assert_int_eq(sf_store_query(rig.store, "SELECT Who.Name FROM Task", NULL, &result, &rig.fail), 0);
    who = json_object_get(json_array_get(json_object_get(result, "records"), 0), "Who");
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(who, "attributes"), "type")),
                     "Contact");
    json_decref(result);
}
END_TEST

START_TEST(an_error_shows_the_place)
{
    char *text = rig_query(&rig, "SELECT Id, Nope\nFROM Contact");

    ck_assert_str_eq(text, "INVALID_FIELD");
    ck_assert_int_eq(rig.fail.status, 400);
    ck_assert_ptr_nonnull(strstr(rig.fail.message,
                                 "\nERROR at Row:1:Column:12\nNo such column 'Nope' on entity "
                                 "'Contact'."));
    free(text);
    text = rig_query(&rig, "SELECT Id\nFROM Contact\nWHERE Name = 'a' x");
    ck_assert_str_eq(text, "MALFORMED_QUERY");
    ck_assert_ptr_nonnull(strstr(rig.fail.message, "\nERROR at Row:3:Column:18\nunexpected token: 'x'"));
    free(text);
}
END_TEST

/* ---- escaping ---- */

static void put_escaped(struct cf_buf *out, const char *text, bool like)
{
    for (; *text; text++) {
        if (*text == '\n')
            cf_buf_text(out, "\\n");
        else if (*text == '\r')
            cf_buf_text(out, "\\r");
        else if (strchr("'\"\\", *text) || (like && strchr("%_", *text)))
            cf_buf_printf(out, "\\%c", *text);
        else
            cf_buf_char(out, *text);
    }
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* A name of hostile pieces, never blank at an end: Salesforce trims there. The caller frees. */
static char *random_name(uint32_t *state)
{
    static const char *const pieces[] = {"'",  "\"",       "\\",  "%",    "_",  "\n", "\r",
                                         "a",  "Z",        "\\n", "\\'",  "--", ";",  "(",
                                         "\t", "\xc3\xa9", "?1",  "\\u0", "&",  "+",  "*"};
    size_t n = next_random(state) % 12 + 1;
    struct cf_buf out;

    cf_buf_init(&out, 4096);
    cf_buf_char(&out, '<');
    for (size_t i = 0; i < n; i++)
        cf_buf_text(&out, pieces[next_random(state) % (sizeof(pieces) / sizeof(pieces[0]))]);
    cf_buf_char(&out, '>');
    return rig_finish(&out);
}

static void expect_found(const char *name, bool like)
{
    struct cf_buf soql;
    json_t *result = NULL;

    cf_buf_init(&soql, 4096);
    cf_buf_printf(&soql, "SELECT Name FROM Account WHERE Name %s '", like ? "LIKE" : "=");
    put_escaped(&soql, name, like);
    cf_buf_add(&soql, "'", 2);
    ck_assert_msg(sf_store_query(rig.store, soql.p, NULL, &result, &rig.fail) == 0, "%s: %s", soql.p,
                  rig.fail.message);
    ck_assert_msg(json_array_size(json_object_get(result, "records")) == 1, "%s", soql.p);
    json_decref(result);
    cf_buf_done(&soql);
}

static void expect_round_trip(uint32_t *state)
{
    char *name = random_name(state), id[SF_ID_SIZE];
    json_t *body = json_object();

    json_object_set_new(body, "Name", json_string(name));
    ck_assert_int_eq(sf_store_create(rig.store, "Account", body, id, &rig.fail), 0);
    json_decref(body);
    expect_found(name, false);
    expect_found(name, true);
    ck_assert_int_eq(sf_store_delete(rig.store, "Account", id, &rig.fail), 0);
    free(name);
}

START_TEST(escaped_text_comes_back_as_it_was)
{
    uint32_t state = 1;

    for (int i = 0; i < 500; i++)
        expect_round_trip(&state);
}
END_TEST

/* ---- limits ---- */

static char *repeated(const char *head, const char *piece, size_t times, const char *tail)
{
    struct cf_buf out;

    cf_buf_init(&out, RIG_TEXT_BYTES);
    cf_buf_text(&out, head);
    for (size_t i = 0; i < times; i++)
        cf_buf_text(&out, piece);
    cf_buf_text(&out, tail);
    return rig_finish(&out);
}

static const struct {
    const char *head, *piece;
    size_t times;
    const char *tail, *expected;
} limits[] = {
    {"SELECT Id FROM Account WHERE Name = '", "x", SF_LITERAL_MAX_CHARS, "'", "0: "},
    {"SELECT Id FROM Account WHERE Name = '", "x", SF_LITERAL_MAX_CHARS + 1, "'", "MALFORMED_QUERY"},
    {"SELECT Id FROM Account WHERE Name = '", "\xc3\xa9", SF_LITERAL_MAX_CHARS, "'", "0: "},
    {"SELECT Id FROM Account", " ", SF_SOQL_MAX_CHARS - 30, " LIMIT 0", "0: "},
    {"SELECT Id FROM Account", " ", SF_SOQL_MAX_CHARS, "", "QUERY_TOO_COMPLICATED"},
    {"SELECT Name FROM Account WHERE Name = 'acme'", " OR Name = 'x'", 6000, "", "1: Acme"},
    {"SELECT Name FROM Account WHERE Name != 'x'", " AND Name != 'x'", 6000, " LIMIT 1", "1: Acme"},
    {"SELECT Name FROM Account WHERE Name IN ('acme'", ",'x'", 15000, ")", "1: Acme"},
    {"SELECT Name FROM Account WHERE NumberOfEmployees IN (100", ",5", 30000, ")", "MALFORMED_QUERY"},
    {"SELECT Name FROM Account WHERE ", "(", 30, "Name = 'a'))))))))))))))))))))))))))))))", "0: "},
    {"SELECT Name FROM Account WHERE ", "(", 60000, "Name = 'a'", "MALFORMED_QUERY"},
    {"SELECT Name FROM Account WHERE ", "NOT ", 20000, "Name = 'a'", "MALFORMED_QUERY"},
    {"SELECT Name FROM Account WHERE ", "(NOT ", 19000, "Name = 'a'", "MALFORMED_QUERY"},
    {"SELECT Name", ", (SELECT Id FROM Contacts)", 1, " FROM Account WHERE Name = 'acme'",
     "1: Acme,[0035f0000000001AAA | 0035f0000000002AAA]"},
    {"SELECT Name", ", (SELECT Id FROM Contacts)", 30, " FROM Account", "MALFORMED_QUERY"},
    {"SELECT Name", ", Nope", 10000, " FROM Account", "INVALID_FIELD"},
    {"SELECT Name FROM Account ORDER BY Name", ", Name", 5000, " LIMIT 1", "QUERY_TOO_COMPLICATED"},
    {"SELECT ", "Parent.", 5, "Name FROM Account LIMIT 0", "0: "},
    {"SELECT ", "Parent.", 6, "Name FROM Account LIMIT 0", "MALFORMED_QUERY"},
};

START_TEST(limits_hold)
{
    char *soql = repeated(limits[_i].head, limits[_i].piece, limits[_i].times, limits[_i].tail);
    char *text = rig_query(&rig, soql);

    ck_assert_msg(strcmp(text, limits[_i].expected) == 0, "%.100s is %.300s, expected %s: %s", soql, text,
                  limits[_i].expected, rig.fail.message);
    free(text);
    free(soql);
}
END_TEST

START_TEST(bytes_that_are_not_text_are_refused)
{
    static const char *const bad[] = {
        "SELECT Id FROM Account WHERE Name = '\xff'",         "\xc3\xa9",
        "SELECT Id FROM Account WHERE Name = '\xc3'",         "SELECT \x01 FROM Account",
        "SELECT Id FROM Account WHERE Name = '\xed\xa0\x80'", ""};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        rig_expect_query(&rig, bad[i], "MALFORMED_QUERY");
}
END_TEST

/* ---- pages ---- */

#define MANY 450

static void create_many(void)
{
    char body[80];

    sf_store_begin(rig.store);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(body, sizeof(body), "{\"LastName\":\"Many %03d\",\"Department\":\"many\"}",
                       MANY - 1 - i);
        ck_assert_ptr_null(rig_create(&rig, "Contact", body, NULL));
    }
    sf_store_commit(rig.store);
}

static const char many_soql[] = "SELECT Name FROM Contact WHERE Department = 'many' ORDER BY Name";

static json_t *first_page(uint32_t batch)
{
    struct sf_query_opts opts = {.batch_size = batch};
    json_t *result = NULL;

    ck_assert_int_eq(sf_store_query(rig.store, many_soql, &opts, &result, &rig.fail), 0);
    return result;
}

static const char *locator_of(json_t *result)
{
    const char *url = json_string_value(json_object_get(result, "nextRecordsUrl"));

    ck_assert_ptr_nonnull(url);
    ck_assert_int_eq(strncmp(url, "/services/data/v60.0/query/01g", 30), 0);
    return strrchr(url, '/') + 1;
}

static int more(const char *locator, json_t **ret_result)
{
    sf_fail_done(&rig.fail);
    return sf_store_query_more(rig.store, locator, NULL, ret_result, &rig.fail);
}

static void expect_name(json_t *record, size_t n)
{
    char name[20];

    (void)snprintf(name, sizeof(name), "Many %03zu", n);
    ck_assert_str_eq(json_string_value(json_object_get(record, "Name")), name);
}

static void expect_page(json_t *result, size_t first, size_t n, bool done)
{
    json_t *records = json_object_get(result, "records");

    ck_assert_int_eq(json_integer_value(json_object_get(result, "totalSize")), MANY);
    ck_assert_int_eq(json_is_true(json_object_get(result, "done")), done);
    ck_assert_int_eq(json_object_get(result, "nextRecordsUrl") == NULL, done);
    ck_assert_uint_eq(json_array_size(records), n);
    for (size_t i = 0; i < n; i++)
        expect_name(json_array_get(records, i), first + i);
}

START_TEST(pages_show_everything_once)
{
    json_t *first, *second = NULL, *third = NULL;

    create_many();
    first = first_page(1); /* less than 200 is 200 */
    expect_page(first, 0, 200, false);
    ck_assert_int_eq(more(locator_of(first), &second), 0);
    expect_page(second, 200, 200, false);
    ck_assert_int_eq(more(locator_of(second), &third), 0);
    expect_page(third, 400, 50, true);
    json_decref(third);
    ck_assert_int_eq(more(locator_of(first), &third), 0); /* a page can be read again */
    expect_page(third, 200, 200, false);
    json_decref(first);
    json_decref(second);
    json_decref(third);
    first = first_page(0);
    expect_page(first, 0, MANY, true);
    json_decref(first);
}
END_TEST

START_TEST(pages_do_not_move_under_writes)
{
    json_t *first, *second = NULL;
    char id[SF_ID_SIZE];

    create_many();
    first = first_page(200);
    ck_assert_ptr_null(rig_create(&rig, "Contact", "{\"LastName\":\"AAA\",\"Department\":\"many\"}", id));
    ck_assert_int_eq(sf_store_find(rig.store, "Contact", "Id", "0035f0000000005", id, &rig.fail), 0);
    ck_assert_int_eq(sf_store_delete(rig.store, "Contact", id, &rig.fail), 0); /* "Many 449", on page 3 */
    ck_assert_int_eq(more(locator_of(first), &second), 0);
    expect_page(second, 200, 200, false);
    json_decref(first);
    json_decref(second);
}
END_TEST

START_TEST(locators_end)
{
    static const char *const wrong[] = {"",
                                        "x",
                                        "01g5f0000000001AAA",
                                        "01g5f0000000001AAA-",
                                        "01g5f0000000001AAA-x",
                                        "01g5f0000000099AAA-200",
                                        "-200",
                                        "01g5f0000000001AAA-450",
                                        "01g5f0000000001AAA-99999999999999999999"};
    json_t *first, *second = NULL;

    create_many();
    first = first_page(200);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_msg(more(wrong[i], &second) != 0, "%s", wrong[i]);
        ck_assert_str_eq(rig.fail.code, "INVALID_QUERY_LOCATOR");
    }
    rig.now_ms += SF_LOCATOR_LIFE_MS - 1;
    ck_assert_int_eq(more(locator_of(first), &second), 0);
    json_decref(second);
    rig.now_ms += 1;
    ck_assert_int_ne(more(locator_of(first), &second), 0);
    json_decref(first);
}
END_TEST

START_TEST(the_oldest_locator_goes_first)
{
    json_t *oldest, *second, *page = NULL;

    create_many();
    oldest = first_page(200);
    second = first_page(200);
    for (int i = 0; i < SF_LOCATORS_MAX - 1; i++)
        json_decref(first_page(200));
    ck_assert_int_ne(more(locator_of(oldest), &page), 0);
    ck_assert_int_eq(more(locator_of(second), &page), 0);
    json_decref(page);
    json_decref(oldest);
    json_decref(second);
}
END_TEST

START_TEST(query_all_sees_the_deleted)
{
    struct sf_query_opts all = {.include_deleted = true};
    json_t *result = NULL;

    ck_assert_int_eq(sf_store_delete(rig.store, "Contact", "0035f0000000004", &rig.fail), 0);
    rig_expect_query(&rig, "SELECT COUNT() FROM Contact", "3: ");
    ck_assert_int_eq(sf_store_query(rig.store, "SELECT Name FROM Contact WHERE IsDeleted = true", &all,
                                    &result, &rig.fail),
                     0);
    ck_assert_uint_eq(json_array_size(json_object_get(result, "records")), 1);
    json_decref(result);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sf-sandbox.soql");
    TCase *tc = tcase_create("rows");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, rows, 0, (COUNT(soql_rows) + BLOCK - 1) / BLOCK);
    tcase_add_test(tc, answer_has_the_form_of_salesforce);
    tcase_add_test(tc, a_polymorphic_parent_shows_its_own_type);
    tcase_add_test(tc, an_error_shows_the_place);
    suite_add_tcase(s, tc);
    tc = tcase_create("hostile");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, escaped_text_comes_back_as_it_was);
    tcase_add_loop_test(tc, limits_hold, 0, COUNT(limits));
    tcase_add_test(tc, bytes_that_are_not_text_are_refused);
    suite_add_tcase(s, tc);
    tc = tcase_create("pages");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, pages_show_everything_once);
    tcase_add_test(tc, pages_do_not_move_under_writes);
    tcase_add_test(tc, locators_end);
    tcase_add_test(tc, the_oldest_locator_goes_first);
    tcase_add_test(tc, query_all_sees_the_deleted);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

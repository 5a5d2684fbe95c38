/* SPDX-License-Identifier: Apache-2.0 */
/* Searches: terms, phones in every written form, parameterizedSearch, the delay of the index. */
#include "store_rig.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct rig rig;

static void setup(void)
{
    rig_open(&rig);
    ck_assert_int_eq(sf_store_samples(rig.store, &rig.fail), 0);
}

static void teardown(void)
{
    rig_close(&rig);
}

/* "<type>:<values> | ...", or the errorCode. Frees `result`. */
static char *search_text(int failed, json_t *result)
{
    struct cf_buf out;
    json_t *record;
    size_t i;

    cf_buf_init(&out, RIG_TEXT_BYTES);
    if (failed)
        cf_buf_text(&out, rig.fail.code);
    json_array_foreach(json_object_get(result, "searchRecords"), i, record)
    {
        json_t *type = json_object_get(json_object_get(record, "attributes"), "type");

        cf_buf_printf(&out, "%s%s:", i > 0 ? " | " : "", json_string_value(type));
        rig_flatten_record(record, &out);
    }
    json_decref(result);
    return rig_finish(&out);
}

static char *search(const char *sosl)
{
    json_t *result = NULL;
    int failed;

    sf_fail_done(&rig.fail);
    failed = sf_store_search(rig.store, sosl, &result, &rig.fail);
    return search_text(failed, result);
}

static void expect_search(const char *sosl, const char *expected)
{
    char *text = search(sosl);

    ck_assert_msg(strcmp(text, expected) == 0, "%s\n is       %s\n expected %s\n%s", sosl, text, expected,
                  rig.fail.message);
    free(text);
}

static const struct {
    const char *sosl, *expected;
} searches[] = {
    {"FIND {9285550101} IN PHONE FIELDS RETURNING Contact(Name)", "Contact:Maria Delgado"},
    {"find {9285550101} in phone fields returning contact(name)", "Contact:Maria Delgado"},
    {"FIND {\\(928\\) 555\\-0101} IN PHONE FIELDS RETURNING Contact(Name)", "Contact:Maria Delgado"},
    {"FIND {5550101} IN PHONE FIELDS RETURNING Contact(Name)", "Contact:Maria Delgado"},
    {"FIND {0101} IN PHONE FIELDS RETURNING Contact(Name), Account(Name)",
     "Contact:Maria Delgado | Account:Thamesgate Printworks"},
    {"FIND {101} IN PHONE FIELDS RETURNING Contact(Name)", ""},
    {"FIND {928555} IN PHONE FIELDS RETURNING Contact(Name)", ""},
    {"FIND {928555010*} IN PHONE FIELDS RETURNING Contact(Name), Account(Name)",
     "Contact:Maria Delgado | Contact:James Whitaker | Account:Saguaro Solar Supply"},
    {"FIND {\"928 555 0101\"} IN PHONE FIELDS RETURNING Contact(Name)", "Contact:Maria Delgado"},
    {"FIND {9285550101 OR 3023125121} IN PHONE FIELDS RETURNING Contact(Name)",
     "Contact:Maria Delgado | Contact:Klaus Reimann"},
    {"FIND {5055550156} IN PHONE FIELDS RETURNING Contact(Name ORDER BY Name DESC)",
     "Contact:Victor Lindgren | Contact:Rosa Lindgren"},
    {"FIND {5055550156} IN PHONE FIELDS RETURNING Contact(Name ORDER BY Name DESC LIMIT 1)",
     "Contact:Victor Lindgren"},
    {"FIND {5055550156} IN PHONE FIELDS RETURNING Contact(Name WHERE Account.Tier__c = 'Silver')",
     "Contact:Victor Lindgren"},
    {"FIND {9285550100} IN PHONE FIELDS RETURNING Contact(Id), Account(Id, Name), Lead(Id)",
     "Account:0015f0000000001AAA,Saguaro Solar Supply"},
    {"FIND {4155550180} IN PHONE FIELDS", "Lead:00Q5f0000000001EAA"},
    {"FIND {2065550124} IN PHONE FIELDS RETURNING Contact(Name)", "Contact:Tom Okafor"},
    {"FIND {206555012412} IN PHONE FIELDS RETURNING Contact(Name)", "Contact:Tom Okafor"},
    {"FIND {9285550101} IN NAME FIELDS RETURNING Contact(Name)", ""},
    {"FIND {9285550101} IN ALL FIELDS RETURNING Contact(Name)", "Contact:Maria Delgado"},
    {"FIND {9285550101} RETURNING Contact", "Contact:0035f0000000001AAA"},
    {"FIND {maria} IN PHONE FIELDS RETURNING Contact(Name)", ""},
    {"FIND {maria} RETURNING Contact(Name)", "Contact:Maria Delgado"},
    {"FIND {MARIA delgado} RETURNING Contact(Name)", "Contact:Maria Delgado"},
    {"FIND {maria AND delgado} RETURNING Contact(Name)", "Contact:Maria Delgado"},
    {"FIND {maria whitaker} RETURNING Contact(Name)", ""},
    {"FIND {\"maria delgado\"} IN NAME FIELDS RETURNING Contact(Name)", "Contact:Maria Delgado"},
    {"FIND {kowalski AND NOT anna} RETURNING Contact(Name)", "Contact:Ben Kowalski"},
    {"FIND {(anna OR ben) kowalski} RETURNING Contact(Name, Account.Name)",
     "Contact:Anna Kowalski,(Kestrel Home Insurance) | Contact:Ben Kowalski,(Kestrel Home Insurance)"},
    {"FIND {kow*ki} IN NAME FIELDS RETURNING Contact(LastName LIMIT 1)", "Contact:Kowalski"},
    {"FIND {b?n} IN NAME FIELDS RETURNING Contact(Name)", "Contact:Ben Kowalski"},
    {"FIND {S\xc3\x96"
     "DRA} RETURNING Account(Name)",
     "Account:S\xc3\xb6"
     "dra Kajen Rederi AB"},
    {"FIND {thamesgate} IN EMAIL FIELDS RETURNING Contact(Name)",
     "Contact:Gareth Pryce | Contact:Aisha Khan"},
    {"FIND {inverter E14} RETURNING Case(Subject)", "Case:Inverter shows fault E14"},
    {"FIND {00001001} RETURNING Case(CaseNumber)", "Case:00001001"},
    {"FIND {lindgren OR kowalski} IN NAME FIELDS RETURNING Contact(LastName) LIMIT 3",
     "Contact:Kowalski | Contact:Kowalski | Contact:Lindgren"},
    {"FIND {92855501*} IN PHONE FIELDS RETURNING Contact(Name), Account(Name) LIMIT 2",
     "Contact:Maria Delgado | Account:Saguaro Solar Supply"},
    {"FIND {zzzz} RETURNING Contact", ""},
    /* what must be refused */
    {"", "MALFORMED_SEARCH"},
    {"SELECT Id FROM Contact", "MALFORMED_SEARCH"},
    {"FIND", "MALFORMED_SEARCH"},
    {"FIND {}", "MALFORMED_SEARCH"},
    {"FIND { }", "MALFORMED_SEARCH"},
    {"FIND {a}", "MALFORMED_SEARCH"},
    {"FIND {abc", "MALFORMED_SEARCH"},
    {"FIND {abc\\}", "MALFORMED_SEARCH"},
    {"FIND 'abc'", "MALFORMED_SEARCH"},
    {"FIND {+19285550101}", "MALFORMED_SEARCH"},
    {"FIND {928-555-0101}", "MALFORMED_SEARCH"},
    {"FIND {abc!}", "MALFORMED_SEARCH"},
    {"FIND {ab\\c}", "MALFORMED_SEARCH"},
    {"FIND {*abc}", "MALFORMED_SEARCH"},
    {"FIND {\"abc}", "MALFORMED_SEARCH"},
    {"FIND {(abc}", "MALFORMED_SEARCH"},
    {"FIND {abc)}", "MALFORMED_SEARCH"},
    {"FIND {abc OR}", "MALFORMED_SEARCH"},
    {"FIND {AND abc}", "MALFORMED_SEARCH"},
    {"FIND {abc} IN FAX FIELDS", "MALFORMED_SEARCH"},
    {"FIND {abc} IN PHONE", "MALFORMED_SEARCH"},
    {"FIND {abc} RETURNING", "MALFORMED_SEARCH"},
    {"FIND {abc} RETURNING Contact(", "MALFORMED_SEARCH"},
    {"FIND {abc} RETURNING Contact(Id", "MALFORMED_SEARCH"},
    {"FIND {abc} RETURNING Contact(Id WHERE)", "MALFORMED_SEARCH"},
    {"FIND {abc} RETURNING Contact(COUNT(Id))", "MALFORMED_SEARCH"},
    {"FIND {abc} RETURNING Contact LIMIT x", "MALFORMED_SEARCH"},
    {"FIND {abc} RETURNING Contact nonsense", "MALFORMED_SEARCH"},
    {"FIND {abc} WITH SNIPPET", "MALFORMED_SEARCH"},
    {"FIND {abc} RETURNING Contact(Nope)", "INVALID_FIELD"},
    {"FIND {abc} RETURNING Nope(Id)", "INVALID_TYPE"},
    {"FIND {abc} RETURNING CaseComment(Id)", "INVALID_TYPE"},
};

START_TEST(rows)
{
    expect_search(searches[_i].sosl, searches[_i].expected);
}
END_TEST

/* ---- phones ---- */

static const struct {
    const char *field, *written, *wanted;
} phones[] = {
    {"Phone", "(520) 773-9050", "5207739050"},         {"Phone", "+1 520 773 9050", "5207739050"},
    {"MobilePhone", "520.773.9050", "5207739050"},     {"HomePhone", "520-773-9050", "5207739050"},
    {"OtherPhone", "5207739050", "5207739050"},        {"AssistantPhone", "1-520-773-9050", "5207739050"},
    {"Phone", "+15207739050", "5207739050"},           {"Phone", "001 520 773 9050", "5207739050"},
    {"Phone", "520/773 90 50", "5207739050"},          {"Phone", "(520) 773-9050 x 12", "5207739050"},
    {"Phone", "(520) 773-9050 ext. 12", "5207739050"}, {"Phone", "0049 30 901820", "30901820"},
    {"MobilePhone", "+49 (0)30 901820", "30901820"},   {"Phone", "030/901820", "30901820"},
    {"Phone", "+49-30-90-18-20", "30901820"},          {"Phone", "tel:+49-30-901820", "30901820"},
};

START_TEST(a_national_number_finds_every_written_form)
{
    json_t *body = json_object();
    char id[SF_ID_SIZE], sosl[120];

    json_object_set_new(body, "LastName", json_string("Wanted"));
    json_object_set_new(body, phones[_i].field, json_string(phones[_i].written));
    ck_assert_int_eq(sf_store_create(rig.store, "Contact", body, id, &rig.fail), 0);
    json_decref(body);
    (void)snprintf(sosl, sizeof(sosl), "FIND {%s} IN PHONE FIELDS RETURNING Contact(LastName)",
                   phones[_i].wanted);
    expect_search(sosl, "Contact:Wanted");
    expect_search("FIND {5207739051 OR 30901821} IN PHONE FIELDS", "");
}
END_TEST

/* ---- parameterizedSearch ---- */

static const struct {
    const char *request, *expected;
} requests[] = {
    {"{\"q\":\"9285550101\",\"in\":\"PHONE\",\"fields\":[\"Id\",\"Name\"],\"sobjects\":[{\"name\":"
     "\"Contact\"}]}",
     "Contact:0035f0000000001AAA,Maria Delgado"},
    {"{\"q\":\"(928) "
     "555-0101\",\"in\":\"phone\",\"sobjects\":[{\"name\":\"contact\",\"fields\":[\"Name\"]}]}",
     "Contact:Maria Delgado"},
    {"{\"q\":\"928-555-0101\"}", "Contact:0035f0000000001AAA"},
    {"{\"q\":\"kowalski\",\"fields\":[\"Name\"],\"sobjects\":[{\"name\":\"Contact\",\"orderBy\":\"Name "
     "DESC\"}]}",
     "Contact:Ben Kowalski | Contact:Anna Kowalski"},
    {"{\"q\":\"kowalski\",\"fields\":[\"Name\"],\"sobjects\":[{\"name\":\"Contact\",\"where\":\"FirstName = "
     "'Anna'\"}]}",
     "Contact:Anna Kowalski"},
    {"{\"q\":\"kowalski\",\"fields\":[\"Name\"],\"sobjects\":[{\"name\":\"Contact\",\"limit\":1}]}",
     "Contact:Anna Kowalski"},
    {"{\"q\":\"kowalski\",\"fields\":[\"Name\"],\"sobjects\":[{\"name\":\"Contact\"}],\"overallLimit\":1}",
     "Contact:Anna Kowalski"},
    {"{\"q\":\"kowalski\",\"fields\":[\"Name\"],\"sobjects\":[{\"name\":\"Contact\"}],\"defaultLimit\":1}",
     "Contact:Anna Kowalski"},
    {"{\"q\":\"9285550101 OR "
     "3023125121\",\"in\":\"PHONE\",\"fields\":[\"Name\"],\"sobjects\":[{\"name\":\"Contact\"},"
     "{\"name\":\"Account\"}]}",
     "Contact:Maria Delgado | Contact:Klaus Reimann"},
    {"{}", "MALFORMED_SEARCH"},
    {"[]", "MALFORMED_SEARCH"},
    {"{\"q\":\"\"}", "MALFORMED_SEARCH"},
    {"{\"q\":5}", "MALFORMED_SEARCH"},
    {"{\"q\":\"a\"}", "MALFORMED_SEARCH"},
    {"{\"q\":\"{}\"}", "MALFORMED_SEARCH"},
    {"{\"q\":\"abc\",\"in\":\"FAX\"}", "MALFORMED_SEARCH"},
    {"{\"q\":\"abc\",\"overallLimit\":2001}", "MALFORMED_SEARCH"},
    {"{\"q\":\"abc\",\"sobjects\":{}}", "MALFORMED_SEARCH"},
    {"{\"q\":\"abc\",\"sobjects\":[\"Contact\"]}", "MALFORMED_SEARCH"},
    {"{\"q\":\"abc\",\"sobjects\":[{}]}", "MALFORMED_SEARCH"},
    {"{\"q\":\"abc\",\"sobjects\":[{\"name\":\"Nope\"}]}", "INVALID_TYPE"},
    {"{\"q\":\"abc\",\"sobjects\":[{\"name\":\"Contact\",\"fields\":[\"Nope\"]}]}", "INVALID_FIELD"},
    {"{\"q\":\"abc\",\"sobjects\":[{\"name\":\"Contact\",\"fields\":[5]}]}", "MALFORMED_SEARCH"},
    {"{\"q\":\"abc\",\"sobjects\":[{\"name\":\"Contact\",\"where\":\"Name = 'a\"}]}", "MALFORMED_SEARCH"},
    {"{\"q\":\"abc\",\"sobjects\":[{\"name\":\"Contact\",\"where\":\"Name = 'a') OR (Name != 'a'\"}]}",
     "MALFORMED_SEARCH"},
};

START_TEST(parameterized_rows)
{
    json_t *request = rig_json(requests[_i].request), *result = NULL;
    int failed = sf_store_search_params(rig.store, request, &result, &rig.fail);
    char *text = search_text(failed, result);

    ck_assert_msg(strcmp(text, requests[_i].expected) == 0, "%s\n is       %s\n expected %s\n%s",
                  requests[_i].request, text, requests[_i].expected, rig.fail.message);
    free(text);
    json_decref(request);
}
END_TEST

/* ---- the index ---- */

#define DELAY_MS 5000

static void update(const char *id, const char *body)
{
    json_t *json = rig_json(body);

    ck_assert_int_eq(sf_store_update(rig.store, "Contact", id, json, &rig.fail), 0);
    json_decref(json);
}

START_TEST(the_index_follows_after_its_delay)
{
    static const char sosl[] = "FIND {2125550111} IN PHONE FIELDS RETURNING Contact(LastName)";
    static const char other[] = "FIND {2125550122} IN PHONE FIELDS RETURNING Contact(LastName)";
    char id[SF_ID_SIZE];

    sf_store_set_index_delay_ms(rig.store, DELAY_MS);
    ck_assert_ptr_null(
        rig_create(&rig, "Contact", "{\"LastName\":\"New\",\"Phone\":\"(212) 555-0111\"}", id));
    expect_search(sosl, "");
    rig.now_ms += DELAY_MS - 1;
    expect_search(sosl, "");
    rig.now_ms += 1;
    expect_search(sosl, "Contact:New");
    update(id, "{\"Phone\":\"(212) 555-0122\"}");
    expect_search(sosl, "Contact:New");
    expect_search(other, "");
    rig.now_ms += DELAY_MS;
    expect_search(sosl, "");
    expect_search(other, "Contact:New");
    update(id, "{\"LastName\":\"Newer\"}");
    expect_search(other, "Contact:Newer"); /* the index finds, the record answers */
    ck_assert_int_eq(sf_store_delete(rig.store, "Contact", id, &rig.fail), 0);
    expect_search(other, "");
}
END_TEST

START_TEST(without_delay_the_index_is_exact)
{
    update("0035f0000000001", "{\"MobilePhone\":null,\"Phone\":\"+1 (212) 555-0133\"}");
    expect_search("FIND {9285550101} IN PHONE FIELDS", "");
    expect_search("FIND {2125550133} IN PHONE FIELDS RETURNING Contact(Name)", "Contact:Maria Delgado");
}
END_TEST

START_TEST(a_rolled_back_record_is_not_found)
{
    sf_store_begin(rig.store);
    ck_assert_ptr_null(
        rig_create(&rig, "Contact", "{\"LastName\":\"Gone\",\"Phone\":\"(212) 555-0144\"}", NULL));
    sf_store_rollback(rig.store);
    expect_search("FIND {2125550144} IN PHONE FIELDS", "");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sf-sandbox.sosl");
    TCase *tc = tcase_create("search");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, rows, 0, COUNT(searches));
    tcase_add_loop_test(tc, a_national_number_finds_every_written_form, 0, COUNT(phones));
    tcase_add_loop_test(tc, parameterized_rows, 0, COUNT(requests));
    tcase_add_test(tc, the_index_follows_after_its_delay);
    tcase_add_test(tc, without_delay_the_index_is_exact);
    tcase_add_test(tc, a_rolled_back_record_is_not_found);
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

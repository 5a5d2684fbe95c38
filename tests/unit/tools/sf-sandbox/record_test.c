/* SPDX-License-Identifier: Apache-2.0 */
/* Records: ids, checks of a write, what is derived, reading, describe. */
#include "id.h"
#include "record_rig.h"

/* ---- ids ---- */

static const struct {
    const char *text;
    const char *id; /* NULL: refused */
} ids[] = {
    {"0015f0000000001", "0015f0000000001AAA"},
    {"001A0000006Vm9u", "001A0000006Vm9uIAC"},
    {"001A0000006Vm9uIAC", "001A0000006Vm9uIAC"},
    {"001A0000006Vm9uiac", "001A0000006Vm9uIAC"},
    {"00130000000xEftMGH", NULL},
    {"AAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAA555"},
    {"001A0000006Vm9uIAD", NULL},
    {"", NULL},
    {"001", NULL},
    {"0015f000000000", NULL},
    {"0015f00000000011", NULL},
    {"0015f0000000001AA", NULL},
    {"0015f0000000001AAAA", NULL},
    {"0015f000000000-", NULL},
    {"0015f0000000 01", NULL},
    {"0015f000000000\xc3\xa9", NULL},
};

START_TEST(ids_have_a_checksum)
{
    char id[SF_ID_SIZE] = "untouched";
    bool good = sf_id_parse(cf_str_of(ids[_i].text), id);

    ck_assert_int_eq(good, ids[_i].id != NULL);
    ck_assert_str_eq(id, ids[_i].id ? ids[_i].id : "untouched");
}
END_TEST

START_TEST(ids_are_made_in_order)
{
    char last[SF_ID_SIZE] = "", id[SF_ID_SIZE], parsed[SF_ID_SIZE];

    for (uint64_t i = 0; i < 5000; i += 7) {
        sf_id_make("500", i, id);
        ck_assert_int_lt(strcmp(last, id), 0);
        ck_assert(sf_id_parse(cf_str_of(id), parsed));
        ck_assert_str_eq(id, parsed);
        memcpy(last, id, sizeof(id));
    }
}
END_TEST

/* ---- checks ---- */

static const struct {
    const char *type, *body;
    const char *code, *fields; /* code NULL: accepted */
} creates[] = {
    {"Account", "{\"Name\":\"x\"}", NULL, NULL},
    {"account", "{\"NAME\":\"x\",\"phone\":\"1\"}", NULL, NULL},
    {"Account", "{\"attributes\":{\"type\":\"Account\"},\"Name\":\"x\"}", NULL, NULL},
    {"Nope", "{\"Name\":\"x\"}", "NOT_FOUND", ""},
    {"Name", "{\"Name\":\"x\"}", "NOT_FOUND", ""},
    {"Account", "[]", "JSON_PARSER_ERROR", ""},
    {"Account", "{}", "REQUIRED_FIELD_MISSING", "Name"},
    {"Account", "{\"Name\":null}", "REQUIRED_FIELD_MISSING", "Name"},
    {"Account", "{\"Name\":\"  \"}", "REQUIRED_FIELD_MISSING", "Name"},
    {"Lead", "{\"FirstName\":\"x\"}", "REQUIRED_FIELD_MISSING", "LastName,Company"},
    {"Account", "{\"Name\":\"x\",\"Nope\":1}", "INVALID_FIELD", ""},
    {"Account", "{\"Name\":\"x\",\"Id\":\"0015f0000000009\"}", "INVALID_FIELD_FOR_INSERT_UPDATE", "Id"},
    {"Account", "{\"Name\":\"x\",\"CreatedDate\":\"2020-01-01T00:00:00Z\"}",
     "INVALID_FIELD_FOR_INSERT_UPDATE", "CreatedDate"},
    {"Contact", "{\"LastName\":\"x\",\"Name\":\"y\"}", "INVALID_FIELD_FOR_INSERT_UPDATE", "Name"},
    {"Case", "{\"CaseNumber\":\"1\",\"IsClosed\":true}", "INVALID_FIELD_FOR_INSERT_UPDATE",
     "CaseNumber,IsClosed"},
    {"Case", "{\"ContactPhone\":\"1\"}", "INVALID_FIELD_FOR_INSERT_UPDATE", "ContactPhone"},
    {"Account", "{\"Name\":{}}", "JSON_PARSER_ERROR", "Name"},
    {"Account", "{\"Name\":[\"x\"]}", "JSON_PARSER_ERROR", "Name"},
    {"Account", "{\"Name\":5}", NULL, NULL},
    {"Account", "{\"Name\":\"x\",\"NumberOfEmployees\":12}", NULL, NULL},
    {"Account", "{\"Name\":\"x\",\"NumberOfEmployees\":\"12\"}", NULL, NULL},
    {"Account", "{\"Name\":\"x\",\"NumberOfEmployees\":\"many\"}", "JSON_PARSER_ERROR", "NumberOfEmployees"},
    {"Account", "{\"Name\":\"x\",\"NumberOfEmployees\":1.5}", "JSON_PARSER_ERROR", "NumberOfEmployees"},
    {"Account", "{\"Name\":\"x\",\"NumberOfEmployees\":1e300}", "JSON_PARSER_ERROR", "NumberOfEmployees"},
    {"Account", "{\"Name\":\"x\",\"NumberOfEmployees\":true}", "JSON_PARSER_ERROR", "NumberOfEmployees"},
    {"Account", "{\"Name\":\"x\",\"Tier__c\":\"gold\"}", NULL, NULL},
    {"Account", "{\"Name\":\"x\",\"Tier__c\":\"Platinum\"}", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
     "Tier__c"},
    {"Account", "{\"Name\":\"x\",\"Type\":\"Made up\"}", NULL, NULL},
    {"Contact", "{\"LastName\":\"x\",\"DoNotCall\":\"true\"}", NULL, NULL},
    {"Contact", "{\"LastName\":\"x\",\"DoNotCall\":\"maybe\"}", "JSON_PARSER_ERROR", "DoNotCall"},
    {"Contact", "{\"LastName\":\"x\",\"DoNotCall\":1}", "JSON_PARSER_ERROR", "DoNotCall"},
    {"Contact", "{\"LastName\":\"x\",\"Birthdate\":\"1980-02-29\"}", NULL, NULL},
    {"Contact", "{\"LastName\":\"x\",\"Birthdate\":\"1981-02-29\"}", "JSON_PARSER_ERROR", "Birthdate"},
    {"Contact", "{\"LastName\":\"x\",\"Birthdate\":\"yesterday\"}", "JSON_PARSER_ERROR", "Birthdate"},
    {"Contact", "{\"LastName\":\"x\",\"Birthdate\":19800229}", "JSON_PARSER_ERROR", "Birthdate"},
    {"Contact", "{\"LastName\":\"x\",\"Email\":\"a@b.example\"}", NULL, NULL},
    {"Contact", "{\"LastName\":\"x\",\"Email\":\"nobody\"}", "INVALID_EMAIL_ADDRESS", "Email"},
    {"Contact", "{\"LastName\":\"x\",\"Email\":\"a@b@c.example\"}", "INVALID_EMAIL_ADDRESS", "Email"},
    {"Contact", "{\"LastName\":\"x\",\"Email\":\"@b.example\"}", "INVALID_EMAIL_ADDRESS", "Email"},
    {"Contact", "{\"LastName\":\"x\",\"Email\":\"\"}", NULL, NULL},
    {"Contact", "{\"LastName\":\"x\",\"AccountId\":\"0015f0000000001\"}", NULL, NULL},
    {"Contact", "{\"LastName\":\"x\",\"AccountId\":null}", NULL, NULL},
    {"Contact", "{\"LastName\":\"x\",\"AccountId\":\"\"}", NULL, NULL},
    {"Contact", "{\"LastName\":\"x\",\"AccountId\":\"null\"}", "MALFORMED_ID", "AccountId"},
    {"Contact", "{\"LastName\":\"x\",\"AccountId\":5}", "JSON_PARSER_ERROR", "AccountId"},
    {"Contact", "{\"LastName\":\"x\",\"AccountId\":\"0035f0000000001\"}", "FIELD_INTEGRITY_EXCEPTION",
     "AccountId"},
    {"Contact", "{\"LastName\":\"x\",\"AccountId\":\"0015f0000000099\"}", "INVALID_CROSS_REFERENCE_KEY",
     "AccountId"},
    {"CaseComment", "{\"CommentBody\":\"x\"}", "REQUIRED_FIELD_MISSING", "ParentId"},
    {"CaseComment", "{\"CommentBody\":\"x\",\"ParentId\":\"5005f0000000001\"}", NULL, NULL},
    {"Task", "{\"CallType\":\"Inbound\",\"TaskSubtype\":\"Call\",\"CallDurationInSeconds\":61}", NULL, NULL},
    {"Task", "{\"WhoId\":\"0035f0000000001\",\"WhatId\":\"5005f0000000001\"}", NULL, NULL},
    {"Task", "{\"WhoId\":\"5005f0000000001\"}", "FIELD_INTEGRITY_EXCEPTION", "WhoId"},
    {"Task", "{\"AccountId\":\"0015f0000000001\"}", "INVALID_FIELD_FOR_INSERT_UPDATE", "AccountId"},
    {"User", "{\"LastName\":\"x\",\"Username\":\"" SF_DEFAULT_USERNAME "\"}", "DUPLICATE_VALUE", ""},
    {"Organization", "{\"Name\":\"x\"}", "INVALID_TYPE_FOR_OPERATION", ""},
};

START_TEST(creates_are_checked)
{
    char id[SF_ID_SIZE] = "untouched";
    const char *code = rig_create(&rig, creates[_i].type, creates[_i].body, id);

    if (!creates[_i].code) {
        ck_assert_msg(code == NULL, "%s: %s %s", creates[_i].body, code, rig.fail.message);
        return;
    }
    ck_assert_msg(code != NULL, "%s was accepted", creates[_i].body);
    ck_assert_str_eq(code, creates[_i].code);
    ck_assert_str_eq(rig.fail.fields, creates[_i].fields);
    ck_assert_int_eq(rig.fail.status, strcmp(code, "NOT_FOUND") == 0 ? 404 : 400);
    ck_assert_str_eq(id, "untouched");
}
END_TEST

static const struct {
    const char *type, *field, *unit;
    size_t fits;
} lengths[] = {
    {"Account", "Name", "x", 255},
    {"Account", "Name", "\xc3\xa9", 255},
    {"Account", "Phone", "1", 40},
    {"Account", "Description", "\xe2\x82\xac", 32000},
    {"Task", "Callfleet_Call_Id__c", "x", 128},
    {"Task", "Subject", "x", 255},
    {"Case", "Comments", "x", 4000},
    {"CaseComment", "CommentBody", "x", 4000},
    {"CaseComment", "CommentBody", "\xc3\xa9", 2000}, /* bytes count here */
    {"Case", "Comments", "\xc3\xa9", 2000},
};

static const char *create_long(int row, size_t n)
{
    struct cf_buf text;
    json_t *body = json_object();
    const char *code = NULL;
    char id[SF_ID_SIZE];

    cf_buf_init(&text, RIG_TEXT_BYTES);
    for (size_t i = 0; i < n; i++)
        cf_buf_text(&text, lengths[row].unit);
    json_object_set_new(body, "Name", json_string("x"));
    if (strcmp(lengths[row].type, "Account") != 0)
        json_object_del(body, "Name");
    if (strcmp(lengths[row].type, "CaseComment") == 0)
        json_object_set_new(body, "ParentId", json_string(ticket));
    json_object_set_new(body, lengths[row].field, json_stringn(text.p, text.n));
    sf_fail_done(&rig.fail);
    if (sf_store_create(rig.store, lengths[row].type, body, id, &rig.fail) != 0)
        code = rig.fail.code;
    json_decref(body);
    cf_buf_done(&text);
    return code;
}

START_TEST(lengths_are_checked)
{
    const char *code = create_long(_i, lengths[_i].fits);

    ck_assert_msg(code == NULL, "%s", code);
    code = create_long(_i, lengths[_i].fits + 1);
    ck_assert_ptr_nonnull(code);
    ck_assert_str_eq(code, "STRING_TOO_LONG");
}
END_TEST

static const struct {
    const char *type, *id, *body;
    int status; /* 0: accepted */
    const char *code;
} updates[] = {
    {"Case", "5005f0000000001", "{\"Subject\":\"y\"}", 0, NULL},
    {"case", "5005f0000000001AAA", "{\"subject\":\"y\",\"Id\":\"5005f0000000001\"}", 0, NULL},
    {"Case", "5005f0000000001", "{}", 0, NULL},
    {"Case", "5005F0000000001", "{}", 404, "NOT_FOUND"},
    {"Case", "5005f0000000099", "{}", 404, "NOT_FOUND"},
    {"Case", "null", "{\"Comments\":\"x\"}", 404, "NOT_FOUND"},
    {"Case", "0035f0000000001", "{}", 404, "NOT_FOUND"},
    {"Nope", "5005f0000000001", "{}", 404, "NOT_FOUND"},
    {"Case", "5005f0000000001", "{\"Id\":\"5005f0000000002\"}", 400, "INVALID_FIELD"},
    {"Case", "5005f0000000001", "{\"Nope\":1}", 400, "INVALID_FIELD"},
    {"Case", "5005f0000000001", "{\"CaseNumber\":\"1\"}", 400, "INVALID_FIELD_FOR_INSERT_UPDATE"},
    {"Contact", "0035f0000000001", "{\"LastName\":null}", 400, "REQUIRED_FIELD_MISSING"},
    {"Contact", "0035f0000000001", "[]", 400, "JSON_PARSER_ERROR"},
};

START_TEST(updates_are_checked)
{
    int failed = update(updates[_i].type, updates[_i].id, updates[_i].body);

    ck_assert_int_eq(failed != 0, updates[_i].code != NULL);
    ck_assert_int_eq(rig.fail.status, updates[_i].status);
    if (updates[_i].code)
        ck_assert_str_eq(rig.fail.code, updates[_i].code);
}
END_TEST

START_TEST(failures_have_two_dialects)
{
    json_t *rest, *save, *expected;

    (void)rig_create(&rig, "Lead", "{}", NULL);
    rest = sf_fail_rest(&rig.fail);
    expected = rig_json("[{\"message\":\"Required fields are missing: [LastName, Company]\","
                        "\"errorCode\":\"REQUIRED_FIELD_MISSING\",\"fields\":[\"LastName\",\"Company\"]}]");
    ck_assert(json_equal(rest, expected));
    json_decref(expected);
    json_decref(rest);
    save = sf_fail_save(&rig.fail);
    expected =
        rig_json("{\"statusCode\":\"REQUIRED_FIELD_MISSING\",\"message\":\"Required fields are missing: "
                 "[LastName, Company]\",\"fields\":[\"LastName\",\"Company\"]}");
    ck_assert(json_equal(save, expected));
    json_decref(expected);
    json_decref(save);
}
END_TEST

/* ---- what Salesforce fills in ---- */

START_TEST(values_come_back_as_salesforce_keeps_them)
{
    char id[SF_ID_SIZE];

    must_create(
        "Contact",
        "{\"LastName\":\" Baker \",\"FirstName\":\"Bob\",\"Phone\":\"\",\"Birthdate\":\"1980-05-01\"}", id);
    rig_expect_query(&rig,
                     "SELECT Name, LastName, Phone, Birthdate, CreatedDate, DoNotCall FROM Contact WHERE "
                     "FirstName = 'Bob'",
                     "1: Bob Baker,Baker,null,1980-05-01,2026-11-18T10:00:00.000+0000,false");
    must_update("Contact", id, "{\"FirstName\":null,\"DoNotCall\":null}");
    rig_expect_query(&rig, "SELECT Name, DoNotCall FROM Contact WHERE LastName = 'Baker'", "1: Baker,false");
}
END_TEST

START_TEST(a_case_has_a_number_an_account_and_a_state)
{
    rig_expect_query(&rig, "SELECT CaseNumber, AccountId, Status, Priority, IsClosed, ClosedDate FROM Case",
                     "1: 00001001,0015f0000000001AAA,New,Medium,false,null");
    rig.now_ms += 3600000;
    must_update("Case", ticket, "{\"Status\":\"closed\"}");
    rig_expect_query(&rig, "SELECT Status, IsClosed, ClosedDate, CreatedDate, LastModifiedDate FROM Case",
                     "1: Closed,true,2026-11-18T11:00:00.000+0000,2026-11-18T10:00:00.000+0000,"
                     "2026-11-18T11:00:00.000+0000");
    must_update("Case", ticket, "{\"Status\":\"Working\"}");
    rig_expect_query(&rig, "SELECT IsClosed, ClosedDate FROM Case", "1: false,null");
    must_create("Case", "{}", NULL);
    rig_expect_query(&rig, "SELECT CaseNumber, AccountId FROM Case WHERE AccountId = null",
                     "1: 00001002,null");
}
END_TEST

START_TEST(comments_of_a_case_become_case_comments)
{
    json_t *record = NULL;

    must_update("Case", ticket, "{\"Comments\":\"first\",\"Priority\":\"High\"}");
    must_update("Case", ticket, "{\"Comments\":\"first\"}"); /* each write adds one, repeated or not */
    must_update("Case", ticket, "{\"Comments\":null}");
    must_update("Case", ticket, "{\"Comments\":\"\"}");
    rig_expect_query(&rig, "SELECT ParentId, CommentBody, IsPublished FROM CaseComment",
                     "2: 5005f0000000001AAA,first,false | 5005f0000000001AAA,first,false");
    ck_assert_int_eq(sf_store_get(rig.store, "Case", ticket, NULL, &record, &rig.fail), 0);
    ck_assert(json_is_null(json_object_get(record, "Comments")));
    json_decref(record);
    ck_assert_int_ne(update("CaseComment", "00a5f0000000001", "{\"ParentId\":\"5005f0000000001\"}"), 0);
    must_update("CaseComment", "00a5f0000000001", "{\"IsPublished\":true}");
}
END_TEST

START_TEST(a_failed_comment_leaves_the_case_as_it_was)
{
    struct cf_buf body;

    cf_buf_init(&body, RIG_TEXT_BYTES);
    cf_buf_text(&body, "{\"Priority\":\"High\",\"Comments\":\"");
    for (int i = 0; i < 2500; i++)
        cf_buf_text(&body, "\xc3\xa9");
    cf_buf_add(&body, "\"}", 3);
    ck_assert_int_ne(update("Case", ticket, body.p), 0);
    ck_assert_str_eq(rig.fail.code, "STRING_TOO_LONG");
    rig_expect_query(&rig, "SELECT Priority FROM Case", "1: Medium");
    cf_buf_done(&body);
}
END_TEST

START_TEST(a_task_knows_its_account)
{
    must_create("Task",
                "{\"WhoId\":\"0035f0000000001\",\"ActivityDate\":\"2026-11-17\",\"Status\":\"Completed\","
                "\"Priority\":\"High\"}",
                NULL);
    must_create("Task", "{\"WhatId\":\"5005f0000000001\",\"ActivityDate\":\"2026-11-01\"}", NULL);
    must_create("Task", "{}", NULL);
    rig_expect_query(&rig, "SELECT AccountId, IsClosed, IsHighPriority, TaskSubtype FROM Task",
                     "3: 0015f0000000001AAA,true,true,Task | 0015f0000000001AAA,false,false,Task | "
                     "null,false,false,Task");
    rig_expect_query(&rig, "SELECT LastActivityDate, Account.LastActivityDate FROM Contact",
                     "1: 2026-11-17,(2026-11-17)");
}
END_TEST

START_TEST(writes_are_signed_by_the_context)
{
    struct sf_context context = {.user_id = "0055f0000000001AAA"};
    char id[SF_ID_SIZE];

    must_create("User", "{\"LastName\":\"Agent\",\"Username\":\"agent@sandbox.example\"}", id);
    ck_assert_str_eq(id, context.user_id);
    sf_store_set_context(rig.store, &context);
    must_create("Account", "{\"Name\":\"x\"}", NULL);
    rig_expect_query(&rig, "SELECT CreatedBy.Name, Owner.Name FROM Account WHERE Name = 'x'",
                     "1: (Agent),(Agent)");
    rig_expect_query(&rig, "SELECT CreatedBy.Username FROM Account WHERE Name = 'acme'",
                     "1: (" SF_DEFAULT_USERNAME ")");
}
END_TEST

/* ---- reading ---- */

static const struct {
    const char *type, *id, *fields;
    const char *expected; /* flattened, or the errorCode */
} gets[] = {
    {"Contact", "0035f0000000001", "Name,LastName", "Ann Archer,Archer,0035f0000000001AAA"},
    {"contact", "0035f0000000001AAA", "id, name ", "Ann Archer,0035f0000000001AAA"},
    {"Contact", "0035f0000000001", "Account.Name", "(Acme),0035f0000000001AAA"},
    {"Contact", "0035f0000000001", "Nope", "INVALID_FIELD"},
    {"Contact", "0035f0000000001", "Name FROM Account --", "INVALID_FIELD"},
    {"Contact", "0035f0000000001", ",", "INVALID_FIELD"},
    {"Contact", "0035f0000000099", "Name", "NOT_FOUND"},
    {"Contact", "5005f0000000001", "Name", "NOT_FOUND"},
    {"Contact", "x", "Name", "NOT_FOUND"},
    {"Nope", "0035f0000000001", "Name", "NOT_FOUND"},
};

START_TEST(gets_give_fields_and_id)
{
    struct cf_buf out;
    json_t *record = NULL;
    char *text;

    cf_buf_init(&out, RIG_TEXT_BYTES);
    if (sf_store_get(rig.store, gets[_i].type, gets[_i].id, gets[_i].fields, &record, &rig.fail) != 0)
        cf_buf_text(&out, rig.fail.code);
    else
        rig_flatten_record(record, &out);
    text = rig_finish(&out);
    ck_assert_str_eq(text, gets[_i].expected);
    free(text);
    json_decref(record);
}
END_TEST

START_TEST(all_fields_can_be_read_of_every_object)
{
    json_t *all = sf_store_describe_global(rig.store), *one = NULL, *object;
    size_t i;

    json_array_foreach(json_object_get(all, "sobjects"), i, object)
    {
        const char *name = json_string_value(json_object_get(object, "name"));
        char soql[100];
        char *text;

        (void)snprintf(soql, sizeof(soql), "SELECT FIELDS(ALL) FROM %s LIMIT 200", name);
        text = rig_query(&rig, soql);
        ck_assert_msg(strchr(text, ':') != NULL, "%s: %s", soql, rig.fail.message);
        free(text);
        ck_assert_int_eq(sf_store_describe(rig.store, name, &one, &rig.fail), 0);
        ck_assert_uint_gt(json_array_size(json_object_get(one, "fields")), 5);
        json_decref(one);
        ck_assert_int_eq(sf_store_describe_basic(rig.store, name, &one, &rig.fail), 0);
        ck_assert_ptr_nonnull(json_object_get(one, "recentItems"));
        json_decref(one);
    }
    json_decref(all);
    ck_assert_int_ne(sf_store_describe(rig.store, "Nope", &one, &rig.fail), 0);
}
END_TEST

START_TEST(relations_lead_to_children_and_parents)
{
    json_t *result = NULL;

    must_update("Case", ticket, "{\"Comments\":\"hello\"}");
    ck_assert_int_eq(sf_store_related(rig.store, "Case", ticket, "casecomments", &result, &rig.fail), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(result, "totalSize")), 1);
    json_decref(result);
    ck_assert_int_eq(sf_store_related(rig.store, "Contact", contact, "Account", &result, &rig.fail), 0);
    ck_assert_str_eq(json_string_value(json_object_get(result, "Name")), "Acme");
    json_decref(result);
    ck_assert_int_ne(sf_store_related(rig.store, "Contact", contact, "Nope", &result, &rig.fail), 0);
    ck_assert_int_eq(rig.fail.status, 404);
    ck_assert_int_ne(sf_store_related(rig.store, "Case", ticket, "Parent", &result, &rig.fail), 0);
    ck_assert_int_eq(rig.fail.status, 404);
}
END_TEST

START_TEST(types_are_known_by_name_and_prefix)
{
    int64_t ms = 0;

    ck_assert_str_eq(sf_store_type_name("caseCOMMENT"), "CaseComment");
    ck_assert_ptr_null(sf_store_type_name("Nope"));
    ck_assert_str_eq(sf_store_type_of_id(ticket), "Case");
    ck_assert_ptr_null(sf_store_type_of_id("500"));
    ck_assert_ptr_null(sf_store_type_of_id("zzz5f0000000001"));
    ck_assert_int_eq(sf_store_modified_ms(rig.store, "Case", ticket, &ms, &rig.fail), 0);
    ck_assert_int_eq(ms, rig.now_ms);
}
END_TEST

static void add_checks(Suite *s)
{
    TCase *tc = tcase_create("checks");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, ids_have_a_checksum, 0, COUNT(ids));
    tcase_add_test(tc, ids_are_made_in_order);
    tcase_add_loop_test(tc, creates_are_checked, 0, COUNT(creates));
    tcase_add_loop_test(tc, lengths_are_checked, 0, COUNT(lengths));
    tcase_add_loop_test(tc, updates_are_checked, 0, COUNT(updates));
    tcase_add_test(tc, failures_have_two_dialects);
    tcase_add_loop_test(tc, gets_give_fields_and_id, 0, COUNT(gets));
    suite_add_tcase(s, tc);
}

static void add_behaviour(Suite *s)
{
    TCase *tc = tcase_create("behaviour");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, values_come_back_as_salesforce_keeps_them);
    tcase_add_test(tc, a_case_has_a_number_an_account_and_a_state);
    tcase_add_test(tc, comments_of_a_case_become_case_comments);
    tcase_add_test(tc, a_failed_comment_leaves_the_case_as_it_was);
    tcase_add_test(tc, a_task_knows_its_account);
    tcase_add_test(tc, writes_are_signed_by_the_context);
    tcase_add_test(tc, all_fields_can_be_read_of_every_object);
    tcase_add_test(tc, relations_lead_to_children_and_parents);
    tcase_add_test(tc, types_are_known_by_name_and_prefix);
    suite_add_tcase(s, tc);
}

int main(void)
{
    Suite *s = suite_create("sf-sandbox.record");
    SRunner *runner = srunner_create(s);
    int failed;

    add_checks(s);
    add_behaviour(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

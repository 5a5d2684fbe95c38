/* SPDX-License-Identifier: Apache-2.0 */
/* Upsert, unique values, delete, savepoints, locks, files and samples. */
#include <unistd.h>

#include "record_rig.h"

static int upsert(const char *type, const char *field, const char *value, const char *body,
                  struct sf_upserted *ret_upserted)
{
    struct sf_upsert request = {.type = type, .field = field, .value = value, .body = rig_json(body)};
    int failed;

    sf_fail_done(&rig.fail);
    failed = sf_store_upsert(rig.store, &request, ret_upserted, &rig.fail);
    json_decref(request.body);
    return failed;
}

/* ---- upsert ---- */

START_TEST(upsert_creates_once)
{
    struct sf_upserted first, second;
    const char *body = "{\"Subject\":\"Call\",\"Status\":\"Completed\"}";

    ck_assert_int_eq(upsert("Task", "Callfleet_Call_Id__c", "call-1", body, &first), 0);
    ck_assert(first.created);
    ck_assert_int_eq(upsert("task", "callfleet_call_id__C", "CALL-1", "{\"Subject\":\"Again\"}", &second), 0);
    ck_assert(!second.created);
    ck_assert_str_eq(first.id, second.id);
    rig_expect_query(&rig, "SELECT Subject, Status, Callfleet_Call_Id__c FROM Task",
                     "1: Again,Completed,call-1");
}
END_TEST

static const struct {
    const char *type, *field, *value, *body;
    int status;
    const char *code;
} upserts[] = {
    {"Nope", "Legacy_Id__c", "x", "{}", 404, "NOT_FOUND"},
    {"Account", "Nope", "x", "{}", 404, "NOT_FOUND"},
    {"Account", "Name", "x", "{}", 404, "NOT_FOUND"},
    {"Account", "Legacy_Id__c", "new", "{}", 400, "REQUIRED_FIELD_MISSING"},
    {"Account", "Legacy_Id__c", "new", "[]", 400, "JSON_PARSER_ERROR"},
    {"Account", "Legacy_Id__c", "new", "{\"Name\":\"x\",\"Legacy_Id__c\":\"other\"}", 400, "INVALID_FIELD"},
    {"Account", "Id", "0015f0000000099", "{\"Name\":\"x\"}", 404, "NOT_FOUND"},
    {"Account", "Legacy_Id__c", "A1", "{\"Nope\":\"x\"}", 400, "INVALID_FIELD"},
};

START_TEST(upserts_are_checked)
{
    struct sf_upserted done;

    ck_assert_int_ne(upsert(upserts[_i].type, upserts[_i].field, upserts[_i].value, upserts[_i].body, &done),
                     0);
    ck_assert_int_eq(rig.fail.status, upserts[_i].status);
    ck_assert_str_eq(rig.fail.code, upserts[_i].code);
}
END_TEST

START_TEST(upsert_by_id_and_without_value)
{
    struct sf_upserted done;

    ck_assert_int_eq(upsert("Account", "Id", account, "{\"Phone\":\"1\"}", &done), 0);
    ck_assert(!done.created);
    ck_assert_int_eq(upsert("Account", "Id", NULL, "{\"Name\":\"New\"}", &done), 0);
    ck_assert(done.created);
    ck_assert_int_eq(
        upsert("Account", "Legacy_Id__c", "A1", "{\"Name\":\"New\",\"legacy_id__c\":\"A1\"}", &done), 0);
    ck_assert_str_eq(done.id, account);
}
END_TEST

START_TEST(an_ambiguous_upsert_changes_nothing)
{
    struct sf_upserted done;
    json_t *rest;

    must_create("Account", "{\"Name\":\"Twin\",\"Legacy_Id__c\":\"a1\"}", NULL);
    ck_assert_int_ne(upsert("Account", "Legacy_Id__c", "A1", "{\"Name\":\"Changed\"}", &done), 0);
    ck_assert_int_eq(rig.fail.status, 300);
    rest = sf_fail_rest(&rig.fail);
    ck_assert_uint_eq(json_array_size(rest), 2);
    ck_assert_str_eq(json_string_value(json_array_get(rest, 0)),
                     "/services/data/v60.0/sobjects/Account/0015f0000000001AAA");
    json_decref(rest);
    rig_expect_query(&rig, "SELECT Name FROM Account", "2: Acme | Twin");
}
END_TEST

START_TEST(update_only_does_not_create)
{
    struct sf_upsert request = {.type = "Account",
                                .field = "Legacy_Id__c",
                                .value = "A9",
                                .body = json_object(),
                                .update_only = true};
    struct sf_upserted done;

    ck_assert_int_ne(sf_store_upsert(rig.store, &request, &done, &rig.fail), 0);
    ck_assert_int_eq(rig.fail.status, 404);
    request.value = "A1";
    ck_assert_int_eq(sf_store_upsert(rig.store, &request, &done, &rig.fail), 0);
    json_decref(request.body);
}
END_TEST

START_TEST(unique_values_are_unique)
{
    char id[SF_ID_SIZE];

    must_create("Task", "{\"Callfleet_Call_Id__c\":\"c1\"}", NULL);
    must_create("Task", "{\"Callfleet_Call_Id__c\":\"c2\"}", id);
    must_create("Task", "{}", NULL);
    must_create("Task", "{}", NULL);
    ck_assert_str_eq(rig_create(&rig, "Task", "{\"Callfleet_Call_Id__c\":\"C1\"}", NULL), "DUPLICATE_VALUE");
    ck_assert_str_eq(
        rig.fail.message,
        "duplicate value found: Callfleet_Call_Id__c duplicates value on record with id: 00T5f0000000001");
    ck_assert_int_ne(update("Task", id, "{\"Callfleet_Call_Id__c\":\"c1\"}"), 0);
    must_update("Task", id, "{\"Callfleet_Call_Id__c\":\"c2\",\"Subject\":\"x\"}");
}
END_TEST

/* ---- delete, savepoints, files ---- */

START_TEST(delete_takes_the_children_along)
{
    must_update("Case", ticket, "{\"Comments\":\"hello\"}");
    must_create("Task", "{\"WhatId\":\"5005f0000000001\",\"Callfleet_Call_Id__c\":\"c1\"}", NULL);
    ck_assert_int_eq(sf_store_delete(rig.store, "Case", ticket, &rig.fail), 0);
    rig_expect_query(&rig, "SELECT COUNT() FROM CaseComment", "0: ");
    rig_expect_query(&rig, "SELECT COUNT() FROM Task", "0: ");
    rig_expect_query(&rig, "SELECT COUNT() FROM Contact", "1: ");
    ck_assert_int_ne(sf_store_delete(rig.store, "Case", ticket, &rig.fail), 0);
    ck_assert_int_eq(rig.fail.status, 404);
    ck_assert_str_eq(rig.fail.code, "ENTITY_IS_DELETED");
    ck_assert_str_eq(rig_create(&rig, "CaseComment", "{\"ParentId\":\"5005f0000000001\"}", NULL),
                     "ENTITY_IS_DELETED");
    must_create("Task", "{\"Callfleet_Call_Id__c\":\"c1\"}", NULL); /* the value is free again */
    ck_assert_int_eq(sf_store_delete(rig.store, "Account", account, &rig.fail), 0);
    rig_expect_query(&rig, "SELECT COUNT() FROM Contact", "0: ");
}
END_TEST

START_TEST(savepoints_nest)
{
    sf_store_begin(rig.store);
    must_create("Account", "{\"Name\":\"kept\"}", NULL);
    sf_store_begin(rig.store);
    must_create("Account", "{\"Name\":\"dropped\"}", NULL);
    ck_assert_ptr_nonnull(rig_create(&rig, "Account", "{}", NULL));
    sf_store_rollback(rig.store);
    sf_store_commit(rig.store);
    rig_expect_query(&rig, "SELECT Name FROM Account", "2: Acme | kept");
    sf_store_begin(rig.store);
    must_create("Account", "{\"Name\":\"dropped\"}", NULL);
    sf_store_rollback(rig.store);
    rig_expect_query(&rig, "SELECT Name FROM Account", "2: Acme | kept");
}
END_TEST

START_TEST(locks_name_the_record_and_its_parents)
{
    json_t *body = rig_json("{\"WhoId\":\"0035f0000000001\",\"whatId\":\"5005f0000000001AAA\","
                            "\"OwnerId\":\"0055f0000000001\",\"Subject\":\"x\"}");
    char found[4][SF_ID_SIZE];

    ck_assert_uint_eq(sf_store_locks(rig.store, "Task", NULL, body, found, 4), 2);
    ck_assert_str_eq(found[0], contact);
    ck_assert_str_eq(found[1], ticket);
    ck_assert_uint_eq(sf_store_locks(rig.store, "Case", "5005f0000000001", NULL, found, 4), 1);
    ck_assert_uint_eq(sf_store_locks(rig.store, "Task", NULL, body, found, 1), 1);
    json_decref(body);
}
END_TEST

START_TEST(a_file_keeps_the_records)
{
    char dir[] = "/tmp/sf-store-XXXXXX", path[64], err[200], command[80], id[SF_ID_SIZE];
    struct sf_store *store;
    json_t *body = json_object(), *record = NULL;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/db", dir);
    store = sf_store_open(path, err, sizeof(err));
    ck_assert_msg(store != NULL, "%s", err);
    json_object_set_new(body, "Name", json_string("kept"));
    ck_assert_int_eq(sf_store_create(store, "Account", body, id, &rig.fail), 0);
    sf_store_close(store);
    store = sf_store_open(path, err, sizeof(err));
    ck_assert_msg(store != NULL, "%s", err);
    ck_assert_int_eq(sf_store_get(store, "Account", id, "Name", &record, &rig.fail), 0);
    json_decref(record);
    ck_assert_int_eq(sf_store_create(store, "Account", body, id, &rig.fail), 0);
    ck_assert_str_eq(id, "0015f0000000002AAA");
    sf_store_close(store);
    json_decref(body);
    ck_assert_ptr_null(sf_store_open("/nowhere/at/all", err, sizeof(err)));
    ck_assert_ptr_null(sf_store_open("/bin/sh", err, sizeof(err)));
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(samples_are_there_once)
{
    ck_assert_int_eq(sf_store_samples(rig.store, &rig.fail), 0);
    ck_assert_int_eq(sf_store_samples(rig.store, &rig.fail), 0);
    rig_expect_query(&rig, "SELECT COUNT() FROM Account WHERE Legacy_Id__c LIKE 'S-A%'", "16: ");
    rig_expect_query(&rig, "SELECT COUNT() FROM Contact WHERE Legacy_Id__c LIKE 'S-C%'", "27: ");
    rig_expect_query(&rig,
                     "SELECT Name, Account.Tier__c, (SELECT Subject FROM Cases WHERE IsClosed = false) FROM "
                     "Contact WHERE MobilePhone = '(928) 555-0101'",
                     "1: Maria Delgado,(Gold),[Inverter shows fault E14]");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sf-sandbox.upsert");
    TCase *tc = tcase_create("upsert");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, upsert_creates_once);
    tcase_add_loop_test(tc, upserts_are_checked, 0, COUNT(upserts));
    tcase_add_test(tc, upsert_by_id_and_without_value);
    tcase_add_test(tc, an_ambiguous_upsert_changes_nothing);
    tcase_add_test(tc, update_only_does_not_create);
    tcase_add_test(tc, unique_values_are_unique);
    tcase_add_test(tc, delete_takes_the_children_along);
    tcase_add_test(tc, savepoints_nest);
    tcase_add_test(tc, locks_name_the_record_and_its_parents);
    tcase_add_test(tc, a_file_keeps_the_records);
    tcase_add_test(tc, samples_are_there_once);
    suite_add_tcase(s, tc);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

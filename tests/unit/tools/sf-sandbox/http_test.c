/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pure parts of the sandbox's HTTP half: taking a request apart, routes, references, patterns, locks,
 * limits.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "api_limits.h"
#include "faults.h"
#include "locks.h"
#include "refs.h"
#include "router.h"

#define MS 1000000ULL

static struct cf_arena *arena;

static void setup(void)
{
    arena = cf_arena_new(1 << 20);
}

static void teardown(void)
{
    cf_arena_free(arena);
}

/* ---- taking a URI apart ---- */
static const struct {
    const char *text, *plain, *form; /* NULL: refused */
} decode_rows[] = {
    {"", "", ""},         {"a+b", "a+b", "a b"}, {"a%20b", "a b", "a b"},    {"%2B%2b", "++", "++"},
    {"%C3%B8", "ø", "ø"}, {"%", NULL, NULL},     {"%2", NULL, NULL},         {"%zz", NULL, NULL},
    {"%00", NULL, NULL},  {"x%4", NULL, NULL},   {"100%25", "100%", "100%"}, {"%7F", "\x7f", "\x7f"},
};

START_TEST(percent_decoding)
{
    struct cf_str text = cf_str_of(decode_rows[_i].text);

    ck_assert_pstr_eq(sb_decode(arena, text, false).p, decode_rows[_i].plain);
    ck_assert_pstr_eq(sb_decode(arena, text, true).p, decode_rows[_i].form);
}
END_TEST

START_TEST(query_pairs)
{
    struct sb_pairs pairs;

    ck_assert_int_eq(sb_pairs_parse(arena, CF_STR("a=1&b&&c=x%3Dy=z&a=2&=v"), &pairs), 0);
    ck_assert_uint_eq(pairs.count, 5);
    ck_assert_str_eq(sb_pairs_get(&pairs, "a"), "1");
    ck_assert_str_eq(sb_pairs_get(&pairs, "b"), "");
    ck_assert_str_eq(sb_pairs_get(&pairs, "c"), "x=y=z");
    ck_assert_ptr_null(sb_pairs_get(&pairs, "d"));
    ck_assert_int_eq(sb_pairs_parse(arena, CF_STR("a=%"), &pairs), -1);
}
END_TEST

/* ---- routes ---- */
static const struct {
    const char *method, *uri;
    int status; /* 0: found */
    const char *pattern, *arg;
} route_rows[] = {
    {"GET", "/services/data", 0, "/services/data", NULL},
    {"GET", "/services/data/", 0, "/services/data", NULL},
    {"GET", "/services/data/v60.0//query/?q=x", 0, "/services/data/{v}/query", NULL},
    {"HEAD", "/services/data/v31.0/limits", 0, "/services/data/{v}/limits", NULL},
    {"GET", "/services/data/v68.0/query/01g-2000", 0, "/services/data/{v}/query/{}", "01g-2000"},
    {"GET", "/services/data/v60.0/sobjects/Case/Describe", 0, "/services/data/{v}/sobjects/{}/describe",
     "Case"},
    {"PATCH", "/services/data/v60.0/sobjects/Task/X__c/a%2Fb", 0, "/services/data/{v}/sobjects/{}/{}/{}",
     "Task"},
    {"POST", "/services/data/v60.0/sobjects/Task/1?_HttpMethod=PATCH", 0, "/services/data/{v}/sobjects/{}/{}",
     "Task"},
    {"POST", "/services/data/v60.0/composite/batch", 0, "/services/data/{v}/composite/batch", NULL},
    {"PUT", "/services/data/v60.0/query", 405, NULL, NULL},
    {"OPTIONS", "/services/data/v60.0/composite", 405, NULL, NULL},
    {"GET", "/services/data/v30.0/query", 410, NULL, NULL},
    {"GET", "/services/data/v20.0/query", 404, NULL, NULL},
    {"GET", "/services/data/v69.0/query", 404, NULL, NULL},
    {"GET", "/services/data/v060.0/query", 404, NULL, NULL},
    {"GET", "/services/data/v60.00/query", 404, NULL, NULL},
    {"GET", "/services/data/v99999.0/query", 404, NULL, NULL},
    {"GET", "/services/data/v60.0/nothing", 404, NULL, NULL},
    {"GET", "/", 404, NULL, NULL},
    {"GET", "", 404, NULL, NULL},
};

START_TEST(routes)
{
    struct sb_request request;
    struct sb_reply reply = {0};
    const struct sb_route *route;

    ck_assert_int_eq(sb_request_init(&request, arena, route_rows[_i].method, cf_str_of(route_rows[_i].uri)),
                     0);
    route = sb_router_find(&request, &reply);
    ck_assert_int_eq(reply.status, route_rows[_i].status);
    if (route_rows[_i].pattern) {
        ck_assert_ptr_nonnull(route);
        ck_assert_str_eq(route->pattern, route_rows[_i].pattern);
        ck_assert_pstr_eq(request.args[0], route_rows[_i].arg);
    } else {
        ck_assert_ptr_null(route);
    }
    sb_reply_done(&reply);
}
END_TEST

START_TEST(too_many_segments)
{
    struct sb_request request;

    ck_assert_int_eq(sb_request_init(&request, arena, "GET", CF_STR("/1/2/3/4/5/6/7/8/9/10/11/12")), 0);
    ck_assert_int_eq(sb_request_init(&request, arena, "GET", CF_STR("/1/2/3/4/5/6/7/8/9/10/11/12/13")), -1);
    ck_assert_int_eq(sb_request_init(&request, arena, "GET", CF_STR("/%0")), -1);
}
END_TEST

/* ---- references ---- */
static const char results_text[] =
    "{\"acc\":{\"id\":\"001A\",\"n\":7,\"ok\":true,\"none\":null,\"o\":{\"x\":1}},"
    "\"q\":{\"records\":[{\"Id\":\"a b\"},{\"Id\":\"003\",\"Acc\":{\"Name\":\"N\"}}]},"
    "\"list\":[{\"id\":\"00T\"}]}";
static const struct {
    const char *body, *resolved; /* NULL: refused */
} ref_rows[] = {
    {"{\"a\":\"@{acc.id}\"}", "{\"a\":\"001A\"}"},
    {"{\"a\":\"@{acc.ID}\"}", "{\"a\":\"001A\"}"},
    {"[\"x @{acc.id}/@{acc.n} y\",\"@{acc.n}\",\"@{acc.ok}\",\"@{acc.none}\"]",
     "[\"x 001A/7 y\",7,true,null]"},
    {"[\"<@{acc.none}>\"]", "[\"<>\"]"},
    {"[\"@{q.records[1].Acc.Name}\",\"@{list[0].id}\"]", "[\"N\",\"00T\"]"},
    {"[\"mail@{x\",\"@{}\"]", NULL},
    {"[\"a@b.c\",\"{acc.id}\",\"@\",\"@{\"]", "[\"a@b.c\",\"{acc.id}\",\"@\",\"@{\"]"},
    {"[\"@{nope.id}\"]", NULL},
    {"[\"@{acc.nope}\"]", NULL},
    {"[\"@{acc}\"]", NULL},
    {"[\"@{acc.o}\"]", NULL},
    {"[\"@{q.records[2].Id}\"]", NULL},
    {"[\"@{q.records[x].Id}\"]", NULL},
    {"[\"@{q.records[0.Id}\"]", NULL},
    {"[\"@{acc..id}\"]", NULL},
    {"{\"deep\":{\"er\":[1,2.5,null,{\"z\":\"@{acc.n}\"}]}}", "{\"deep\":{\"er\":[1,2.5,null,{\"z\":7}]}}"},
};

START_TEST(references)
{
    json_t *results = json_loads(results_text, 0, NULL), *body = json_loads(ref_rows[_i].body, 0, NULL);
    json_t *wanted = ref_rows[_i].resolved ? json_loads(ref_rows[_i].resolved, 0, NULL) : NULL, *resolved;
    const char *reason = NULL;

    ck_assert_ptr_nonnull(body);
    resolved = sb_refs_resolve(arena, body, results, &reason);
    ck_assert_int_eq(resolved == NULL, wanted == NULL);
    ck_assert_int_eq(reason == NULL, wanted != NULL);
    ck_assert(!wanted || json_equal(resolved, wanted));
    json_decref(resolved);
    json_decref(wanted);
    json_decref(body);
    json_decref(results);
}
END_TEST

START_TEST(references_in_urls)
{
    json_t *results = json_loads(results_text, 0, NULL);
    const char *reason = NULL;

    ck_assert_str_eq(sb_refs_resolve_url(arena, "/a/@{acc.id}?q='@{q.records[0].Id}'", results, &reason),
                     "/a/001A?q='a%20b'");
    ck_assert_ptr_null(sb_refs_resolve_url(arena, "/a/@{b.id}", results, &reason));
    ck_assert_str_eq(reason, "Invalid reference specified. No value for b.id found");
    json_decref(results);
}
END_TEST

START_TEST(references_stop_at_a_depth)
{
    json_t *body = json_string("x"), *resolved;
    const char *reason = NULL;

    for (int i = 0; i < SB_REFS_DEPTH_MAX; i++)
        body = json_pack("[o]", body);
    resolved = sb_refs_resolve(arena, body, NULL, &reason);
    ck_assert_ptr_nonnull(resolved);
    json_decref(resolved);
    body = json_pack("[o]", body);
    ck_assert_ptr_null(sb_refs_resolve(arena, body, NULL, &reason));
    json_decref(body);
}
END_TEST

/* ---- fault patterns ---- */
static const struct {
    const char *pattern, *path;
    bool matches;
} glob_rows[] = {
    {"", "/x", true},         {"/a", "/a/b", true},     {"/a/b", "/a", false},     {"/a/*", "/a/b", true},
    {"*", "", true},          {"/*/c", "/a/b/c", true}, {"/*/c", "/a/b/d", false}, {"*b*d", "abcd", true},
    {"*b*d", "abcde", false}, {"a*", "ba", false},      {"**a**", "xay", true},    {"*aab", "aaaaab", true},
};

START_TEST(fault_paths)
{
    ck_assert_int_eq(sb_fault_path_matches(cf_str_of(glob_rows[_i].pattern), cf_str_of(glob_rows[_i].path)),
                     glob_rows[_i].matches);
}
END_TEST

/* ---- locks ---- */
START_TEST(rows_are_taken_in_order)
{
    struct sb_locks *locks = sb_locks_new();
    char ids[2][SF_ID_SIZE] = {"500000000000001AAA", "001000000000001AAA"};
    struct sb_locks_ask ask = {
        .owner = 1, .now_ns = 100 * MS, .hold_ms = 50, .wait_ms = 60, .ids = ids, .count = 2};
    uint64_t done = 0;

    ck_assert(!sb_locks_needed(locks, 0, 100 * MS));
    ck_assert(sb_locks_take(locks, &ask, &done));
    ck_assert_uint_eq(done, 150 * MS);
    ck_assert(sb_locks_take(locks, &ask, &done)); /* its own rows are free to it */
    ck_assert_uint_eq(done, 150 * MS);
    ask.owner = 2;
    ask.count = 1;
    ck_assert(sb_locks_take(locks, &ask, &done));
    ck_assert_uint_eq(done, 200 * MS);
    ask.owner = 3; /* free at 200, waits until 160 only */
    ck_assert(!sb_locks_take(locks, &ask, &done));
    ck_assert_uint_eq(done, 160 * MS);
    ck_assert(sb_locks_needed(locks, 0, 199 * MS));
    ck_assert(!sb_locks_needed(locks, 0, 200 * MS));
    ask.now_ns = 200 * MS;
    ck_assert(sb_locks_take(locks, &ask, &done));
    ck_assert_uint_eq(done, 250 * MS);
    sb_locks_free(locks);
}
END_TEST

/* ---- limits ---- */
START_TEST(a_day_has_its_limit)
{
    struct sb_limits *limits = sb_limits_new();
    uint64_t day_ns = 86400ULL * 1000 * MS;

    ck_assert(sb_limits_spend(limits, 3, 1, 1));
    ck_assert(
        sb_limits_spend(limits, 3, 5, 2)); /* a batch may go over, as its calls are counted when it runs */
    ck_assert(!sb_limits_spend(limits, 3, 1, 3));
    ck_assert_int_eq(sb_limits_used(limits), 6);
    ck_assert(sb_limits_spend(limits, 3, 1, 1 + day_ns));
    ck_assert_int_eq(sb_limits_used(limits), 1);
    ck_assert_int_eq(sb_limits_total(limits), 7);
    sb_limits_long(limits, 10, 20);
    sb_limits_long(limits, 15, 30);
    ck_assert_int_eq(sb_limits_long_now(limits, 9), 0);
    ck_assert_int_eq(sb_limits_long_now(limits, 16), 2);
    ck_assert_int_eq(sb_limits_long_now(limits, 20), 1);
    ck_assert_int_eq(sb_limits_long_now(limits, 30), 0);
    sb_limits_free(limits);
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

int main(void)
{
    Suite *suite = suite_create("tools.sf-sandbox.http");
    TCase *tcase = tcase_create("http");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, percent_decoding, 0, COUNT(decode_rows));
    tcase_add_test(tcase, query_pairs);
    tcase_add_loop_test(tcase, routes, 0, COUNT(route_rows));
    tcase_add_test(tcase, too_many_segments);
    tcase_add_loop_test(tcase, references, 0, COUNT(ref_rows));
    tcase_add_test(tcase, references_in_urls);
    tcase_add_test(tcase, references_stop_at_a_depth);
    tcase_add_loop_test(tcase, fault_paths, 0, COUNT(glob_rows));
    tcase_add_test(tcase, rows_are_taken_in_order);
    tcase_add_test(tcase, a_day_has_its_limit);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>

#include "engine/policy.h"

#define Q "\"queues\":[{\"id\":\"q\"}]"

/* Each refusal names the path; where it is comes before. */
static const struct {
    const char *text, *message;
} bad[] = {
    {"", "policy: not valid JSON"},
    {"[]", "policy: the document must be an object"},
    {"{" Q "}", "policy: version is required"},
    {"{\"version\":1.5," Q "}", "policy: version must be a whole number from 0"},
    {"{\"version\":1}", "policy: queues must be an array with at least one queue"},
    {"{\"version\":1,\"queues\":[]}", "policy: queues must be an array with at least one queue"},
    {"{\"version\":1,\"queue\":1," Q "}", "policy: queue is not a known member"},
    {"{\"version\":1,\"queues\":[{}]}", "policy: queues[0].id is required"},
    {"{\"version\":1,\"queues\":[{\"id\":\"\"}]}", "policy: queues[0].id must be a string of 1 to 128"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\"},{\"id\":\"q\"}]}",
     "policy: queues[1].id names a queue that is"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"offerMs\":10}]}",
     "policy: queues[0].offerMs must be a whole number from 1000 to 600000"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"maxWaitMs\":1}]}", "policy: queues[0].maxWaitMs must be 0"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"order\":\"lifo\"}]}", "policy: queues[0].order must be"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"choice\":\"random\"}]}", "policy: queues[0].choice must be"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"skills\":[1]}]}",
     "policy: queues[0].skills must be an object"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"skills\":{\"a\":null}}]}",
     "policy: queues[0].skills must hold"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"teams\":[1]}]}",
     "policy: queues[0].teams must be a string or"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"teams\":[]}]}", "policy: queues[0].teams must not be empty"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"overflow\":\"x\"}]}", "policy: queues[0].overflow must be"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"overflow\":{\"queue\":\"x\"}}]}",
     "policy: queues[0].overflow.queue must name another queue"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"overflow\":{\"queue\":\"q\"}}]}",
     "policy: queues[0].overflow.queue must name another queue"},
    {"{\"version\":1,\"defaults\":{\"id\":\"q\"}," Q "}", "policy: defaults.id is not a known member"},
    {"{\"version\":1,\"entryPoints\":{\"e\":\"x\"}," Q "}", "policy: entryPoints must lead to queues"},
    {"{\"version\":1,\"defaultQueue\":\"x\"," Q "}", "policy: defaultQueue must name a queue"},
    {"{\"version\":1,\"rules\":{}," Q "}", "policy: rules must be an array"},
    {"{\"version\":1,\"rules\":[{\"when\":{\"tear\":\"x\"},\"then\":{}}]," Q "}",
     "policy: rules[0].when.tear is not a known member"},
    {"{\"version\":1,\"rules\":[{\"then\":{}},{\"then\":{\"priority\":11}}]," Q "}",
     "policy: rules[1].then.priority must be a whole number from 1 to 10"},
    {"{\"version\":1,\"rules\":[{\"when\":{}}]," Q "}", "policy: rules[0].then must be an object"},
    {"{\"version\":1,\"rules\":[{\"then\":{\"prefer\":\"boss\"}}]," Q "}",
     "policy: rules[0].then.prefer must be of"},
    {"{\"version\":1,\"rules\":[{\"then\":{\"queue\":\"x\"}}]," Q "}",
     "policy: rules[0].then.queue must name"},
    {"{\"version\":1,\"rules\":[{\"when\":{\"customer\":\"rich\"},\"then\":{}}]," Q "}",
     "policy: rules[0].when.customer must name customer statuses"},
    {"{\"version\":1,\"rules\":[{\"when\":{\"attributes\":{\"a\":1}},\"then\":{}}]," Q "}",
     "policy: rules[0].when.a must be a string or"},
    {"{\"version\":1,\"screenPop\":{\"object\":\"Lead\"}," Q "}", "policy: screenPop.object must be Account"},
    {"{\"version\":1,\"screenPop\":{\"urlTemplate\":\"\"}," Q "}", "policy: screenPop.urlTemplate must be"},
    {"{\"version\":1,\"domains\":[]}", "policy: domains must be an array"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"steps\":[{\"drop\":\"x\"}]}]}",
     "policy: queues[0].steps[0].afterMs is required"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"steps\":[{\"afterMs\":5}]}]}",
     "policy: queues[0].steps[0] must have drop, skills or teams"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"steps\":[{\"afterMs\":5,\"drop\":\"x\"},{\"afterMs\":4,"
     "\"drop\":\"y\"}]}]}",
     "policy: queues[0].steps[1].afterMs must not be less"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"skills\":{\"a\":[]}}]}",
     "policy: queues[0].skills must hold"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"onFull\":{\"queue\":\"x\"}}]}",
     "policy: queues[0].onFull.queue must name another queue"},
    {"{\"version\":1,\"queues\":[{\"id\":\"q\",\"hours\":\"x\"}]}",
     "policy: queues[0].hours must name a calendar"},
    {"{\"version\":1,\"hours\":{\"h\":{}}," Q "}", "policy: hours.h.week is required"},
    {"{\"version\":1,\"hours\":{\"h\":{\"zone\":\"Europe/Berlin\",\"week\":{}}}," Q "}",
     "policy: hours.h.zone must be"},
    {"{\"version\":1,\"hours\":{\"h\":{\"week\":{\"mon\":\"9-5\"}}}," Q "}",
     "policy: hours.h.week.mon must be"},
    {"{\"version\":1,\"hours\":{\"h\":{\"week\":{\"moon\":\"closed\"}}}," Q "}",
     "policy: hours.h.week.moon must be days"},
    {"{\"version\":1,\"hours\":{\"h\":{\"week\":{},\"holidays\":{\"2026-13-01\":\"closed\"}}}," Q "}",
     "policy: hours.h.holidays.2026-13-01 must be a day"},
    {"{\"version\":1,\"agents\":[\"a\",\"a\"]," Q "}", "policy: agents names an agent twice"},
    {"{\"version\":1,\"rules\":[{\"then\":{\"queue\":[\"q\",\"q\"]}}]," Q "}",
     "policy: rules[0].then.queue names a queue twice"},
    {"{\"version\":1,\"rules\":[{\"id\":\"a,b\",\"then\":{}}]," Q "}",
     "policy: rules[0].id must hold no comma"},
    {"{\"version\":1,\"rules\":[{\"when\":{\"repeatWithinMs\":0},\"then\":{}}]," Q "}",
     "policy: rules[0].when.repeatWithinMs must be"},
    {"{\"version\":1,\"domains\":[{\"id\":\"d\"," Q "}],\"queues\":[]}",
     "policy: queues is not a known member"},
    {"{\"version\":1,\"domains\":[{" Q "}]}", "policy: domains[0].id must be a string"},
    {"{\"version\":1,\"domains\":[{\"id\":\"d\"," Q "},{\"id\":\"d\",\"queues\":[{\"id\":\"r\"}]}]}",
     "policy: domains[1].id names a domain"},
    {"{\"version\":1,\"domains\":[{\"id\":\"d\"," Q "},{\"id\":\"e\"," Q "}]}",
     "policy: domains[1].queues[0].id names a queue"},
    {"{\"version\":1,\"domains\":[{\"id\":\"d\"," Q "}],\"defaultDomain\":\"x\"}",
     "policy: defaultDomain must name one"},
    {"{\"version\":1,\"domains\":[{\"id\":\"d\",\"teams\":[\"t\",\"t\"]," Q "}]}",
     "policy: domains[0].teams names a team twice"},
};

START_TEST(refuses_with_the_path)
{
    struct cf_err err = {0};
    struct cf_policy *policy = cf_policy_parse(cf_str_of(bad[_i].text), &err);

    ck_assert_msg(policy == NULL, "accepted: %s", bad[_i].text);
    ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
    ck_assert_msg(strncmp(err.text, "policy: line ", 13) == 0 && strstr(err.text, bad[_i].message + 8),
                  "%s\nwanted: %s\ngot:    %s", bad[_i].text, bad[_i].message, err.text);
}
END_TEST

/* Line and column of the fault, for an editor. */
static const struct {
    const char *text, *message;
} places[] = {
    {"{\"version\": 1,\n \"queues\": [\n  {\"id\": \"q\",\n   \"offerMs\": 5}]}",
     "line 4, column 4: queues[0].offerMs"},
    {"{\"version\": 1,\n \"queues\": [\n  {\"note\": \"q\"}]}", "line 3, column 3: queues[0].id is required"},
    {"{\"version\": 1,\n \"queues\": [{\"id\":\"\303\266\\\"\", \"x\": 1}]}",
     "line 2, column 26: queues[0].x is"},
    {"{\"version\": 1,\n \"queues\": [{\"id\": \"q\",}]}", "line 2, column 24: not valid JSON"},
    {"{\"version\": 1,\n \"queues\": [{\"id\": \"q\"}]", "line 2, column 25: not valid JSON"},
    {"{\"version\\", "line 1, column 11: not valid JSON"},
    {"{\"version\": 1,\n" Q
     ",\n\"rules\":[{\"then\":{}},\n{\"when\":{\"tier\":\"x\"},\"then\":\n{\"queue\":\"x\"}}]}",
     "line 5, column 2: rules[1].then.queue"},
    {"{\"version\": "
     "1,\n\"domains\":[{\"id\":\"d\",\"queues\":[{\"id\":\"q\"},\n{\"id\":\"r\",\"choice\":1}]}]}",
     "line 3, column 11: domains[0].queues[1].choice"},
};

START_TEST(says_where)
{
    struct cf_err err = {0};

    ck_assert(cf_policy_parse(cf_str_of(places[_i].text), &err) == NULL);
    ck_assert_msg(strstr(err.text, places[_i].message), "%s\nwanted: %s\ngot:    %s", places[_i].text,
                  places[_i].message, err.text);
}
END_TEST

static const char two[] =
    "{\"version\":7,\"note\":\"for the test\",\"defaultDomain\":\"b\",\"domains\":["
    "{\"id\":\"a\",\"teams\":\"red\",\"queues\":[{\"id\":\"qa\"}],\"entryPoints\":{\"ea\":\"qa\"}},"
    "{\"id\":\"b\",\"teams\":[\"blue\",\"green\"],\"queues\":[{\"id\":\"qb\"},{\"id\":\"qc\"}]}]}";

START_TEST(finds_domains)
{
    static const struct {
        const char *queue, *entry_point, *domain;
    } calls[] = {{NULL, NULL, "b"}, {"qa", NULL, "a"}, {"qc", "ea", "b"}, {"x", "ea", "a"}, {"x", "y", "b"}};
    static const struct {
        const char *team, *domain;
    } teams[] = {{NULL, "b"}, {"red", "a"}, {"green", "b"}, {"x", "b"}};
    struct cf_err err;
    struct cf_policy *policy = cf_policy_parse(cf_str_of(two), &err);

    ck_assert_msg(policy != NULL, "%s", err.text);
    ck_assert_int_eq(cf_policy_version(policy), 7);
    ck_assert(cf_str_is(cf_policy_text(policy), two));
    ck_assert_uint_eq(cf_policy_n_domains(policy), 2);
    ck_assert(cf_str_is(cf_policy_domain(policy, 1), "b"));
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        struct cf_str domain =
            cf_policy_call_domain(policy, cf_str_of(calls[i].queue), cf_str_of(calls[i].entry_point));

        ck_assert_msg(cf_str_is(domain, calls[i].domain), "call row %zu", i);
    }
    for (size_t i = 0; i < sizeof(teams) / sizeof(teams[0]); i++)
        ck_assert_msg(cf_str_is(cf_policy_team_domain(policy, cf_str_of(teams[i].team)), teams[i].domain),
                      "team row %zu", i);
    cf_policy_unref(cf_policy_ref(policy));
    cf_policy_unref(policy);
    cf_policy_unref(NULL);
}
END_TEST

START_TEST(has_a_builtin_policy)
{
    struct cf_policy *policy = cf_policy_builtin();

    ck_assert_int_eq(cf_policy_version(policy), 0);
    ck_assert(cf_str_is(cf_policy_call_domain(policy, CF_STR("support"), CF_STR("")), "default"));
    cf_policy_unref(policy);
}
END_TEST

START_TEST(refuses_a_text_that_is_too_long)
{
    struct cf_err err;
    char *text = cf_calloc(1, CF_POLICY_MAX_BYTES + 1);

    memset(text, ' ', CF_POLICY_MAX_BYTES + 1);
    ck_assert(cf_policy_parse((struct cf_str){text, CF_POLICY_MAX_BYTES + 1}, &err) == NULL);
    ck_assert_ptr_nonnull(strstr(err.text, "400 KiB"));
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *parse = tcase_create("parse");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(parse, refuses_with_the_path, 0, (int)(sizeof(bad) / sizeof(bad[0])));
    tcase_add_loop_test(parse, says_where, 0, (int)(sizeof(places) / sizeof(places[0])));
    tcase_add_test(parse, finds_domains);
    tcase_add_test(parse, has_a_builtin_policy);
    tcase_add_test(parse, refuses_a_text_that_is_too_long);
    suite_add_tcase(suite, parse);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

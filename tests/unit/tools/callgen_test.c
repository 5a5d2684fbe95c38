/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "idset.h"
#include "options.h"
#include "plan.h"
#include "timers.h"

#define ARGS(...) ((const char *[]){"callgen", __VA_ARGS__, NULL})

/* getopt wants arguments that may be written to, and the options point into them: they stay in here. */
static int parse(const char *const *args, struct cg_options *ret_options)
{
    static char pool[4096];
    char *argv[16];
    size_t used = 0;
    int argc = 0;

    for (; args[argc] != NULL; argc++) {
        argv[argc] = pool + used;
        used += (size_t)snprintf(pool + used, sizeof pool - used, "%s", args[argc]) + 1;
        ck_assert_uint_lt(used, sizeof pool);
    }
    argv[argc] = NULL;
    return cg_options_parse(argc, argv, ret_options);
}

/* ---- options ---- */

static const struct {
    const char *name, *value;
    int code; /* -1: accepted */
} option_rows[] = {
    {"--calls", "0", -1},
    {"--calls", "1000000", -1},
    {"--calls", "1000001", 64},
    {"--calls", "-1", 64},
    {"--calls", "ten", 64},
    {"--calls", "", 64},
    {"--rate", "0.5", -1},
    {"--rate", "0", 64},
    {"--rate", "nan", 64},
    {"--abandon", "1", -1},
    {"--abandon", "1.1", 64},
    {"--repeat", "0.2", -1},
    {"--repeat", "-0.1", 64},
    {"--talk-ms", "5", -1},
    {"--talk-ms", "5..9", -1},
    {"--talk-ms", "9..5", 64},
    {"--talk-ms", "..5", 64},
    {"--talk-ms", "5..", 64},
    {"--talk-ms", "5..x", 64},
    {"--timeout-s", "0", 64},
    {"--agent-fields", "{}", -1},
    {"--agent-fields", "[]", 64},
    {"--agent-fields", "{", 64},
    {"--mix", "file", -1},
    {"--seed", "18446744073709551615", -1},
};

START_TEST(options_are_checked)
{
    struct cg_options options;

    ck_assert_int_eq(parse(ARGS("--brokers", "b:1", option_rows[_i].name, option_rows[_i].value), &options),
                     option_rows[_i].code);
    cg_options_done(&options);
}
END_TEST

START_TEST(without_routing_somebody_must_answer)
{
    struct cg_options options;

    ck_assert_int_eq(parse(ARGS("--brokers", "b", "--no-routing", "--agents", "0"), &options), 64);
}
END_TEST

START_TEST(brokers_are_needed)
{
    struct cg_options options;

    ck_assert_int_eq(parse(ARGS("--calls", "1"), &options), 64);
}
END_TEST

/* ---- plan ---- */

static struct cg_options options_of(const char *const *args)
{
    struct cg_options options;

    ck_assert_int_eq(parse(args, &options), -1);
    return options;
}

/* The file's name, for a caller who unlinks it. */
static void write_file(char path[64], const char *text)
{
    int fd;

    (void)snprintf(path, 64, "/tmp/callgen_test.XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

START_TEST(same_seed_same_plan)
{
    struct cg_options options = options_of(
        ARGS("--brokers", "b", "--calls", "500", "--seed", "7", "--abandon", "0.2", "--miss", "0.1"));
    struct cg_plan a, b;
    struct cf_err err;
    size_t abandons = 0, misses = 0;

    ck_assert_int_eq(cg_plan_make(&options, &a, &err), 0);
    ck_assert_int_eq(cg_plan_make(&options, &b, &err), 0);
    ck_assert_uint_eq(a.n, 500);
    for (size_t i = 0; i < a.n; i++) {
        ck_assert_str_eq(a.calls[i].ani, b.calls[i].ani);
        ck_assert_uint_eq(a.calls[i].at_ms, b.calls[i].at_ms);
        ck_assert_uint_eq(a.calls[i].talk_ms, b.calls[i].talk_ms);
        ck_assert_int_eq(a.calls[i].abandons, b.calls[i].abandons);
        ck_assert(i == 0 || a.calls[i].at_ms >= a.calls[i - 1].at_ms);
        ck_assert(a.calls[i].talk_ms >= 200 && a.calls[i].talk_ms <= 1000);
        abandons += a.calls[i].abandons;
        misses += a.calls[i].misses;
    }
    /* 500 draws: means 100 and 50, standard deviations 8.9 and 6.7; the rate is 10/s */
    ck_assert_uint_gt(abandons, 65);
    ck_assert_uint_lt(abandons, 135);
    ck_assert_uint_gt(misses, 24);
    ck_assert_uint_lt(misses, 76);
    ck_assert_uint_gt(a.calls[499].at_ms, 40000);
    ck_assert_uint_lt(a.calls[499].at_ms, 60000);
    cg_plan_done(&a);
    cg_plan_done(&b);
}
END_TEST

START_TEST(numbers_are_drawn_by_weight)
{
    char path[64];
    struct cg_options options;
    struct cg_plan plan;
    struct cf_err err;
    size_t gold = 0, nobody = 0;

    write_file(path, "# who calls\n\n9 +15207739050 gold customer\n1 - nobody at all\n");
    options = options_of(ARGS("--brokers", "b", "--calls", "1000", "--numbers", path));
    ck_assert_int_eq(cg_plan_make(&options, &plan, &err), 0);
    (void)unlink(path);
    for (size_t i = 0; i < plan.n; i++) {
        gold += strcmp(plan.calls[i].label, "gold customer") == 0 &&
                strcmp(plan.calls[i].ani, "+15207739050") == 0;
        nobody += strcmp(plan.calls[i].label, "nobody at all") == 0 && *plan.calls[i].ani == '\0';
    }
    ck_assert_uint_eq(gold + nobody, 1000);
    ck_assert_uint_gt(gold, 850);
    ck_assert_uint_lt(gold, 950);
    cg_plan_done(&plan);
}
END_TEST

/* Four numbers, ten calls: with seed 1 the others are made by people who have called before. */
START_TEST(some_call_again)
{
    char path[64];
    struct cg_options options;
    struct cg_plan plan;
    struct cf_err err;
    size_t fresh = 0;

    write_file(path, "1 +1 a\n1 +2 b\n1 +3 c\n1 +4 d\n");
    options = options_of(ARGS("--brokers", "b", "--calls", "10", "--repeat", "0.7", "--numbers", path));
    ck_assert_int_eq(cg_plan_make(&options, &plan, &err), 0);
    for (size_t i = 0; i < plan.n; i++) {
        const char *ani = plan.calls[i].ani;

        ck_assert_int_le(ani[1], (int)('1' + fresh)); /* nobody out of turn */
        fresh += (size_t)ani[1] == '1' + fresh;
    }
    ck_assert_uint_eq(fresh, plan.n_callers);
    ck_assert_uint_lt(fresh, 5);
    cg_plan_done(&plan);
    options.repeat = 0;
    options.calls = 5;
    ck_assert_int_eq(cg_plan_make(&options, &plan, &err), -1);
    ck_assert_str_eq(err.text, "4 numbers are too few for 5 calls");
    (void)unlink(path);
}
END_TEST

static const char *const bad_numbers[] = {"",         "# only a comment\n", "x +1 a\n",    "1\n",
                                          "0 +1 a\n", "-1 +1 a\n",          "1 +1 a\n2\n", "1 +1 \xff\n"};

START_TEST(bad_numbers_are_refused)
{
    char path[64];
    struct cg_options options;
    struct cg_plan plan;
    struct cf_err err;

    write_file(path, bad_numbers[_i]);
    options = options_of(ARGS("--brokers", "b", "--numbers", path));
    ck_assert_int_eq(cg_plan_make(&options, &plan, &err), -1);
    ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
    ck_assert(strstr(err.text, path) != NULL);
    (void)unlink(path);
}
END_TEST

START_TEST(script_says_what_happens)
{
    char path[64];
    struct cg_options options;
    struct cg_plan plan;
    struct cf_err err;

    write_file(
        path,
        "{\"ani\":\"+1\",\"label\":\"first\",\"talkMs\":7,\"notes\":\"n\",\"attributes\":{\"a\":\"b\"}}\n"
        "{\"ani\":\"\",\"kind\":\"abandons\",\"afterMs\":30,\"patienceMs\":9}\n"
        "{\"ani\":\"+3\",\"kind\":\"missed\",\"afterMs\":12,\"language\":\"de\"}\n");
    options = options_of(ARGS("--brokers", "b", "--script", path));
    ck_assert_int_eq(cg_plan_make(&options, &plan, &err), 0);
    (void)unlink(path);
    ck_assert_uint_eq(plan.n, 3);
    ck_assert_str_eq(plan.calls[0].label, "first");
    ck_assert_str_eq(plan.calls[0].notes, "n");
    ck_assert_uint_eq(plan.calls[0].talk_ms, 7);
    ck_assert(json_is_object(plan.calls[0].attributes));
    ck_assert(plan.calls[1].abandons && plan.calls[1].patience_ms == 9 && plan.calls[1].at_ms == 30);
    ck_assert(plan.calls[2].misses == 1 && !plan.calls[2].abandons && plan.calls[2].at_ms == 42);
    ck_assert_str_eq(plan.calls[2].language, "de");
    cg_plan_done(&plan);
}
END_TEST

static const char *const bad_scripts[] = {"{}",
                                          "[]",
                                          "{\"ani\":1}",
                                          "{\"ani\":\"\",\"kind\":\"odd\"}",
                                          "{\"ani\":\"\"",
                                          "{\"ani\":\"\",\"afterMs\":-1}",
                                          "{\"ani\":\"\",\"talkMs\":\"5\"}",
                                          "{\"ani\":\"\",\"ani\":\"\"}"};

START_TEST(bad_scripts_are_refused)
{
    char path[64], place[80];
    struct cg_options options;
    struct cg_plan plan;
    struct cf_err err;

    write_file(path, bad_scripts[_i]);
    options = options_of(ARGS("--brokers", "b", "--script", path));
    ck_assert_int_eq(cg_plan_make(&options, &plan, &err), -1);
    (void)snprintf(place, sizeof place, "%s:1:", path);
    ck_assert(strstr(err.text, place) != NULL);
    (void)unlink(path);
}
END_TEST

/* ---- timers, idset ---- */

START_TEST(timers_come_in_order)
{
    struct cg_timers timers = {0};
    struct cg_random random;
    struct cg_timer timer, last = {0};

    cg_random_init(&random, 3);
    for (uint32_t i = 0; i < 2000; i++) {
        cg_timers_add(&timers, (struct cg_timer){.due_ms = cg_random_in(&random, (struct cg_range){1, 300}),
                                                 .index = i});
    }
    ck_assert(!cg_timers_take(&timers, 0, &timer));
    ck_assert_uint_le(cg_timers_wait_ms(&timers, 0, 1000), 10);
    for (uint32_t i = 0; i < 2000; i++) {
        ck_assert(cg_timers_take(&timers, 300, &timer));
        ck_assert(timer.due_ms > last.due_ms ||
                  (timer.due_ms == last.due_ms && (i == 0 || timer.index > last.index)));
        last = timer;
    }
    ck_assert(!cg_timers_take(&timers, 1000, &timer));
    ck_assert_uint_eq(cg_timers_wait_ms(&timers, 0, 1000), 1000);
    cg_timers_done(&timers);
}
END_TEST

START_TEST(idset_knows_what_it_saw)
{
    struct cg_idset set = {0};
    char id[32];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5000; i++) {
            (void)snprintf(id, sizeof id, "id-%d", i);
            ck_assert_int_eq(cg_idset_add(&set, "call-queued", id), round == 0);
        }
    }
    ck_assert(cg_idset_add(&set, "call-routed", "id-1"));
    cg_idset_done(&set);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    Suite *suite = suite_create("tools.callgen");
    TCase *tcase = tcase_create("callgen");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tcase, options_are_checked, 0, ROWS(option_rows));
    tcase_add_test(tcase, brokers_are_needed);
    tcase_add_test(tcase, without_routing_somebody_must_answer);
    tcase_add_test(tcase, same_seed_same_plan);
    tcase_add_test(tcase, numbers_are_drawn_by_weight);
    tcase_add_test(tcase, some_call_again);
    tcase_add_loop_test(tcase, bad_numbers_are_refused, 0, ROWS(bad_numbers));
    tcase_add_test(tcase, script_says_what_happens);
    tcase_add_loop_test(tcase, bad_scripts_are_refused, 0, ROWS(bad_scripts));
    tcase_add_test(tcase, timers_come_in_order);
    tcase_add_test(tcase, idset_knows_what_it_saw);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Scenario files, wrong ones too, and the journal that a run leaves. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "options.h"
#include "sim.h"
#include "str/str.h"

/* Skills, teams, shifts, two orders, an overflow, answers that come too late, after-call work. */
static const char everything[] =
    "{\"note\":\"n\",\"start\":\"2026-01-05T08:00:00Z\",\"calls\":3000,\"warmUp\":50,\"seed\":4,\"within\":"
    "\"20s\","
    "\"answer\":\"uniform:1s:24s\",\"wrap\":\"exp:20s\",\"classes\":["
    "{\"name\":\"gold\",\"queue\":\"vip\",\"priority\":2,\"tier\":\"gold\",\"arrivals\":\"60/"
    "h\",\"service\":\"exp:180s\","
    "\"patience\":\"exp:300s\"},"
    "{\"name\":\"german\",\"entryPoint\":\"ep-de\",\"language\":\"de\",\"skills\":{\"german\":2},"
    "\"arrivals\":\"80/h\","
    "\"service\":\"lognormal:200s:150s\",\"patience\":\"weibull:1.5:200s\"},"
    "{\"name\":\"rest\",\"queue\":\"support\",\"arrivals\":\"120/"
    "h\",\"service\":\"erlang:2:150s\",\"patience\":\"exp:500s\"}],"
    "\"agents\":[{\"team\":\"berlin\",\"count\":8,\"skills\":{\"german\":3}},{\"team\":\"london\",\"count\":"
    "9,"
    "\"shifts\":[[\"0h\",\"4h\"],[\"5h\",\"100h\"]]}],"
    "\"policy\":{\"version\":1,\"defaults\":{\"offerMs\":20000,\"wrapUpMs\":5000},\"entryPoints\":{\"ep-de\":"
    "\"de\"},"
    "\"queues\":[{\"id\":\"support\"},{\"id\":\"vip\",\"order\":\"strict\",\"maxWaitMs\":60000,"
    "\"overflow\":{\"queue\":\"support\"}},{\"id\":\"de\",\"teams\":[\"berlin\"],\"choice\":\"best-skill\"}]}"
    "}";

static char *write_file(const char *text)
{
    char *path = cf_strdup("/tmp/callfleet-sim-XXXXXX");
    int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static int parse(char *path, struct sim_options *ret_options, struct cf_err *err)
{
    static char name[] = "sim", option[] = "--scenario";
    char *argv[] = {name, option, path, NULL};

    return sim_options_parse(3, argv, ret_options, err);
}

static char *slurp(const char *path, size_t *ret_n)
{
    enum { SIZE = 64 << 20 };
    FILE *file = fopen(path, "re");
    char *text = cf_calloc(1, SIZE);

    ck_assert_ptr_nonnull(file);
    *ret_n = fread(text, 1, SIZE, file);
    ck_assert_int_eq(fclose(file), 0);
    return text;
}

static void play(const struct sim_options *o, const char *log, const char *decisions, const char *events)
{
    struct sim_result *result = cf_calloc(1, sizeof(*result));
    const struct sim_row *vip;
    struct journal *journal;
    struct sim_tally sum;
    struct cf_err err;

    journal = journal_open(log, decisions, events, &err);
    ck_assert_ptr_nonnull(journal);
    ck_assert_msg(sim_run(o->scenario, journal, result, &err) == 0, "%s", err.text);
    ck_assert_int_eq(journal_close(journal, &err), 0);
    ck_assert_msg(result->breaches == 0, "%s", result->breach);
    sum = sim_tally_sum(result->rows[0].batches, result->n_batches);
    ck_assert_double_eq(sum.offered, 3000);
    ck_assert_double_eq(sum.answered + sum.abandoned + sum.refused, 3000);
    ck_assert_double_gt(sum.abandoned, 0);
    vip = sim_result_row(result, SIM_ROW_QUEUE, "vip");
    ck_assert_ptr_nonnull(vip);
    ck_assert_double_gt(vip->overflowed, 0);
    ck_assert_ptr_nonnull(sim_result_row(result, SIM_ROW_QUEUE, "de"));
    ck_assert_ptr_null(sim_result_row(result, SIM_ROW_QUEUE, "nowhere"));
    sim_result_done(result);
    free(result);
}

static void same_file(const char *a, const char *b)
{
    size_t n, m;
    char *x = slurp(a, &n), *y = slurp(b, &m);

    ck_assert_uint_gt(n, 100000);
    ck_assert_uint_eq(n, m);
    ck_assert(memcmp(x, y, n) == 0);
    free(x);
    free(y);
}

START_TEST(whole_scenario_twice)
{
    char *path = write_file(everything), *files[6];
    struct sim_options o;
    struct cf_err err;

    for (int i = 0; i < 6; i++)
        files[i] = write_file("");
    ck_assert_msg(parse(path, &o, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(sim_scenario_n_agents(o.scenario), 17);
    play(&o, files[0], files[1], files[2]);
    play(&o, files[3], files[4], files[5]);
    for (int i = 0; i < 3; i++)
        same_file(files[i], files[i + 3]);
    sim_scenario_free(o.scenario);
    for (int i = 0; i < 6; i++) {
        (void)unlink(files[i]);
        free(files[i]);
    }
    (void)unlink(path);
    free(path);
}
END_TEST

#define CLASS "\"classes\":[{\"name\":\"a\",\"arrivals\":\"1/s\",\"service\":\"exp:1\"}]"

static const struct {
    const char *text, *part; /* of the message */
} wrong_rows[] = {
    {"{", ":1:"},
    {"{" CLASS "}", "agents must be"},
    {"{\"agents\":1}", "nobody calls"},
    {"{\"agents\":1,\"agnts\":2," CLASS "}", "agnts"},
    {"{\"agents\":1,\"calls\":\"many\"," CLASS "}", "calls"},
    {"{\"agents\":1,\"calls\":0," CLASS "}", "duration"},
    {"{\"agents\":1,\"order\":\"lifo\"," CLASS "}", "order"},
    {"{\"agents\":1,\"replications\":0," CLASS "}", "replications"},
    {"{\"agents\":[{\"count\":1,\"shifts\":[[\"2h\",\"1h\"]]}]," CLASS "}", "shifts"},
    {"{\"agents\":1,\"start\":\"soon\"," CLASS "}", "start"},
    {"{\"agents\":1,\"classes\":[{\"name\":\"a\",\"service\":\"exp:1\"}]}", "arrivals"},
    {"{\"agents\":1,\"classes\":[{\"name\":\"a\",\"arrivals\":\"1/s\"}]}", "no service"},
    {"{\"agents\":1,\"classes\":[{\"name\":\"a\",\"arrivals\":\"1/s\",\"service\":\"soon\"}]}",
     "distribution"},
    {"{\"agents\":1,\"classes\":[{\"name\":\"a\",\"arrivals\":\"1/"
     "s\",\"service\":\"exp:1\",\"priority\":11}]}",
     "priority"},
};

START_TEST(wrong_scenarios)
{
    char *path = write_file(wrong_rows[_i].text);
    struct sim_options o;
    struct cf_err err;

    ck_assert_int_eq(parse(path, &o, &err), -1);
    ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
    ck_assert_msg(strstr(err.text, wrong_rows[_i].part) != NULL, "%s", err.text);
    (void)unlink(path);
    free(path);
}
END_TEST

/* What is wrong with a policy is said by its parser. */
START_TEST(wrong_policy)
{
    char *path = write_file(
        "{\"agents\":1,\"policy\":{\"version\":1,\"queues\":[{\"id\":\"q\",\"typo\":1}]}," CLASS "}");
    struct sim_result *result = cf_calloc(1, sizeof(*result));
    struct sim_options o;
    struct cf_err err;

    ck_assert_msg(parse(path, &o, &err) == 0, "%s", err.text);
    ck_assert_int_eq(sim_run(o.scenario, NULL, result, &err), -1);
    ck_assert_msg(strstr(err.text, "typo") != NULL, "%s", err.text);
    sim_scenario_free(o.scenario);
    free(result);
    (void)unlink(path);
    free(path);
}
END_TEST

/* The times of a policy keep their meaning when the engine's millisecond is a microsecond. */
START_TEST(scaled_policy)
{
    char *path = write_file("{\"agents\":1,\"tick\":\"1us\",\"policy\":{\"version\":1,\"queues\":[{\"id\":"
                            "\"q\",\"maxWaitMs\":2000,"
                            "\"offerMs\":20000}]}," CLASS "}");
    struct sim_options o;
    struct cf_err err;
    char *policy;

    ck_assert_msg(parse(path, &o, &err) == 0, "%s", err.text);
    policy = sim_scenario_policy(o.scenario, &err);
    ck_assert_ptr_nonnull(policy);
    ck_assert_ptr_nonnull(strstr(policy, "\"maxWaitMs\":2000000"));
    ck_assert_ptr_nonnull(strstr(policy, "\"offerMs\":600000"));
    free(policy);
    sim_scenario_free(o.scenario);
    (void)unlink(path);
    free(path);
}
END_TEST

#define ROWS(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

int main(void)
{
    Suite *suite = suite_create("callfleet-sim scenario");
    TCase *tc = tcase_create("scenario");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, whole_scenario_twice);
    tcase_add_loop_test(tc, wrong_scenarios, 0, ROWS(wrong_rows));
    tcase_add_test(tc, wrong_policy);
    tcase_add_test(tc, scaled_policy);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

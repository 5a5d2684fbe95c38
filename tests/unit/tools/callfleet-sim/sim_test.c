/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine in virtual time against published and exact results.
 *
 * Seeds are fixed, so a run gives the same figures every time: the tests cannot flake. The tolerances are
 * those that a run of this size needs with any seed (four times the standard error, seen in long runs), not
 * those of the seed. A build with sanitizers is ten times slower and makes a tenth of the calls with wider
 * tolerances.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "options.h"
#include "sim.h"
#include "str/str.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOW 1
#endif
#endif
#ifdef SLOW
#define CALLS "100000"
#define LOOSE 3.2 /* the root of ten */
#else
#define CALLS "1000000"
#define LOOSE 1.0
#endif

enum { MAX_ARGS = 64 };

static struct sim_result *run(const char *line)
{
    char *text = cf_strdup(line), *argv[MAX_ARGS], *save = NULL;
    struct sim_result *result = cf_calloc(1, sizeof(*result));
    struct sim_options o;
    struct cf_err err;
    int argc = 0;

    argv[argc++] = text;
    for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    argv[argc] = NULL;
    ck_assert_msg(sim_options_parse(argc - 1, argv + 1, &o, &err) == 0, "%s", err.text);
    ck_assert_msg(sim_run(o.scenario, NULL, result, &err) == 0, "%s", err.text);
    ck_assert_msg(result->breaches == 0, "%s", result->breach);
    ck_assert_uint_eq(result->cut, 0);
    sim_scenario_free(o.scenario);
    free(text);
    return result;
}

static void done(struct sim_result *result)
{
    sim_result_done(result);
    free(result);
}

static double figure(const struct sim_result *result, const char *class, enum sim_figure f)
{
    const struct sim_row *row = sim_result_row(result, class ? SIM_ROW_CLASS : SIM_ROW_ALL, class);

    ck_assert_ptr_nonnull(row);
    return sim_result_figure(result, row, f).value;
}

static bool is_near(double value, double expected, double part)
{
    return fabs(value - expected) <= part * LOOSE * expected;
}

/* `part`: of the expected value. */
static void expect(const struct sim_result *r, const char *class, enum sim_figure f, double expected,
                   double part)
{
    double value = figure(r, class, f);

    ck_assert_msg(is_near(value, expected, part), "%s %s: %g instead of %g", class ? class : "all",
                  sim_figures[f].name, value, expected);
}

START_TEST(e1_erlang_c_near_full)
{
    struct sim_result *r =
        run("sim --agents 11 --arrivals 100/30m --service exp:180s --seed 1 --calls " CALLS);

    expect(r, NULL, SIM_P_WAIT, 0.6821182, 0.03);
    expect(r, NULL, SIM_ASA_ALL, 122.78128, 0.10);
    expect(r, NULL, SIM_SL_D, 0.3896138, 0.05);
    done(r);
}
END_TEST

START_TEST(e4_erlang_c)
{
    struct sim_result *r =
        run("sim --agents 14 --arrivals 100/30m --service exp:180s --seed 1 --calls " CALLS);

    expect(r, NULL, SIM_P_WAIT, 0.1741319, 0.04);
    expect(r, NULL, SIM_ASA_ALL, 7.835937, 0.08);
    expect(r, NULL, SIM_SL_D, 0.88835, 0.01);
    expect(r, NULL, SIM_OCCUPANCY, 0.7142857, 0.01);
    done(r);
}
END_TEST

START_TEST(e9_single_server)
{
    struct sim_result *r = run("sim --agents 1 --arrivals 0.8/s --service exp:1s --seed 1 --calls " CALLS);

    expect(r, NULL, SIM_WAIT_ALL, 4, 0.05);
    expect(r, NULL, SIM_QUEUE, 3.2, 0.05);
    expect(r, NULL, SIM_SOJOURN, 5, 0.04);
    done(r);
}
END_TEST

START_TEST(a2_erlang_a)
{
    struct sim_result *r = run(
        "sim --agents 13 --arrivals 100/30m --service exp:180s --patience exp:300s --seed 1 --calls " CALLS);

    expect(r, NULL, SIM_P_ABANDON, 0.024963, 0.05);
    expect(r, NULL, SIM_P_WAIT, 0.225797, 0.03);
    expect(r, NULL, SIM_OCCUPANCY, 0.750028, 0.01);
    expect(r, NULL, SIM_SL_D, 0.858178, 0.01);
    expect(r, NULL, SIM_WAIT_ALL, 0.124817 * 60, 0.05);
    done(r);
}
END_TEST

START_TEST(p1_two_classes)
{
    struct sim_result *r =
        run("sim --agents 1 --service exp:12/h --order strict --class high --priority 1 --arrivals 1/h "
            "--class low --arrivals 9/h --seed 1 --calls " CALLS);

    expect(r, "high", SIM_SOJOURN, 9.545 * 60, 0.03);
    expect(r, "low", SIM_SOJOURN, 32.27 * 60, 0.06);
    expect(r, NULL, SIM_SOJOURN, 30 * 60, 0.06);
    done(r);
}
END_TEST

#define K1                                                                                                   \
    "sim --agents 14 --service exp:180s --class high --priority 4 --arrivals 0.02/s --class low --priority " \
    "5 "                                                                                                     \
    "--arrivals 0.05/s --seed 1 --calls " CALLS " --order "

static bool is_credit(const struct sim_result *r)
{
    double high = figure(r, "high", SIM_WAIT_ALL), low = figure(r, "low", SIM_WAIT_ALL);

    return is_near(high, 51.6, 0.12) && is_near(low, 89.6, 0.12);
}

/* The right order gives the published waits, and a wrong one is seen: the test would fail for an engine that
 * mixed them up. */
START_TEST(k1_credit)
{
    struct sim_result *credit = run(K1 "credit --credit 90s"), *strict = run(K1 "strict");
    struct sim_result *fcfs = run(K1 "credit --credit 0s"), *wrong = run(K1 "credit --credit 300s");

    ck_assert_msg(is_credit(credit), "%g / %g", figure(credit, "high", SIM_WAIT_ALL),
                  figure(credit, "low", SIM_WAIT_ALL));
    expect(strict, "high", SIM_WAIT_ALL, 10.63, 0.04);
    expect(strict, "low", SIM_WAIT_ALL, 106.35, 0.12);
    expect(fcfs, "high", SIM_WAIT_ALL, 79.0, 0.12);
    expect(fcfs, "low", SIM_WAIT_ALL, 79.0, 0.12);
    ck_assert(!is_credit(strict));
    ck_assert(!is_credit(wrong));
    /* The mean over all calls is the same whatever the order: with the same callers nearly to the digit. */
    expect(strict, NULL, SIM_WAIT_ALL, figure(fcfs, NULL, SIM_WAIT_ALL), 0.005);
    expect(credit, NULL, SIM_WAIT_ALL, figure(fcfs, NULL, SIM_WAIT_ALL), 0.005);
    expect(wrong, NULL, SIM_WAIT_ALL, figure(fcfs, NULL, SIM_WAIT_ALL), 0.005);
    done(credit);
    done(strict);
    done(fcfs);
    done(wrong);
}
END_TEST

static const struct {
    const char *service;
    double square; /* of the service, mean 1 */
    double part;
} service_rows[] = {
    {"const:1s", 1, 0.03},
    {"uniform:0.5s:1.5s", 13.0 / 12, 0.03},
    {"triangular:0s:0.5s:2.5s", 23.25 / 18, 0.04},
    {"erlang:4:1s", 1.25, 0.04},
    {"lognormal:1s:1s", 2, 0.06},
    {"hyperexp:0.5:0.5s:1.5s", 2.5, 0.06},
};

/* Pollaczek and Khinchine: what matters of a service is its mean and its square. */
START_TEST(general_service)
{
    struct sim_result *r;
    char line[256];

    (void)snprintf(line, sizeof(line),
                   "sim --agents 1 --arrivals 0.7/s --seed 1 --calls " CALLS " --service %s",
                   service_rows[_i].service);
    r = run(line);
    expect(r, NULL, SIM_WAIT_ALL, 0.7 * service_rows[_i].square / (2 * 0.3), service_rows[_i].part);
    expect(r, NULL, SIM_AHT, 1, 0.005);
    done(r);
}
END_TEST

START_TEST(loss_system)
{
    struct sim_result *r =
        run("sim --agents 10 --arrivals 100/30m --service const:180s --patience const:0 --calls " CALLS);

    expect(r, NULL, SIM_P_ABANDON, 0.214582, 0.02);
    done(r);
    r = run("sim --agents 1 --arrivals 0.5/s --service exp:1s --room 3 --calls " CALLS);
    expect(r, NULL, SIM_P_REFUSED, 0.5 * 0.0625 / (1 - 0.03125), 0.05);
    done(r);
}
END_TEST

/* Services of microseconds and of weeks: the engine's milliseconds do not show. */
START_TEST(scales)
{
    struct sim_result *r = run("sim --agents 1 --arrivals 0.8/us --service exp:1us --seed 1 --calls " CALLS);

    expect(r, NULL, SIM_WAIT_ALL, 4e-6, 0.05);
    done(r);
    r = run("sim --agents 1 --arrivals 0.8/7d --service exp:7d --seed 1 --calls " CALLS);
    expect(r, NULL, SIM_WAIT_ALL, 4.0 * 7 * 86400, 0.05);
    done(r);
}
END_TEST

START_TEST(nothing_random_is_exact)
{
    /* A call every 10 s, 15 s of service, two agents: nobody waits; with one, each waits 5 s longer than the
     * last. */
    struct sim_result *r =
        run("sim --agents 2 --arrivals constant:0.1/s --service const:15s --calls 100 --warm-up 0");

    ck_assert_double_eq(figure(r, NULL, SIM_WAIT_ALL), 0);
    done(r);
    r = run("sim --agents 1 --arrivals constant:0.1/s --service const:15s --calls 100 --warm-up 0");
    ck_assert_double_eq_tol(figure(r, NULL, SIM_WAIT_ALL), 5 * 99.0 / 2, 1e-6);
    done(r);
}
END_TEST

START_TEST(same_seed_same_figures)
{
    static const char *const lines[] = {
        "sim --agents 3 --arrivals 1/s --service exp:2s --patience exp:5s --calls 5000 --seed 7",
        "sim --agents 3 --arrivals 1/s --service exp:2s --patience exp:5s --calls 5000 --seed 8"};
    struct sim_result *a = run(lines[0]), *b = run(lines[0]), *c = run(lines[1]);

    for (int i = 0; i < SIM_FIGURES; i++)
        ck_assert_double_eq(figure(a, NULL, (enum sim_figure)i), figure(b, NULL, (enum sim_figure)i));
    ck_assert_double_ne(figure(a, NULL, SIM_ASA_ALL), figure(c, NULL, SIM_ASA_ALL));
    done(a);
    done(b);
    done(c);
}
END_TEST

/* Answers that take time, after-call work of both kinds, a longest wait: every call still ends once. */
static const char *const busy_rows[] = {
    "sim --agents 5 --arrivals 1/s --service exp:4s --answer uniform:0s:3s --patience exp:9s --calls 20000",
    "sim --agents 5 --arrivals 1/s --service exp:3s --wrap exp:1s --patience exp:9s --calls 20000",
    "sim --agents 5 --arrivals 1/s --service exp:3s --wrap-up 1s --max-wait 8s --calls 20000",
    "sim --agents 5 --arrivals 2/s --service exp:3s --order strict --class a --priority 1 --class b "
    "--priority 9 --calls 20000 "
    "--patience weibull:2:9s",
};

START_TEST(every_call_ends_once)
{
    struct sim_result *r = run(busy_rows[_i]);
    struct sim_tally sum = sim_tally_sum(r->rows[0].batches, r->n_batches);

    ck_assert_double_eq(sum.offered, 20000);
    ck_assert_double_eq(sum.answered + sum.abandoned + sum.refused, sum.offered);
    ck_assert_uint_eq(r->open, 0);
    done(r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("callfleet-sim");
    TCase *tc = tcase_create("sim");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, e1_erlang_c_near_full);
    tcase_add_test(tc, e4_erlang_c);
    tcase_add_test(tc, e9_single_server);
    tcase_add_test(tc, a2_erlang_a);
    tcase_add_test(tc, p1_two_classes);
    tcase_add_test(tc, k1_credit);
    tcase_add_loop_test(tc, general_service, 0, sizeof(service_rows) / sizeof(service_rows[0]));
    tcase_add_test(tc, loss_system);
    tcase_add_test(tc, scales);
    tcase_add_test(tc, nothing_random_is_exact);
    tcase_add_test(tc, same_seed_same_figures);
    tcase_add_loop_test(tc, every_call_ends_once, 0, sizeof(busy_rows) / sizeof(busy_rows[0]));
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

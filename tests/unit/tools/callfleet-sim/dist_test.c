/* SPDX-License-Identifier: Apache-2.0 */
/* Distributions, arrivals, percentiles and limits. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "arrivals.h"
#include "dist.h"
#include "stats.h"
#include "str/str.h"

enum { DRAWS = 100000 };

static void near_abs(double value, double expected, double tolerance)
{
    ck_assert_msg(fabs(value - expected) <= tolerance, "%.10g is not %.10g", value, expected);
}

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

/* Moments by hand. */
static const struct {
    const char *text;
    double mean, square;
} moment_rows[] = {
    {"exp:180s", 180, 64800},
    {"exp:12/h", 300, 180000},
    {"const:1.5m", 90, 8100},
    {"uniform:10s:20s", 15, 700.0 / 3},
    {"triangular:0:3:9", 4, 117.0 / 6},
    {"lognormal:200:100", 200, 50000},
    {"erlang:4:8", 8, 80},
    {"hyperexp:0.25:4:20", 16, 2 * (0.25 * 16 + 0.75 * 400)},
    {"weibull:1:5", 5, 50},
    {"weibull:2:2", 1.7724538509, 4},
};

START_TEST(moments)
{
    struct sim_random random;
    struct sim_dist dist;
    struct cf_err err;
    double sum = 0, squares = 0, mean = moment_rows[_i].mean, square = moment_rows[_i].square;
    double spread = sqrt((square - mean * mean) / DRAWS);

    ck_assert_int_eq(sim_dist_parse(moment_rows[_i].text, &dist, &err), 0);
    near_abs(sim_dist_mean(&dist), mean, 1e-9 * mean);
    near_abs(sim_dist_square(&dist), square, 1e-9 * square);
    sim_random_init(&random, 1, (uint64_t)_i);
    for (int i = 0; i < DRAWS; i++) {
        double x = sim_dist_draw(&dist, &random);

        ck_assert(x >= 0 && isfinite(x));
        sum += x;
        squares += x * x;
    }
    near_abs(sum / DRAWS, mean, 5 * spread + 1e-9);
    near_abs(squares / DRAWS, square, 0.05 * square);
    sim_dist_done(&dist);
}
END_TEST

static const char *const bad_dists[] = {"",
                                        "exp",
                                        "exp:",
                                        "exp:0",
                                        "exp:-1",
                                        "exp:1:2",
                                        "exp:1x",
                                        "exp:nan",
                                        "uniform:5:1",
                                        "triangular:5:1:9",
                                        "erlang:1.5:3",
                                        "hyperexp:2:1:1",
                                        "lognormal:0:1",
                                        "normal:1:2",
                                        "const:1:2:3:4:5:6",
                                        "empirical:/nonexistent"};

START_TEST(wrong_distributions)
{
    struct sim_dist dist;
    struct cf_err err;

    ck_assert_int_eq(sim_dist_parse(bad_dists[_i], &dist, &err), -1);
    ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
}
END_TEST

START_TEST(times_and_rates)
{
    double x = 0;

    ck_assert(sim_time_parse("250us", &x));
    near_abs(x, 0.00025, 1e-12);
    ck_assert(sim_time_parse("2h", &x));
    near_abs(x, 7200, 1e-9);
    ck_assert(!sim_time_parse("2 h", &x));
    ck_assert(sim_rate_parse("100/30m", &x));
    near_abs(x, 100.0 / 1800, 1e-12);
    ck_assert(sim_rate_parse("0.02/s", &x));
    near_abs(x, 0.02, 1e-12);
    ck_assert(!sim_rate_parse("200", &x));
    ck_assert(!sim_rate_parse("200/", &x));
    ck_assert(!sim_rate_parse("200/0h", &x));
}
END_TEST

START_TEST(empirical)
{
    char *path = write_file("# seconds\n10\n30\n\n50\n"), text[128];
    struct sim_random random;
    struct sim_dist dist;
    struct cf_err err;
    int seen[3] = {0};

    (void)snprintf(text, sizeof(text), "empirical:%s", path);
    ck_assert_int_eq(sim_dist_parse(text, &dist, &err), 0);
    near_abs(sim_dist_mean(&dist), 30, 1e-9);
    near_abs(sim_dist_square(&dist), 3500.0 / 3, 1e-9);
    sim_random_init(&random, 1, 1);
    for (int i = 0; i < 30000; i++)
        seen[((int)sim_dist_draw(&dist, &random) - 10) / 20]++;
    for (int i = 0; i < 3; i++)
        ck_assert_int_ge(seen[i], 9500);
    sim_dist_done(&dist);
    (void)unlink(path);
    free(path);
}
END_TEST

static size_t count_until(const char *text, double end, double *ret_last)
{
    struct sim_arrivals arrivals;
    struct sim_source source = {.arrivals = &arrivals};
    struct sim_arrival arrival;
    struct sim_random random;
    struct cf_err err;
    size_t n = 0;

    ck_assert_msg(sim_arrivals_parse(text, &arrivals, &err) == 0, "%s", err.text);
    sim_random_init(&random, 1, 1);
    *ret_last = 0;
    while (sim_source_next(&source, &random, &arrival) && arrival.at < end) {
        ck_assert(arrival.at >= *ret_last);
        *ret_last = arrival.at;
        n++;
    }
    sim_arrivals_done(&arrivals);
    return n;
}

START_TEST(arrival_times)
{
    char *path = write_file("0h 100/h\n8h 400/h\n16h 0/h\n24h repeat\n"), text[128];
    double last;

    near_abs((double)count_until("100/s", 1000, &last), 100000, 1500);
    near_abs((double)count_until("constant:10/s", 100.05, &last), 1000, 0);
    near_abs((double)count_until("renewal:uniform:0s:2s", 10000, &last), 10000, 300);
    (void)snprintf(text, sizeof(text), "profile:%s", path);
    near_abs((double)count_until(text, 8 * 3600.0, &last), 800, 140);
    near_abs((double)count_until(text, 86400, &last), 4000, 320);
    ck_assert(last < 16 * 3600.0); /* nobody in the hours of rate 0 */
    near_abs((double)count_until(text, 10 * 86400.0, &last), 40000, 1000);
    (void)unlink(path);
    free(path);
}
END_TEST

START_TEST(recorded)
{
    char *path = write_file("0.5 20 -\n1.5 - 7\n1.5\n"), text[128];
    struct sim_arrivals arrivals;
    struct sim_source source = {.arrivals = &arrivals};
    struct sim_arrival a;
    struct sim_random random;
    struct cf_err err;

    (void)snprintf(text, sizeof(text), "recorded:%s", path);
    ck_assert_int_eq(sim_arrivals_parse(text, &arrivals, &err), 0);
    sim_random_init(&random, 1, 1);
    ck_assert(sim_source_next(&source, &random, &a));
    ck_assert(a.service > 19 && a.service < 21 && isnan(a.patience));
    ck_assert(sim_source_next(&source, &random, &a));
    ck_assert(isnan(a.service) && a.patience > 6);
    ck_assert(sim_source_next(&source, &random, &a));
    ck_assert(isnan(a.service) && isnan(a.patience));
    ck_assert(!sim_source_next(&source, &random, &a));
    sim_arrivals_done(&arrivals);
    (void)unlink(path);
    free(path);
}
END_TEST

static const char *const bad_arrivals[] = {"",
                                           "200",
                                           "-1/h",
                                           "0/h",
                                           "constant:",
                                           "renewal:none",
                                           "renewal:const:0",
                                           "profile:/nonexistent",
                                           "recorded:/nonexistent"};

START_TEST(wrong_arrivals)
{
    struct sim_arrivals arrivals;
    struct cf_err err;

    ck_assert_int_eq(sim_arrivals_parse(bad_arrivals[_i], &arrivals, &err), -1);
}
END_TEST

static const char *const bad_profiles[] = {"1h 5/h\n2h end\n", "0 5/h\n",       "0 5/h\n0 6/h\n1h end\n",
                                           "0 0/h\n1h end\n",  "0 x\n1h end\n", "1h end\n"};

START_TEST(wrong_profiles)
{
    char *path = write_file(bad_profiles[_i]), text[128];
    struct sim_arrivals arrivals;
    struct cf_err err;

    (void)snprintf(text, sizeof(text), "profile:%s", path);
    ck_assert_int_eq(sim_arrivals_parse(text, &arrivals, &err), -1);
    (void)unlink(path);
    free(path);
}
END_TEST

/* The generator's first numbers, so that a seed means the same in every version: xoshiro256** by its authors'
 * code from the state 1, 2, 3, 4. */
START_TEST(generator)
{
    struct sim_random random = {{1, 2, 3, 4}}, other;

    ck_assert_uint_eq(sim_random_next(&random), 11520);
    ck_assert_uint_eq(sim_random_next(&random), 0);
    ck_assert_uint_eq(sim_random_next(&random), 1509978240);
    ck_assert_uint_eq(sim_random_next(&random), 1215971899390074240U);
    sim_random_init(&random, 1, 0);
    sim_random_init(&other, 1, 1);
    ck_assert_uint_ne(sim_random_next(&random), sim_random_next(&other));
}
END_TEST

START_TEST(percentiles)
{
    struct sim_histogram *h = sim_histogram_new();

    ck_assert(isnan(sim_histogram_quantile(h, 0.5)));
    for (int i = 0; i < 1000; i++)
        sim_histogram_add(h, i < 400 ? 0 : i);
    near_abs(sim_histogram_quantile(h, 0.4), 0, 0);
    near_abs(sim_histogram_quantile(h, 0.5), 500, 1.5);
    near_abs(sim_histogram_quantile(h, 0.99), 990, 2);
    sim_histogram_free(h);
}
END_TEST

START_TEST(limits)
{
    /* 1..5: mean 3, standard error sqrt(2.5 / 5), t(4) = 2.776. */
    static const double values[] = {1, 2, 3, 4, 5};
    struct sim_estimate e = sim_estimate_values(values, 5);

    near_abs(e.value, 3, 1e-12);
    near_abs(e.half, 2.776 * sqrt(0.5), 0.01);
    ck_assert(isnan(sim_estimate_values(values, 1).half));
}
END_TEST

#define ROWS(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

int main(void)
{
    Suite *suite = suite_create("callfleet-sim dist");
    TCase *tc = tcase_create("dist");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, moments, 0, ROWS(moment_rows));
    tcase_add_loop_test(tc, wrong_distributions, 0, ROWS(bad_dists));
    tcase_add_test(tc, times_and_rates);
    tcase_add_test(tc, empirical);
    tcase_add_test(tc, arrival_times);
    tcase_add_test(tc, recorded);
    tcase_add_loop_test(tc, wrong_arrivals, 0, ROWS(bad_arrivals));
    tcase_add_loop_test(tc, wrong_profiles, 0, ROWS(bad_profiles));
    tcase_add_test(tc, generator);
    tcase_add_test(tc, percentiles);
    tcase_add_test(tc, limits);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

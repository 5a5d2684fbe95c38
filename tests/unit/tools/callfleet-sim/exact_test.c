/* SPDX-License-Identifier: Apache-2.0 */
/* The formulas against published values (tools/callfleet-sim/README.md names the sources). */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "exact.h"

static void near_abs(double value, double expected, double tolerance)
{
    ck_assert_msg(fabs(value - expected) <= tolerance, "%.10g is not %.10g", value, expected);
}

/* 100 calls in 30 minutes, 180 s each. */
static struct exact_queue office(size_t agents, double patience_s)
{
    return (struct exact_queue){.lambda = 100.0 / 1800,
                                .mu = 1.0 / 180,
                                .theta = patience_s > 0 ? 1 / patience_s : 0,
                                .servers = agents,
                                .room = EXACT_NO_ROOM_LIMIT};
}

START_TEST(erlang_c)
{
    struct exact_queue small = office(11, 0), usual = office(14, 0);
    struct exact_result e1 = exact_markov(&small, 20), e4 = exact_markov(&usual, 20);

    near_abs(exact_erlang_c(10, 11), 0.6821182, 1e-7);
    near_abs(e1.p_wait, 0.6821182, 1e-7);
    near_abs(e1.within, 0.3896138, 1e-7);
    near_abs(e1.asa, 122.78128, 1e-5);
    near_abs(e4.p_wait, 0.1741319335950498, 1e-12);
    near_abs(e4.within, 0.8883500191794669, 1e-9);
    near_abs(e4.asa, 7.835937, 1e-6);
    near_abs(e4.mean_wait, 7.835937, 1e-6);
    near_abs(e4.occupancy, 0.7142857, 1e-7);
}
END_TEST

START_TEST(single_server)
{
    struct exact_queue q = {.lambda = 0.8, .mu = 1, .servers = 1, .room = EXACT_NO_ROOM_LIMIT};
    struct exact_result r = exact_markov(&q, 1);

    near_abs(r.mean_wait, 4, 1e-9);
    near_abs(r.mean_queue, 3.2, 1e-9);
    near_abs(exact_pollaczek(0.8, 1, 2), 4, 1e-12);
    near_abs(exact_pollaczek(0.8, 1, 1), 2, 1e-12); /* constant service waits half as long */
    ck_assert(isnan(exact_pollaczek(1, 1, 2)));
    q.lambda = 1;
    ck_assert(isnan(exact_markov(&q, 1).asa));
}
END_TEST

START_TEST(patience)
{
    struct exact_queue q = office(13, 300);
    struct exact_result r = exact_markov(&q, 20);

    near_abs(r.p_abandon, 0.024963, 1e-6);
    near_abs(r.p_wait, 0.225797, 1e-6);
    near_abs(r.occupancy, 0.750028, 1e-6);
    near_abs(r.within, 0.858178, 1e-6);
    near_abs(r.mean_wait / 60, 0.124817, 1e-6);
    /* All callers' mean wait is made of those who are answered and those who are not. */
    ck_assert(r.asa < r.mean_wait);
}
END_TEST

START_TEST(loss)
{
    struct exact_queue q = office(10, 0);
    struct exact_result r;

    /* 10 erlang on 10 lines: the value of every Erlang B table. */
    near_abs(exact_erlang_b(10, 10), 0.214582, 1e-6);
    q.room = 0;
    r = exact_markov(&q, 20);
    near_abs(r.p_lost, 0.214582, 1e-6);
    near_abs(r.p_wait, 0, 1e-12);
    near_abs(r.within, 1 - 0.214582, 1e-6);
    /* M/M/1/K with K = 4 and load 0.5: p(4) = (1 - r) r^4 / (1 - r^5). */
    q = (struct exact_queue){.lambda = 0.5, .mu = 1, .servers = 1, .room = 3};
    near_abs(exact_markov(&q, 1).p_lost, 0.5 * 0.0625 / (1 - 0.03125), 1e-12);
}
END_TEST

START_TEST(priorities)
{
    /* 1 and 9 calls an hour, 12 served: 9.545 and 32.27 minutes in the system, 30 together. */
    double mean = 3600.0 / 12, waits[2];
    struct exact_class classes[2] = {{1.0 / 3600, mean, 2 * mean * mean},
                                     {9.0 / 3600, mean, 2 * mean * mean}};
    struct exact_class bank[2] = {{0.02, 180, 64800}, {0.05, 180, 64800}};

    exact_cobham(classes, 2, 1, waits);
    near_abs((waits[0] + mean) / 60, 9.545, 5e-4);
    near_abs((waits[1] + mean) / 60, 32.27, 5e-3);
    near_abs((waits[0] + 9 * waits[1]) / 10 / 60 + 5, 30, 1e-9);
    exact_cobham(bank, 2, 14, waits);
    near_abs(waits[0], 10.63, 5e-3);
    near_abs(waits[1], 106.35, 5e-3);
    near_abs((0.02 * waits[0] + 0.05 * waits[1]) / 0.07, 79.00, 5e-3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("callfleet-sim exact");
    TCase *tc = tcase_create("exact");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tc, erlang_c);
    tcase_add_test(tc, single_server);
    tcase_add_test(tc, patience);
    tcase_add_test(tc, loss);
    tcase_add_test(tc, priorities);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

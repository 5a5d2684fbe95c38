/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recorded calls of a bank through the engine. Small made-up files in the bank's format run always; the real
 * month (beside the project in shared/data, or CALLFLEET_BANK_FILE) runs where somebody has it: without it
 * ctest says "Skipped" (exit code 77).
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bank.h"
#include "str/str.h"

enum { SKIPPED = 77 };

#define HEADER                                                                                               \
    "vru+line\tcall_id\tcustomer_id\tpriority\ttype\tdate\tvru_entry\tvru_exit\tvru_time\tq_start\tq_"       \
    "exit\tq_time\t"                                                                                         \
    "outcome\tser_start\tser_exit\tser_time\tserver\r\n"
/* Answered at once; answered after 20 s, urgent; hung up in the queue; hung up before it; a phantom; the same
 * agent twice at once; over midnight, with a wrong q_time. */
#define CALLS                                                                                                \
    "A1\t1\t0\t0\tPS\t990201\t7:02:47\t7:02:56\t9\t0:00:00\t0:00:00\t0\tAGENT\t7:02:55\t7:05:"               \
    "41\t166\tDORIT\r\n"                                                                                     \
    "A1\t1\t7\t2\tNW\t990201\t8:00:00\t8:00:06\t6\t8:00:06\t8:00:26\t20\tAGENT\t8:00:25\t8:01:"              \
    "25\t60\tMIKI\r\n"                                                                                       \
    "A1\t2\t7\t1\tPS\t990201\t9:57:59\t9:58:05\t6\t9:58:05\t9:58:13\t8\tHANG\t0:00:00\t0:00:00\t0\tNO_"      \
    "SERVER\r\n"                                                                                             \
    "A1\t3\t0\t0\tPS\t990201\t9:58:00\t9:58:05\t-1\t0:00:00\t0:00:00\t0\tHANG\t0:00:00\t0:00:00\t0\tNO_"     \
    "SERVER\r\n"                                                                                             \
    "A1\t4\t0\t0\tPS\t990201\t9:59:00\t9:59:05\t5\t0:00:00\t0:00:00\t0\tPHANTOM\t0:00:00\t0:00:00\t0\tNO_"   \
    "SERVER\r\n"                                                                                             \
    "A2\t5\t0\t0\tPE\t990201\t8:00:40\t8:00:50\t10\t0:00:00\t0:00:00\t0\tAGENT\t8:00:50\t8:01:"              \
    "50\t60\tMIKI\r\n"                                                                                       \
    "A2\t6\t0\t0\tIN\t990302\t23:59:00\t23:59:10\t10\t23:59:10\t23:59:40\t29\tAGENT\t23:59:40\t0:00:"        \
    "40\t60\tDORIT\r\n"

static char *write_file(const char *text)
{
    char *path = cf_strdup("/tmp/callfleet-bank-XXXXXX");
    int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static void near_abs(double value, double expected, double tolerance)
{
    ck_assert_msg(fabs(value - expected) <= tolerance, "%.10g is not %.10g", value, expected);
}

static struct sim_result *run(const struct bank *bank, struct bank_plan plan)
{
    struct sim_scenario *scenario = bank_scenario(bank, &plan);
    struct sim_result *result = cf_calloc(1, sizeof(*result));
    struct cf_err err;

    ck_assert_msg(sim_scenario_finish(scenario, &err) == 0, "%s", err.text);
    ck_assert_msg(sim_run(scenario, NULL, result, &err) == 0, "%s", err.text);
    ck_assert_msg(result->breaches == 0, "%s", result->breach);
    ck_assert_uint_eq(result->open, 0);
    sim_scenario_free(scenario);
    return result;
}

static void done(struct sim_result *result)
{
    sim_result_done(result);
    free(result);
}

static const struct bank_plan usual = {.credit_s = 90, .break_s = 60, .within_s = 20, .seed = 1};

START_TEST(small)
{
    char *path = write_file(HEADER CALLS);
    struct bank_kpis k;
    struct sim_result *result;
    struct bank bank;
    struct cf_err err;

    ck_assert_msg(bank_read(path, &bank, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(bank.n, 6);
    ck_assert_uint_eq(bank.n_phantoms, 1);
    ck_assert_uint_eq(bank.n_servers, 2);
    ck_assert_uint_eq(bank.overlaps, 1);
    ck_assert_uint_eq(bank.midnights, 1);
    ck_assert_uint_eq(bank.bad_waits, 1);
    ck_assert_int_eq(bank.start_ms, 917827200000); /* 1999-02-01 */
    near_abs(bank.end, 30.0 * BANK_DAY_S, 0);      /* to the end of 2 March */
    k = bank_recorded(&bank, 20);
    near_abs(k.agent, 4, 0);
    near_abs(k.hang, 2, 0);
    near_abs(k.hang_in_queue, 1, 0);
    near_abs(k.sl_a, 0.75, 1e-12);
    near_abs(k.sl_b, 0.8, 1e-12);
    near_abs(k.sl_d, 0.6, 1e-12);
    near_abs(k.sl_e, 0.75, 1e-12);
    near_abs(k.patience, 57, 1e-12);
    result = run(&bank, usual);
    near_abs(bank_simulated(result).calls, 5, 0); /* the one in the menu never came */
    done(result);
    bank_done(&bank);
    (void)unlink(path);
    free(path);
}
END_TEST

static const char *const bad_rows[] = {
    "",
    HEADER,
    HEADER "A1\t1\t0\t0\tPS\r\n",
    HEADER
    "A1\t1\t0\t9\tPS\t990201\t7:02:47\t7:02:56\t9\t0:00:00\t0:00:00\t0\tAGENT\t7:02:55\t7:05:41\t166\tX\r\n",
    HEADER
    "A1\t1\t0\t0\tXX\t990201\t7:02:47\t7:02:56\t9\t0:00:00\t0:00:00\t0\tAGENT\t7:02:55\t7:05:41\t166\tX\r\n",
    HEADER
    "A1\t1\t0\t0\tPS\t991301\t7:02:47\t7:02:56\t9\t0:00:00\t0:00:00\t0\tAGENT\t7:02:55\t7:05:41\t166\tX\r\n",
    HEADER
    "A1\t1\t0\t0\tPS\t990201\t7:02:47\t7:02\t9\t0:00:00\t0:00:00\t0\tAGENT\t7:02:55\t7:05:41\t166\tX\r\n",
    HEADER
    "A1\t1\t0\t0\tPS\t990201\t7:02:47\t7:02:56\t9\t0:00:00\t0:00:00\t0\tLOST\t7:02:55\t7:05:41\t166\tX\r\n",
};

START_TEST(wrong_files)
{
    char *path = write_file(bad_rows[_i]);
    struct bank bank;
    struct cf_err err;

    ck_assert_int_eq(bank_read(path, &bank, &err), -1);
    ck_assert_int_eq(err.kind, CF_ERR_REJECTED);
    (void)unlink(path);
    free(path);
}
END_TEST

/* ---- the real month ---- */

static const char *month(void)
{
    const char *path = getenv("CALLFLEET_BANK_FILE");

    path = path ? path : CF_SOURCE_DIR "/../shared/data/anonymous-bank-1999-02.tsv";
    return access(path, R_OK) == 0 ? path : NULL;
}

static void check_golden(const struct bank_kpis *k)
{
    near_abs(k->calls, 33066, 0);
    near_abs(k->agent, 27162, 0);
    near_abs(k->hang, 5904, 0);
    near_abs(k->hang_in_queue, 3963, 0);
    near_abs(k->queued, 18058, 1); /* one answered call has a wait and no time of entry */
    near_abs(k->queued_answered, 14096, 0);
    near_abs(k->wait_queued_answered, 78.57, 0.005);
    near_abs(k->wait_answered, 40.77, 0.005);
    near_abs(k->wait_abandoned, 65.53, 0.005);
    near_abs(k->wait_max, 908, 0);
    near_abs(k->aht, 176.9, 0.05);
    near_abs(k->abandonment, 0.1273, 0.00005);
    near_abs(k->sl_a, 0.5968, 0.00005);
    near_abs(k->sl_b, 0.5612, 0.00005);
    near_abs(k->sl_d, 0.5208, 0.00005);
    near_abs(k->sl_e, 0.5427, 0.00005);
    near_abs(k->wait_by_priority[0], 106.1, 0.05);
    near_abs(k->wait_by_priority[1], 81.4, 0.05);
    near_abs(k->wait_by_priority[2], 67.2, 0.05);
    near_abs(k->patience, 345, 0.05);
}

START_TEST(the_month)
{
    struct bank_plan km = usual, strict = usual;
    struct bank_kpis recorded, credit, by_km, by_strict;
    struct sim_result *result;
    struct bank bank;
    struct cf_err err;

    km.kaplan_meier = true;
    strict.strict = true;
    ck_assert_msg(bank_read(month(), &bank, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(bank.overlaps, 445);
    ck_assert_uint_eq(bank.midnights, 16);
    ck_assert_uint_eq(bank.unnamed, 491);
    ck_assert_uint_eq(bank.bad_waits, 2);
    recorded = bank_recorded(&bank, 20);
    check_golden(&recorded);
    result = run(&bank, usual);
    credit = bank_simulated(result);
    done(result);
    result = run(&bank, km);
    by_km = bank_simulated(result);
    done(result);
    result = run(&bank, strict);
    by_strict = bank_simulated(result);
    done(result);
    near_abs(credit.calls, 31125, 0);
    near_abs(credit.agent + credit.hang, 31125, 0);
    near_abs(by_km.agent + by_km.hang, 31125, 0);
    /* Of the recorded size, and urgent callers wait less; still less when they always go first. */
    near_abs(credit.wait_answered, recorded.wait_answered, 10);
    near_abs(credit.abandonment, recorded.abandonment, 0.04);
    ck_assert(credit.wait_by_priority[2] < credit.wait_by_priority[0] - 10);
    ck_assert(by_strict.wait_by_priority[2] < credit.wait_by_priority[2] - 10);
    bank_done(&bank);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("callfleet-sim bank");
    TCase *tc = tcase_create("bank");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 200);
    tcase_add_test(tc, small);
    tcase_add_loop_test(tc, wrong_files, 0, sizeof(bad_rows) / sizeof(bad_rows[0]));
    if (month())
        tcase_add_test(tc, the_month);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (failed)
        return EXIT_FAILURE;
    if (!month()) {
        printf("the recorded month was not run: there is no ../shared/data/anonymous-bank-1999-02.tsv beside "
               "the "
               "project, and CALLFLEET_BANK_FILE names no other file\n");
        return SKIPPED;
    }
    return EXIT_SUCCESS;
}

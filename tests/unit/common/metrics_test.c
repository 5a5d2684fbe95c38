/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/metrics.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { M_IN, M_BUSY, M_STEP, M_LAG, M_PLAIN };

static const struct cf_metric table[] = {
    [M_IN] = {"t_in_total", CF_COUNTER, "topic", "Events in.\nA \\ line."},
    [M_BUSY] = {"t_busy", CF_GAUGE, NULL, "In flight."},
    [M_STEP] = {"t_step_seconds", CF_HISTOGRAM, "step", "One step."},
    [M_LAG] = {"t_lag", CF_GAUGE, "topic,partition", "Lag."},
    [M_PLAIN] = {"t_plain_seconds", CF_HISTOGRAM, NULL, "No labels."},
    {0},
};

static struct cf_metrics *metrics;
static struct cf_metric_group *group;
static struct cf_buf page;

static void setup(void)
{
    metrics = cf_metrics_new();
    group = cf_metrics_register(metrics, table);
    cf_buf_init(&page, 1 << 20);
}

static void teardown(void)
{
    cf_metrics_free(metrics);
    cf_buf_done(&page);
}

static const char *text(void)
{
    cf_buf_clear(&page);
    cf_metrics_write(metrics, &page);
    cf_buf_char(&page, '\0');
    ck_assert(!page.full);
    return page.p;
}

static void has(const char *line)
{
    const char *body = text();

    ck_assert_msg(strstr(body, line), "no line\n%s\nin\n%s", line, body);
}

static void has_not(const char *line)
{
    ck_assert_ptr_null(strstr(text(), line));
}

START_TEST(empty_registry_prints_unlabelled_rows_as_zero)
{
    has("# HELP t_in_total Events in.\\nA \\\\ line.\n# TYPE t_in_total counter\n# HELP t_busy");
    has("# TYPE t_busy gauge\nt_busy 0\n");
    has("# TYPE t_step_seconds histogram\n# HELP t_lag");
    has("t_plain_seconds_bucket{le=\"0.001\"} 0\n");
    has("t_plain_seconds_bucket{le=\"+Inf\"} 0\nt_plain_seconds_sum 0\nt_plain_seconds_count 0\n");
    has_not("t_in_total{");
}
END_TEST

START_TEST(counters_add_by_label)
{
    cf_metric_add(group, M_IN, "a", NULL, 1);
    cf_metric_add(group, M_IN, "b", NULL, 2.5);
    cf_metric_add(group, M_IN, "a", NULL, 41);
    has("t_in_total{topic=\"a\"} 42\nt_in_total{topic=\"b\"} 2.5\n");
    ck_assert_double_eq(cf_metric_value(group, M_IN, "a", NULL), 42);
    ck_assert_double_eq(cf_metric_value(group, M_IN, "none", NULL), 0);
    has_not("none");
}
END_TEST

START_TEST(gauges_set_and_add)
{
    cf_metric_set(group, M_BUSY, NULL, NULL, 7);
    cf_metric_add(group, M_BUSY, NULL, NULL, -9);
    has("\nt_busy -2\n");
    cf_metric_set(group, M_LAG, "t", "0", 5);
    cf_metric_set(group, M_LAG, "t", "1", 6);
    cf_metric_set(group, M_LAG, "u", "0", 1e15);
    has("t_lag{topic=\"t\",partition=\"0\"} 5\nt_lag{topic=\"t\",partition=\"1\"} 6\n"
        "t_lag{topic=\"u\",partition=\"0\"} 1e+15\n");
}
END_TEST

START_TEST(histogram_buckets_are_cumulative)
{
    cf_metric_observe(group, M_STEP, "s", NULL, 0.001); /* a bound belongs to its own bucket */
    cf_metric_observe(group, M_STEP, "s", NULL, 0.002);
    cf_metric_observe(group, M_STEP, "s", NULL, 0.3);
    cf_metric_observe(group, M_STEP, "s", NULL, 31);
    has("t_step_seconds_bucket{step=\"s\",le=\"0.001\"} 1\nt_step_seconds_bucket{step=\"s\",le=\"0.005\"} "
        "2\n");
    has("le=\"0.25\"} 2\nt_step_seconds_bucket{step=\"s\",le=\"0.5\"} 3\n");
    has("le=\"30\"} 3\nt_step_seconds_bucket{step=\"s\",le=\"+Inf\"} 4\n");
    has("t_step_seconds_sum{step=\"s\"} 31.303\nt_step_seconds_count{step=\"s\"} 4\n");
    ck_assert_double_eq(cf_metric_value(group, M_STEP, "s", NULL), 4);
}
END_TEST

START_TEST(label_values_are_escaped_and_cut)
{
    char longer[200];

    cf_metric_add(group, M_IN, "a\"b\\c\nd", NULL, 1);
    has("t_in_total{topic=\"a\\\"b\\\\c\\nd\"} 1\n");
    memset(longer, 'x', sizeof(longer));
    longer[199] = '\0';
    cf_metric_add(group, M_IN, longer, NULL, 1);
    longer[150] = '\0';
    cf_metric_add(group, M_IN, longer, NULL, 1);
    longer[63] = '\0';
    ck_assert_double_eq(cf_metric_value(group, M_IN, longer, NULL), 2);
}
END_TEST

START_TEST(too_many_label_values_become_other)
{
    char label[16];

    for (int i = 0; i < 1000; i++) {
        (void)snprintf(label, sizeof(label), "v%d", i);
        cf_metric_add(group, M_IN, label, NULL, 1);
        cf_metric_set(group, M_LAG, label, "0", 1);
    }
    has("t_in_total{topic=\"v255\"} 1\nt_in_total{topic=\"other\"} 744\n# HELP t_busy");
    has("t_lag{topic=\"other\",partition=\"other\"} 1\n");
    has_not("v256");
    cf_metric_add(group, M_IN, "v17", NULL, 1);
    has("t_in_total{topic=\"v17\"} 2\n");
}
END_TEST

START_TEST(groups_keep_their_order)
{
    static const struct cf_metric second[] = {{"u_total", CF_COUNTER, NULL, "Second."}, {0}};
    struct cf_metric_group *more = cf_metrics_register(metrics, second);

    cf_metric_add(more, 0, NULL, NULL, 3);
    has("t_plain_seconds_count 0\n# HELP u_total Second.\n# TYPE u_total counter\nu_total 3\n");
}
END_TEST

START_TEST(own_bugs_abort)
{
    switch (_i) {
    case 0:
        cf_metric_add(group, M_IN, NULL, NULL, 1);
        break;
    case 1:
        cf_metric_add(group, M_BUSY, "x", NULL, 1);
        break;
    case 2:
        cf_metric_add(group, M_IN, "x", NULL, -1);
        break;
    case 3:
        cf_metric_set(group, M_IN, "x", NULL, 1);
        break;
    case 4:
        cf_metric_observe(group, M_BUSY, NULL, NULL, 1);
        break;
    case 5:
        cf_metric_add(group, sizeof(table) / sizeof(table[0]) - 1, NULL, NULL, 1);
        break;
    case 6:
        cf_metric_add(group, M_LAG, "x", NULL, 1);
        break;
    default:
        (void)cf_metrics_register(metrics, table);
        break;
    }
}
END_TEST

START_TEST(markdown_has_a_row_for_each)
{
    const struct cf_metric *const tables[] = {table + 1};

    cf_metrics_markdown(tables, 1, &page);
    cf_buf_char(&page, '\0');
    ck_assert_ptr_nonnull(strstr(page.p, "| `t_busy` | gauge |  | In flight. |\n"));
    ck_assert_ptr_nonnull(strstr(page.p, "| `t_lag` | gauge | topic,partition | Lag. |\n"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("common.metrics");
    TCase *tcase = tcase_create("metrics");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, empty_registry_prints_unlabelled_rows_as_zero);
    tcase_add_test(tcase, counters_add_by_label);
    tcase_add_test(tcase, gauges_set_and_add);
    tcase_add_test(tcase, histogram_buckets_are_cumulative);
    tcase_add_test(tcase, label_values_are_escaped_and_cut);
    tcase_add_test(tcase, too_many_label_values_become_other);
    tcase_add_test(tcase, groups_keep_their_order);
    tcase_add_loop_test_raise_signal(tcase, own_bugs_abort, SIGABRT, 0, 8);
    tcase_add_test(tcase, markdown_has_a_row_for_each);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

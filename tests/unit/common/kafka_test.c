/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kafka against librdkafka's mock cluster: reading, transactions, and what becomes of a batch when the
 * brokers answer with errors. The mock keeps no transactional offsets and fences nobody, so exactly-once
 * itself is proved on Apache Kafka (tests/component/runtime_test.py).
 */
#include "kafka/kafka.h"

#include <check.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop/loop.h"

#define RECORDS 20
#define DEADLINE_MS 30000

/* Kafka protocol numbers of the requests that the mock is told to answer with errors. */
enum { API_ADD_OFFSETS = 25, API_END_TXN = 26, API_TXN_OFFSET_COMMIT = 28 };

struct fixture {
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *mock;
    struct cf_loop *loop;
    struct cf_timer *deadline;
    struct cf_kafka *kafka;
    struct cf_kafka_msg *taken[RECORDS];
    size_t n_parts, n_taken, assigned, committed;
    bool closed, late;
    struct cf_err commit_err;
    struct cf_kafka_out out;
    struct cf_kafka_offset offset;
    struct cf_kafka_batch batch;
} f;

static void on_assigned(void *arg, const struct cf_kafka_committed *parts, size_t n)
{
    struct cf_kafka_start starts[8];

    (void)arg;
    ck_assert_uint_le(n, 8);
    for (size_t i = 0; i < n; i++)
        starts[i] = (struct cf_kafka_start){parts[i].topic, parts[i].partition, -2};
    f.assigned++;
    f.n_parts = n;
    cf_kafka_assign(f.kafka, starts, n);
}

static void on_revoking(void *arg, bool lost)
{
    (void)arg;
    (void)lost;
    f.n_parts = 0;
    cf_kafka_unassign(f.kafka);
}

static void on_readable(void *arg)
{
    struct cf_kafka_msg *msg;

    (void)arg;
    if (f.n_taken == RECORDS)
        return;
    for (size_t part = 0; part < f.n_parts; part++) {
        while (f.n_taken < RECORDS && (msg = cf_kafka_take(f.kafka, part)) != NULL)
            f.taken[f.n_taken++] = msg;
    }
    if (f.n_taken == RECORDS)
        cf_loop_stop(f.loop);
}

static void on_committed(void *arg, const struct cf_err *err)
{
    (void)arg;
    f.committed++;
    f.commit_err = err ? *err : (struct cf_err){0};
    cf_loop_stop(f.loop);
}

static void on_failed(void *arg, const struct cf_err *err)
{
    (void)arg;
    ck_assert_msg(err->kind == CF_ERR_TRANSIENT, "%s", err->text);
}

static void on_closed(void *arg)
{
    (void)arg;
    f.closed = true;
    cf_loop_stop(f.loop);
}

static void on_deadline(void *arg)
{
    (void)arg;
    f.late = true;
    cf_loop_stop(f.loop);
}

static void run(void)
{
    cf_timer_start(f.deadline, DEADLINE_MS, 0);
    cf_loop_run(f.loop);
    cf_timer_stop(f.deadline);
    ck_assert_msg(!f.late, "nothing happened within %d ms", DEADLINE_MS);
}

static void fill(const char *brokers)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *producer;
    rd_kafka_topic_t *topic;
    char why[200];

    (void)rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof(why));
    producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    ck_assert_msg(producer != NULL, "%s", why);
    topic = rd_kafka_topic_new(producer, "in", NULL);
    for (int i = 0; i < RECORDS; i++) {
        char text[16];
        int n = snprintf(text, sizeof(text), "n%d", i);

        ck_assert_int_eq(
            rd_kafka_produce(topic, i % 4, RD_KAFKA_MSG_F_COPY, text, (size_t)n, text, (size_t)n, NULL), 0);
    }
    ck_assert_int_eq(rd_kafka_flush(producer, DEADLINE_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(producer);
}

static void setup(void)
{
    static const struct cf_kafka_events events = {.assigned = on_assigned,
                                                  .revoking = on_revoking,
                                                  .readable = on_readable,
                                                  .committed = on_committed,
                                                  .failed = on_failed,
                                                  .closed = on_closed};
    static const struct cf_kafka_prop props[] = {{"fetch.wait.max.ms", "10"}, {NULL, NULL}};
    static const char *const topics[] = {"in", NULL}, *const outputs[] = {"out", NULL};
    struct cf_kafka_opts opts = {.group = "g",
                                 .client_id = "test",
                                 .transactional_id = "g.test",
                                 .topics = topics,
                                 .outputs = outputs,
                                 .props = props,
                                 .session_timeout_ms = 6000,
                                 .fetch_ahead_kib = 4096,
                                 .transaction_timeout_ms = 20000};
    struct cf_err err;
    char why[200];

    f = (struct fixture){0};
    f.owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
    f.mock = rd_kafka_mock_cluster_new(f.owner, 1);
    ck_assert_int_eq(rd_kafka_mock_topic_create(f.mock, "in", 4, 1), 0);
    ck_assert_int_eq(rd_kafka_mock_topic_create(f.mock, "out", 4, 1), 0);
    opts.brokers = rd_kafka_mock_cluster_bootstraps(f.mock);
    fill(opts.brokers);
    f.loop = cf_loop_new();
    f.deadline = cf_timer_new(f.loop, on_deadline, NULL);
    f.kafka = cf_kafka_new(f.loop, &opts, &events, NULL, &err);
    ck_assert_msg(f.kafka != NULL, "%s", err.text);
    run(); /* until all records are taken */
}

static void teardown(void)
{
    while (f.n_taken > 0)
        cf_kafka_msg_free(f.taken[--f.n_taken]);
    cf_kafka_unassign(f.kafka);
    cf_kafka_close(f.kafka);
    run();
    ck_assert(f.closed);
    ck_assert(cf_kafka_free(f.kafka, 5000));
    cf_timer_free(f.deadline);
    cf_loop_free(f.loop);
    rd_kafka_mock_cluster_destroy(f.mock);
    rd_kafka_destroy(f.owner);
}

static void commit_one(void)
{
    f.out =
        (struct cf_kafka_out){.topic = "out", .key = CF_STR("k"), .value = CF_STR("v"), .like = f.taken[0]};
    f.offset = (struct cf_kafka_offset){.topic = "in", .partition = 0, .offset = 1, .metadata = ""};
    f.batch =
        (struct cf_kafka_batch){.records = &f.out, .n_records = 1, .offsets = &f.offset, .n_offsets = 1};
    cf_kafka_commit(f.kafka, &f.batch);
    run();
    ck_assert_uint_eq(f.committed, 1);
}

START_TEST(every_part_is_read_and_a_batch_commits)
{
    struct cf_kafka_view view;
    bool seen[4] = {false};

    ck_assert_uint_eq(f.assigned, 1);
    ck_assert_uint_eq(f.n_parts, 4);
    for (size_t i = 0; i < RECORDS; i++) {
        cf_kafka_msg_view(f.taken[i], &view);
        ck_assert_str_eq(view.topic, "in");
        ck_assert(cf_str_eq(view.key, view.value));
        seen[view.partition] = true;
    }
    ck_assert(seen[0] && seen[1] && seen[2] && seen[3]);
    commit_one();
    ck_assert_msg(f.commit_err.kind == 0, "%s", f.commit_err.text);
}
END_TEST

static const struct row {
    const char *what;
    int api;
    rd_kafka_resp_err_t code;
    enum cf_err_kind want; /* 0: committed in the end */
} rows[] = {
    {"the coordinator moves", API_END_TXN, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, 0},
    {"the last transaction is still ending", API_ADD_OFFSETS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, 0},
    {"the coordinator loads", API_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 0},
    {"the group has a new generation", API_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
     CF_ERR_TRANSIENT},
    {"the group has forgotten us", API_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
     CF_ERR_TRANSIENT},
    {"the producer is fenced before the commit", API_ADD_OFFSETS, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 0},
};

START_TEST(an_error_once_in_a_transaction)
{
    const struct row *row = &rows[_i];

    rd_kafka_mock_push_request_errors(f.mock, (int16_t)row->api, 1, row->code);
    commit_one();
    ck_assert_msg(f.commit_err.kind == row->want, "%s: kind %d, %s", row->what, (int)f.commit_err.kind,
                  f.commit_err.text);
}
END_TEST

START_TEST(a_bad_property_is_refused_with_its_name)
{
    static const struct cf_kafka_prop props[] = {{"no.such.property", "1"}, {NULL, NULL}};
    static const char *const topics[] = {"in", NULL};
    const struct cf_kafka_events events = {0};
    struct cf_kafka_opts opts = {.brokers = "127.0.0.1:1",
                                 .group = "g",
                                 .client_id = "c",
                                 .transactional_id = "t",
                                 .topics = topics,
                                 .props = props,
                                 .session_timeout_ms = 6000,
                                 .fetch_ahead_kib = 4096,
                                 .transaction_timeout_ms = 20000};
    struct cf_loop *loop = cf_loop_new();
    struct cf_err err = {0};

    ck_assert_ptr_null(cf_kafka_new(loop, &opts, &events, NULL, &err));
    ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "no.such.property"));
    cf_loop_free(loop);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("common.kafka");
    TCase *cluster = tcase_create("mock cluster"), *alone = tcase_create("alone");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cluster, setup, teardown);
    tcase_set_timeout(cluster, 60);
    tcase_add_test(cluster, every_part_is_read_and_a_batch_commits);
    tcase_add_loop_test(cluster, an_error_once_in_a_transaction, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(alone, a_bad_property_is_refused_with_its_name);
    suite_add_tcase(suite, cluster);
    suite_add_tcase(suite, alone);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

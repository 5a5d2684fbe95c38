/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helper thread: the producer lives here and nowhere else. It takes orders (start, read committed
 * offsets, commit a batch) one at a time and posts results; every call to librdkafka that may block is made
 * here.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>

#include "kafka/kafka_priv.h"

#define ORDERS 4U

enum order_kind { ORDER_START, ORDER_OFFSETS, ORDER_COMMIT };

struct order {
    enum order_kind kind;
    rd_kafka_topic_partition_list_t *parts;
    const struct cf_kafka_batch *batch;
};

struct cf_kafka_txn {
    struct cf_kafka_opts opts; /* strings are the caller's and outlive us */
    struct cf_kafka_txn_events events;
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct order orders[ORDERS];
    size_t n_orders;
    struct cf_kafka_txn_result results[CF_KAFKA_NOTES + ORDERS];
    size_t n_results;
    atomic_bool stop;
    bool ended;
    struct cf_kafka_producer producer; /* the thread's own */
};

static void post(struct cf_kafka_txn *txn, const struct cf_kafka_txn_result *result)
{
    (void)pthread_mutex_lock(&txn->lock);
    if (result->kind != CF_TXN_NOTE || txn->n_results < CF_KAFKA_NOTES)
        txn->results[txn->n_results++] = *result;
    (void)pthread_mutex_unlock(&txn->lock);
    txn->events.ready(txn->arg);
}

static void note(void *arg, const struct cf_err *err)
{
    struct cf_kafka_txn_result result = {.kind = CF_TXN_NOTE, .failed = true, .err = *err};

    post(arg, &result);
}

/* ---- the thread ---- */

static void carry_out(struct cf_kafka_txn *txn, struct order *order)
{
    struct cf_kafka_txn_result result = {0};

    switch (order->kind) {
    case ORDER_START:
        result.kind = CF_TXN_STARTED;
        result.failed = cf_kafka_producer_start(&txn->producer, &result.err) < 0;
        break;
    case ORDER_OFFSETS:
        result.kind = CF_TXN_OFFSETS;
        result.failed = cf_kafka_producer_committed(&txn->producer, order->parts, &result.err) < 0;
        result.offsets = order->parts;
        break;
    case ORDER_COMMIT:
        result.kind = CF_TXN_COMMITTED;
        result.failed = cf_kafka_producer_commit(&txn->producer, order->batch, &result.err) < 0;
        break;
    }
    post(txn, &result);
}

/* Waits for an order at most a second: the producer's own events are served in between. */
static bool next_order(struct cf_kafka_txn *txn, struct order *ret_order)
{
    struct timespec until;
    bool got = false;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    (void)pthread_mutex_lock(&txn->lock);
    while (txn->n_orders == 0 && !atomic_load(&txn->stop)) {
        if (pthread_cond_timedwait(&txn->changed, &txn->lock, &until) == ETIMEDOUT)
            break;
    }
    if (txn->n_orders > 0) {
        *ret_order = txn->orders[0];
        memmove(txn->orders, txn->orders + 1, --txn->n_orders * sizeof(txn->orders[0]));
        got = true;
    }
    (void)pthread_mutex_unlock(&txn->lock);
    return got;
}

static void *thread_main(void *arg)
{
    struct cf_kafka_txn *txn = arg;
    struct order order;

    while (!atomic_load(&txn->stop)) {
        if (next_order(txn, &order))
            carry_out(txn, &order);
        cf_kafka_producer_serve(&txn->producer);
    }
    cf_kafka_producer_drop(&txn->producer);
    (void)pthread_mutex_lock(&txn->lock);
    txn->ended = true;
    (void)pthread_cond_broadcast(&txn->changed);
    (void)pthread_mutex_unlock(&txn->lock);
    return NULL;
}

static void give_order(struct cf_kafka_txn *txn, struct order order)
{
    (void)pthread_mutex_lock(&txn->lock);
    assert(txn->n_orders < ORDERS);
    txn->orders[txn->n_orders++] = order;
    (void)pthread_cond_broadcast(&txn->changed);
    (void)pthread_mutex_unlock(&txn->lock);
}

struct cf_kafka_txn *cf_kafka_txn_new(const struct cf_kafka_opts *opts, rd_kafka_t *consumer,
                                      const struct cf_kafka_txn_events *events, void *arg, struct cf_err *err)
{
    struct cf_kafka_txn *txn = cf_calloc(1, sizeof(*txn));
    pthread_condattr_t monotonic;

    /* A bad property must fail the boot, not the thread. */
    if (cf_kafka_producer_check(opts, err) < 0) {
        free(txn);
        return NULL;
    }
    txn->opts = *opts;
    txn->events = *events;
    txn->arg = arg;
    txn->producer = (struct cf_kafka_producer){
        .opts = &txn->opts, .consumer = consumer, .stop = &txn->stop, .note = note, .note_arg = txn};
    (void)pthread_mutex_init(&txn->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&txn->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    give_order(txn, (struct order){.kind = ORDER_START});
    if (pthread_create(&txn->thread, NULL, thread_main, txn) != 0) {
        (void)cf_err_set(err, CF_ERR_FATAL, "kafka", errno, "no thread for transactions");
        free(txn);
        return NULL;
    }
    return txn;
}

void cf_kafka_txn_offsets(struct cf_kafka_txn *txn, rd_kafka_topic_partition_list_t *parts)
{
    give_order(txn, (struct order){.kind = ORDER_OFFSETS, .parts = parts});
}

void cf_kafka_txn_commit(struct cf_kafka_txn *txn, const struct cf_kafka_batch *batch)
{
    give_order(txn, (struct order){.kind = ORDER_COMMIT, .batch = batch});
}

bool cf_kafka_txn_poll(struct cf_kafka_txn *txn, struct cf_kafka_txn_result *ret_result)
{
    bool got = false;

    (void)pthread_mutex_lock(&txn->lock);
    if (txn->n_results > 0) {
        *ret_result = txn->results[0];
        memmove(txn->results, txn->results + 1, --txn->n_results * sizeof(txn->results[0]));
        got = true;
    }
    (void)pthread_mutex_unlock(&txn->lock);
    return got;
}

bool cf_kafka_txn_free(struct cf_kafka_txn *txn, uint32_t wait_ms)
{
    struct cf_kafka_txn_result result;
    struct timespec until;
    bool ended;

    if (!txn)
        return true;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000 + 1;
    atomic_store(&txn->stop, true);
    (void)pthread_mutex_lock(&txn->lock);
    (void)pthread_cond_broadcast(&txn->changed);
    while (!txn->ended && pthread_cond_timedwait(&txn->changed, &txn->lock, &until) != ETIMEDOUT)
        continue;
    ended = txn->ended;
    (void)pthread_mutex_unlock(&txn->lock);
    if (!ended)
        return false;
    (void)pthread_join(txn->thread, NULL);
    while (cf_kafka_txn_poll(txn, &result)) {
        if (result.offsets)
            rd_kafka_topic_partition_list_destroy(result.offsets);
    }
    for (size_t i = 0; i < txn->n_orders; i++) {
        if (txn->orders[i].parts)
            rd_kafka_topic_partition_list_destroy(txn->orders[i].parts);
    }
    (void)pthread_mutex_destroy(&txn->lock);
    (void)pthread_cond_destroy(&txn->changed);
    free(txn);
    return true;
}

#if defined(__SANITIZE_THREAD__)
/* librdkafka makes its threads with C11's thrd_create(), which gcc 12's thread sanitizer does not know: its
 * first malloc() in such a thread crashes. In a sanitized build the threads are POSIX ones instead (glibc's
 * thrd_t is a pthread_t). */
#include <threads.h>

struct c11_start {
    thrd_start_t fn;
    void *arg;
};

static void *start_c11(void *memory)
{
    struct c11_start start = *(struct c11_start *)memory;

    free(memory);
    return (void *)(intptr_t)start.fn(start.arg);
}

__attribute__((visibility("default"))) int thrd_create(thrd_t *ret_thread, thrd_start_t fn, void *arg)
{
    struct c11_start *start = cf_calloc(1, sizeof(*start));

    *start = (struct c11_start){fn, arg};
    return pthread_create(ret_thread, NULL, start_c11, start) == 0 ? thrd_success : thrd_error;
}

__attribute__((visibility("default"))) int thrd_join(thrd_t thread, int *ret_code)
{
    void *code = NULL;

    if (pthread_join(thread, &code) != 0)
        return thrd_error;
    if (ret_code)
        *ret_code = (int)(intptr_t)code;
    return thrd_success;
}
#endif

#if defined(__SANITIZE_THREAD__)
/* Its C11 mutexes are unknown too, so what happens inside librdkafka is not judged; our own threads are. */
const char *__tsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:librdkafka.so.1\nrace:librdkafka.so.1\nmutex:librdkafka.so.1\n";
}
#endif

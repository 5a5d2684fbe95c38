/* SPDX-License-Identifier: Apache-2.0 */
/* Boot, command line, signals and the end of a worker process. */
#include "worker/worker.h"

#include <assert.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin/admin.h"
#include "clock/clock.h"
#include "http/http.h"
#include "loop/loop.h"
#include "redis/redis.h"
#include "worker/worker_priv.h"

#define IDLE_COMMIT_MS 1000
#define STATS_MS 60000
#define KEPT_MEMORY_BYTES (64 << 20)
/* With the default drain_ms, together less than 10 s from SIGTERM to the exit. */
#define CLOSE_MS 2500  /* for leaving the group */
#define HELPER_MS 1000 /* for the helper thread, which is given a second more */

#define CF_CONFIG_ARRAY struct worker_config
#include "config/keys.h"
static const struct cf_key own_keys[] = {
#include "worker/worker_config.def"
    {0}};
#include "config/keys_end.h"

/* ---- the turn ---- */

static void turn(void *arg)
{
    struct cf_worker *worker = arg;

    worker->turn_due = false;
    if (worker->stopping && (worker->phase == PHASE_RUNNING || worker->phase == PHASE_STARTING))
        cf_parts_drain(worker, worker->exit_code != 0);
    cf_jobs_turn(worker);
    if (worker->phase == PHASE_RUNNING || worker->phase == PHASE_DRAINING)
        cf_batch_turn(worker, worker->phase == PHASE_DRAINING);
    cf_parts_check_drained(worker);
}

void cf_worker_turn_soon(struct cf_worker *worker)
{
    if (worker->turn_due)
        return;
    worker->turn_due = true;
    cf_loop_defer(worker->loop, turn, worker);
}

static void on_turn(void *arg)
{
    cf_worker_turn_soon(arg);
}

static void on_drain_over(void *arg)
{
    struct cf_worker *worker = arg;

    cf_log_warn("worker", NULL, "%zu unfinished records are handed back after drain_ms",
                worker->n_unfinished);
    cf_jobs_cancel_all(worker);
    cf_worker_turn_soon(worker);
}

/* ---- the end ---- */

static void on_end_over(void *arg)
{
    struct cf_worker *worker = arg;

    cf_log_warn("worker", NULL, "leaving the group took too long, ending without");
    worker->gave_up = true;
    cf_loop_stop(worker->loop);
}

void cf_worker_stop(struct cf_worker *worker, int exit_code)
{
    if (worker->exit_code == 0)
        worker->exit_code = exit_code;
    if (worker->stopping)
        return;
    worker->stopping = true;
    cf_timer_start(worker->end_timer, worker->values.drain_ms + CLOSE_MS, 0);
    if (worker->phase == PHASE_JOINING) {
        worker->phase = PHASE_CLOSING;
        cf_kafka_close(worker->kafka);
    }
    cf_worker_turn_soon(worker);
}

void cf_worker_fail(struct cf_worker *worker, const struct cf_err *err)
{
    cf_log_err(CF_LOG_ERROR, "worker", NULL, "the worker cannot go on", err);
    if (worker->kafka)
        cf_worker_stop(worker, err->kind == CF_ERR_CONFIG ? EX_CONFIG : EX_SOFTWARE);
    else
        worker->exit_code = err->kind == CF_ERR_CONFIG ? EX_CONFIG : EX_SOFTWARE;
}

static void on_term(void *arg)
{
    struct cf_worker *worker = arg;

    cf_log_info("worker", NULL, "stopping");
    cf_worker_stop(worker, 0);
}

static void on_closed(void *arg)
{
    struct cf_worker *worker = arg;

    cf_loop_stop(worker->loop);
}

static void on_failed(void *arg, const struct cf_err *err)
{
    struct cf_worker *worker = arg;

    if (err->kind == CF_ERR_CONFIG || err->kind == CF_ERR_FATAL) {
        cf_worker_fail(worker, err);
        return;
    }
    cf_metric_add(worker->own_metrics, M_KAFKA_TROUBLES, NULL, NULL, 1);
    cf_log_err(CF_LOG_WARN, "kafka", NULL, "trouble with Kafka", err);
}

/* ---- boot ---- */

static void name_topic(struct cf_worker *worker, const char *name)
{
    size_t size = strlen(worker->values.topic_prefix) + strlen(name) + 1;
    struct topic_name *topic = &worker->topics[worker->n_topics++];

    assert(worker->n_topics <= MAX_TOPICS);
    topic->name = name;
    topic->full = cf_calloc(size, 1);
    (void)snprintf(topic->full, size, "%s%s", worker->values.topic_prefix, name);
}

static void name_topics(struct cf_worker *worker)
{
    for (const struct cf_input *input = worker->stage->inputs; input->topic; input++)
        name_topic(worker, input->topic);
    for (const char *const *output = worker->stage->outputs; *output; output++)
        name_topic(worker, *output);
}

const char *cf_worker_topic(const struct cf_worker *worker, const char *name)
{
    for (size_t i = 0; i < worker->n_topics; i++) {
        if (strcmp(worker->topics[i].name, name) == 0)
            return worker->topics[i].full;
    }
    abort(); /* a topic that the stage did not name */
}

const struct cf_input *cf_worker_input(const struct cf_worker *worker, const char *topic)
{
    size_t n = strlen(worker->values.topic_prefix);

    if (strncmp(topic, worker->values.topic_prefix, n) != 0)
        return NULL;
    for (const struct cf_input *input = worker->stage->inputs; input->topic; input++) {
        if (strcmp(input->topic, topic + n) == 0)
            return input;
    }
    return NULL;
}

static void name_worker(struct cf_worker *worker)
{
    const struct worker_config *values = &worker->values;
    char host[200] = "worker";

    (void)gethostname(host, sizeof(host) - 1);
    (void)snprintf(worker->instance, sizeof(worker->instance), "%s",
                   values->instance ? values->instance : host);
    if (values->group)
        (void)snprintf(worker->group, sizeof(worker->group), "%s", values->group);
    else
        (void)snprintf(worker->group, sizeof(worker->group), "callfleet.%s", worker->stage->name);
    (void)snprintf(worker->transactional_id, sizeof(worker->transactional_id), "%s.%s", worker->group,
                   worker->instance);
}

static int start_kafka(struct cf_worker *worker, struct cf_err *err)
{
    static const struct cf_kafka_events events = {
        .assigned = cf_parts_assigned,
        .revoking = cf_parts_revoking,
        .readable = on_turn,
        .committed = cf_batch_committed,
        .failed = on_failed,
        .closed = on_closed,
    };
    const char *topics[MAX_TOPICS + 1] = {0};
    struct cf_kafka_opts opts = {
        .brokers = worker->values.kafka_brokers,
        .group = worker->group,
        .client_id = worker->instance,
        .transactional_id = worker->transactional_id,
        .topics = topics,
        .outputs = worker->outputs,
        /* struct cf_pair and struct cf_kafka_prop are the same two pointers; kafka is a level below config.
         */
        .props = (const struct cf_kafka_prop *)worker->values.kafka,
        .session_timeout_ms = (uint32_t)worker->values.session_timeout_ms,
        .fetch_ahead_kib =
            worker->stage->fetch_ahead_kib ? worker->stage->fetch_ahead_kib : CF_FETCH_AHEAD_KIB,
        .transaction_timeout_ms = (uint32_t)worker->values.transaction_timeout_ms,
    };
    size_t n = 0;

    for (const struct cf_input *input = worker->stage->inputs; input->topic; input++)
        topics[n++] = cf_worker_topic(worker, input->topic);
    n = 0;
    for (const char *const *output = worker->stage->outputs; *output; output++)
        worker->outputs[n++] = cf_worker_topic(worker, *output);
    worker->kafka = cf_kafka_new(worker->loop, &opts, &events, worker, err);
    return worker->kafka ? 0 : -1;
}

static int start_clients(struct cf_worker *worker, struct cf_err *err)
{
    const struct worker_config *values = &worker->values;
    const struct cf_redis_opts redis = {
        .url = values->redis_url,
        .username = values->redis_username,
        .password_file = values->redis_password_file,
        .ca_file = values->redis_ca_file,
        .cert_file = values->redis_cert_file,
        .key_file = values->redis_key_file,
        .connect_timeout_ms = (uint32_t)values->redis_connect_timeout_ms,
        .call_timeout_ms = (uint32_t)values->redis_call_timeout_ms,
        .max_pending = 20000,
        .max_reply_bytes = 64U << 20,
    };
    const struct cf_http_opts http = {
        .max_connections = (uint32_t)values->http_max_connections,
        .connect_timeout_ms = (uint32_t)values->http_connect_timeout_ms,
        .low_speed_ms = 20000,
        .max_body_bytes = 16U << 20,
        .max_header_bytes = 64U << 10,
        .ca_file = values->http_ca_file,
        .proxy = values->http_proxy,
        .user_agent = "callfleet/" CF_VERSION,
    };

    worker->redis = cf_redis_new(worker->loop, &redis, err);
    worker->http = worker->redis ? cf_http_new(worker->loop, &http, err) : NULL;
    return worker->http ? 0 : -1;
}

/* Until the loop has its handlers, SIGTERM and SIGINT wait. */
static void hold_signals(bool hold)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void make_loop(struct cf_worker *worker)
{
    worker->loop = cf_loop_new();
    cf_loop_signal(worker->loop, SIGTERM, on_term, worker);
    cf_loop_signal(worker->loop, SIGINT, on_term, worker);
    worker->commit_timer = cf_timer_new(worker->loop, on_turn, worker);
    worker->drain_timer = cf_timer_new(worker->loop, on_drain_over, worker);
    worker->idle_timer = cf_timer_new(worker->loop, cf_batch_idle, worker);
    worker->end_timer = cf_timer_new(worker->loop, on_end_over, worker);
    worker->stats_timer = cf_timer_new(worker->loop, cf_worker_log_stats, worker);
    cf_timer_start(worker->idle_timer, IDLE_COMMIT_MS, IDLE_COMMIT_MS);
    cf_timer_start(worker->stats_timer, STATS_MS, STATS_MS);
}

static int boot(struct cf_worker *worker, struct cf_err *err)
{
    enum cf_log_level level;

    if (!cf_log_level_of(cf_str_of(worker->values.log_level), &level))
        return cf_err_set(err, CF_ERR_CONFIG, "config", 0, "log_level is debug, info, warn or error");
    cf_log_setup(worker->stage->name, level);
    name_worker(worker);
    name_topics(worker);
    if (getrandom(&worker->random, sizeof(worker->random), 0) < 0)
        worker->random = cf_clock_mono_ns(); /* only jitter depends on it */
    worker->metrics = cf_metrics_new();
    worker->own_metrics = cf_metrics_register(worker->metrics, cf_worker_metric_table);
    if (worker->stage->metrics)
        worker->stage_metrics = cf_metrics_register(worker->metrics, worker->stage->metrics);
    cf_metric_set(worker->own_metrics, M_BUILD_INFO, CF_VERSION, worker->stage->name, 1);
    make_loop(worker);
    if (cf_worker_admin_start(worker, err) < 0 || start_clients(worker, err) < 0 ||
        worker->stage->init(worker, err) < 0)
        return -1;
    return start_kafka(worker, err);
}

/* Frees everything; false when Kafka's clients hang: then the process ends without waiting for them. */
static bool shut_down(struct cf_worker *worker)
{
    bool clean;

    cf_jobs_cancel_all(worker);
    if (worker->stage->done)
        worker->stage->done(worker);
    clean = !worker->gave_up && cf_kafka_free(worker->kafka, HELPER_MS);
    if (!clean)
        return false;
    cf_batch_free(worker);
    cf_parts_free(worker);
    cf_jobs_free_spare(worker);
    cf_http_free(worker->http);
    cf_redis_free(worker->redis);
    cf_admin_free(worker->admin);
    if (worker->loop) {
        cf_timer_free(worker->commit_timer);
        cf_timer_free(worker->drain_timer);
        cf_timer_free(worker->idle_timer);
        cf_timer_free(worker->end_timer);
        cf_timer_free(worker->stats_timer);
    }
    cf_loop_free(worker->loop);
    cf_metrics_free(worker->metrics);
    while (worker->n_topics > 0)
        free(worker->topics[--worker->n_topics].full);
    return true;
}

/* What a burst of jobs frees is kept for the next one: by default glibc gives it back to the system and takes
 * it again many times a second. Buffers of a few megabytes, too, come from the heap. */
static void keep_memory(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY_BYTES);
    (void)mallopt(M_TOP_PAD, KEPT_MEMORY_BYTES / 16);
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_MEMORY_BYTES / 16);
}

static int run_worker(struct cf_worker *worker)
{
    struct cf_err err;

    keep_memory();
    cf_batch_init(&worker->open);
    cf_batch_init(&worker->sent);
    hold_signals(true);
    if (boot(worker, &err) < 0) {
        cf_worker_fail(worker, &err);
    } else {
        hold_signals(false);
        cf_loop_run(worker->loop);
    }
    cf_log_info("worker", NULL, "ended with code %d", worker->exit_code);
    if (!shut_down(worker))
        _exit(worker->exit_code);
    return worker->exit_code;
}

/* ---- command line ---- */

enum action { ACT_RUN, ACT_CHECK, ACT_HELP, ACT_MARKDOWN, ACT_METRICS, ACT_VERSION, ACT_USAGE };

/* --help alone is for people; --help=markdown (keys) and --help=metrics are for tools/gen-docs.sh. */
static enum action help_action(const char *what)
{
    if (what && strcmp(what, "markdown") == 0)
        return ACT_MARKDOWN;
    return what && strcmp(what, "metrics") == 0 ? ACT_METRICS : ACT_HELP;
}

static enum action parse(int argc, char **argv, const char **ret_file)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},
        {"help", optional_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    enum action action = ACT_RUN;
    int c;

    while ((c = getopt_long(argc, argv, "c:hv", options, NULL)) != -1) {
        if (c == 'c')
            *ret_file = optarg;
        else if (c == 'k')
            action = ACT_CHECK;
        else if (c == 'v')
            action = ACT_VERSION;
        else if (c == 'h')
            action = help_action(optarg);
        else
            return ACT_USAGE;
    }
    return optind < argc ? ACT_USAGE : action;
}

static void print_help(const struct cf_stage *stage, const struct cf_config_part *parts)
{
    (void)printf(
        "%s-worker: %s\n\n"
        "usage: %s-worker [--config FILE] [--check | --help | --version]\n\n"
        "Keys of the INI file; each is also an environment variable CALLFLEET_<KEY IN CAPITALS>.\n\n",
        stage->name, stage->help, stage->name);
    cf_config_print_help(stdout, parts, 2);
}

static void print_metrics(const struct cf_stage *stage)
{
    const struct cf_metric *tables[] = {cf_worker_metric_table, stage->metrics};
    struct cf_buf text;

    cf_buf_init(&text, 1U << 20);
    cf_metrics_markdown(tables, stage->metrics ? 2 : 1, &text);
    (void)fwrite(text.p, 1, text.n, stdout);
    cf_buf_done(&text);
}

static int with_config(struct cf_worker *worker, const struct cf_config_part *parts, const char *file,
                       enum action action)
{
    struct cf_err err;
    int code;

    worker->config = cf_config_load(file, (const char *const *)environ, parts, 2, &err);
    if (!worker->config) {
        (void)fprintf(stderr, "%s-worker: %s\n", worker->stage->name, err.text);
        return EX_CONFIG;
    }
    if (action == ACT_CHECK)
        (void)printf("%s: configuration is good\n", file ? file : "defaults and environment");
    code = action == ACT_CHECK ? 0 : run_worker(worker);
    cf_config_free(worker->config);
    return code;
}

/* Each request to Salesforce under way has a connection; 1,024 descriptors, the usual soft limit, are few. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int cf_worker_main(const struct cf_stage *stage, int argc, char **argv)
{
    struct cf_worker *worker = cf_calloc(1, sizeof(*worker));
    const char *file = NULL;
    enum action action = parse(argc, argv, &file);
    struct cf_config_part parts[2];
    int code = 0;

    worker->stage = stage;
    worker->last_ready = &worker->ready;
    worker->stage_values = cf_calloc(1, stage->config_size);
    parts[0] = (struct cf_config_part){stage->name, stage->config_keys, worker->stage_values};
    parts[1] = (struct cf_config_part){"runtime", own_keys, &worker->values};
    (void)signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    if (action == ACT_USAGE) {
        (void)fprintf(stderr, "usage: %s-worker [--config FILE] [--check | --help | --version]\n",
                      stage->name);
        code = EX_USAGE;
    } else if (action == ACT_VERSION) {
        (void)printf("%s-worker %s\n", stage->name, CF_VERSION);
    } else if (action == ACT_HELP) {
        print_help(stage, parts);
    } else if (action == ACT_MARKDOWN) {
        cf_config_print_markdown(stdout, parts, 2);
    } else if (action == ACT_METRICS) {
        print_metrics(stage);
    } else {
        code = with_config(worker, parts, file, action);
    }
    free(worker->stage_values);
    free(worker);
    return code;
}

/* ---- for stages ---- */

void *cf_worker_state(struct cf_worker *worker)
{
    return worker->stage_state;
}

void cf_worker_set_state(struct cf_worker *worker, void *state)
{
    worker->stage_state = state;
}

const void *cf_worker_config(const struct cf_worker *worker)
{
    return worker->stage_values;
}

struct cf_loop *cf_worker_loop(struct cf_worker *worker)
{
    return worker->loop;
}

struct cf_redis *cf_worker_redis(struct cf_worker *worker)
{
    return worker->redis;
}

struct cf_http *cf_worker_http(struct cf_worker *worker)
{
    return worker->http;
}

struct cf_metrics *cf_worker_metrics(struct cf_worker *worker)
{
    return worker->metrics;
}

struct cf_metric_group *cf_worker_stage_metrics(struct cf_worker *worker)
{
    return worker->stage_metrics;
}

/* splitmix64 (S. Vigna, public domain algorithm): for jitter, not for secrets. */
uint64_t cf_worker_random(struct cf_worker *worker)
{
    uint64_t z = worker->random += 0x9e3779b97f4a7c15U;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

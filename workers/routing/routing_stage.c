/* SPDX-License-Identifier: Apache-2.0 */
/* The routing stage: inputs, steps, partition hooks. */
#include "routing_stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop/loop.h"
#include "routing.h"

#define POLICY_FILE_BYTES ((size_t)1024 * 1024)

#define CF_CONFIG_ARRAY struct routing_config
#include "config/keys.h"

static const struct cf_key keys[] = {
#include "routing_config.def"
    {0}};
#include "config/keys_end.h"

enum { STEP_BEGIN, STEP_APPEND, STEP_ENGINE };

/* The two roles share the worker: what comes from the log goes to the engine, the rest into the log. */
static enum cf_next begin(struct cf_job *job)
{
    if (!cf_job_event(job)) {
        cf_job_goto(job, STEP_ENGINE);
        return CF_MORE;
    }
    cf_job_goto(job, STEP_APPEND);
    return cf_routing_sequence(job);
}

static int read_policy(struct routing *routing, const char *path, struct cf_err *err)
{
    struct cf_buf text;
    char chunk[4096];
    FILE *file = fopen(path, "re");
    size_t n;

    if (!file)
        return cf_err_set(err, CF_ERR_CONFIG, "routing", errno, "policy_file: cannot read %.150s", path);
    cf_buf_init(&text, POLICY_FILE_BYTES);
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
        cf_buf_add(&text, chunk, n);
    (void)fclose(file);
    routing->policy = cf_policy_parse(cf_buf_view(&text), err);
    cf_buf_done(&text);
    return routing->policy ? 0 : -1;
}

static int init(struct cf_worker *worker, struct cf_err *err)
{
    const struct routing_config *config = cf_worker_config(worker);
    struct routing *routing = cf_calloc(1, sizeof(*routing));

    routing->worker = worker;
    cf_worker_set_state(worker, routing);
    cf_buf_init(&routing->buf, CF_ROUTING_RECORD_BYTES + 2 * POLICY_FILE_BYTES);
    routing->tick_timer = cf_timer_new(cf_worker_loop(worker), cf_routing_on_tick, routing);
    routing->retry_timer = cf_timer_new(cf_worker_loop(worker), cf_routing_store_retry, routing);
    if (!config->policy_file)
        routing->policy = cf_policy_builtin();
    else if (read_policy(routing, config->policy_file, err) < 0)
        return -1;
    routing->many_domains = cf_policy_n_domains(routing->policy) > 1;
    return 0;
}

static void done(struct cf_worker *worker)
{
    struct routing *routing = cf_worker_state(worker);

    if (!routing)
        return;
    while (routing->shards) {
        struct shard *shard = routing->shards;

        routing->shards = shard->next;
        cf_routing_shard_free(shard);
    }
    cf_routing_sequencer_done(routing);
    cf_policy_unref(routing->policy);
    cf_timer_free(routing->tick_timer);
    cf_timer_free(routing->retry_timer);
    cf_buf_done(&routing->buf);
    free(routing);
}

/* ---- partitions ---- */

static bool is_log(const char *topic)
{
    return strcmp(topic, CF_ROUTING_LOG) == 0;
}

static void on_assigned(struct cf_worker *worker, const char *topic, int32_t partition, int64_t committed)
{
    struct routing *routing = cf_worker_state(worker);
    struct shard *shard;

    if (!is_log(topic)) {
        cf_worker_start_at(worker, topic, partition, committed >= 0 ? committed : -2);
        return;
    }
    shard = cf_calloc(1, sizeof(*shard));
    shard->routing = routing;
    shard->partition = partition;
    shard->committed = committed;
    shard->next = routing->shards;
    routing->shards = shard;
    cf_routing_load(shard);
}

static void on_revoked(struct cf_worker *worker, const char *topic, int32_t partition)
{
    struct routing *routing = cf_worker_state(worker);
    struct shard *shard = is_log(topic) ? cf_routing_shard(routing, partition) : NULL;
    struct shard **at = &routing->shards;

    if (!shard)
        return;
    while (*at != shard)
        at = &(*at)->next;
    *at = shard->next;
    cf_routing_shard_free(shard);
}

static void on_sending(struct cf_worker *worker, const char *topic, int32_t partition, int64_t offset)
{
    struct shard *shard = is_log(topic) ? cf_routing_shard(cf_worker_state(worker), partition) : NULL;

    if (shard)
        cf_routing_store_take(shard, offset);
}

static void on_committed(struct cf_worker *worker, const char *topic, int32_t partition, int64_t committed)
{
    struct shard *shard = is_log(topic) ? cf_routing_shard(cf_worker_state(worker), partition) : NULL;

    if (shard)
        cf_routing_store_send(shard, committed);
}

static const struct cf_input inputs[] = {
    {.topic = "call-queued", .type = CF_EVENT_CALL_QUEUED},
    {.topic = "call-ended", .type = CF_EVENT_CALL_ENDED},
    {.topic = "agent-state", .type = CF_EVENT_AGENT_STATE},
    {.topic = CF_ROUTING_LOG, .raw = true, .no_dlq = true},
    {0},
};

static const char *const outputs[] = {"call-routed", NULL};

static const struct cf_step steps[] = {
    [STEP_BEGIN] = {"begin", begin},
    [STEP_APPEND] = {"append", cf_routing_append},
    [STEP_ENGINE] = {"engine", cf_routing_step},
};

const struct cf_stage cf_routing_stage = {
    .name = "routing",
    .help = "orders calls and agent states, decides who takes which call, and says why",
    .inputs = inputs,
    .outputs = outputs,
    .config_keys = keys,
    .config_size = sizeof(struct routing_config),
    .steps = steps,
    .job_size = 256,
    .fetch_ahead_kib = 8192,
    .init = init,
    .done = done,
    .hooks = {.assigned = on_assigned,
              .revoked = on_revoked,
              .sending = on_sending,
              .committed = on_committed},
};

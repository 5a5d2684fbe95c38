/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "str/str.h"
#include "world.h"

#define PROGRESS_EVERY_MS 500

static const char *const latency_names[CG_LATENCIES] = {"startedToQueued", "queuedToOffered",
                                                        "endedToUpdated"};

struct samples {
    uint32_t *ms;
    size_t n, size;
};

struct cg_report {
    FILE *file; /* NULL: none */
    bool progress, broken;
    struct samples latency[CG_LATENCIES];
    uint64_t last_progress_ms;
    uint32_t shown_started, shown_complete;
    uint32_t n_answered, n_abandoned, n_requeued, n_missing, n_doubled;
};

struct cg_report *cg_report_new(const char *path, bool progress, struct cf_err *err)
{
    struct cg_report *report = cf_calloc(1, sizeof *report);

    report->progress = progress;
    if (path != NULL) {
        report->file = fopen(path, "we");
        if (report->file == NULL) {
            (void)cf_err_set(err, CF_ERR_CONFIG, "report", errno, "%s: %s", path, strerror(errno));
            free(report);
            return NULL;
        }
    }
    return report;
}

void cg_report_free(struct cg_report *report)
{
    if (report == NULL) {
        return;
    }
    for (size_t i = 0; i < CG_LATENCIES; i++) {
        free(report->latency[i].ms);
    }
    if (report->file != NULL) {
        (void)fclose(report->file);
    }
    free(report);
}

bool cg_report_keeps_data(const struct cg_report *report)
{
    return report->file != NULL;
}

void cg_report_latency(struct cg_report *report, enum cg_latency which, uint64_t ms)
{
    struct samples *samples = &report->latency[which];

    if (samples->n == samples->size) {
        samples->size = samples->size == 0 ? 256 : 2 * samples->size;
        samples->ms = cf_realloc(samples->ms, samples->size * sizeof *samples->ms);
    }
    samples->ms[samples->n++] = ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

static void write_line(struct cg_report *report, json_t *line)
{
    if (report->file != NULL &&
        (json_dumpf(line, report->file, JSON_COMPACT) != 0 || fputc('\n', report->file) == EOF)) {
        report->broken = true;
    }
    json_decref(line);
}

/* ---- one call ---- */

static json_t *names_of(const char *const *names, const uint32_t *counts, size_t n, bool doubled)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        if (doubled ? counts[i] > 1 : counts[i] == 0) {
            (void)json_array_append_new(list, json_string(names[i]));
        }
    }
    return list;
}

static json_t *elapsed(uint64_t from_ms, uint64_t to_ms)
{
    return from_ms == 0 || to_ms < from_ms ? json_null() : json_integer((json_int_t)(to_ms - from_ms));
}

static json_t *call_line(const struct cg_world *world, uint32_t index, json_t *missing, json_t *doubled)
{
    const struct cg_call *call = &world->calls[index];
    char id[CG_ID_SIZE], agent[CG_ID_SIZE] = "";
    const char *agent_name = NULL;
    uint64_t answered_ms = call->connected_ms != 0 ? call->connected_ms : call->ended_ms;

    cg_call_id(world, index, id);
    if (call->n_connected > 0 && call->agent != CG_NOBODY) {
        cg_agent_id(world, call->agent, agent);
        agent_name = cg_agent_name(call->agent);
    }
    return json_pack(
        "{s:s, s:s, s:i, s:s, s:s, s:s*, s:s*, s:s*, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:O*, "
        "s:O*, s:O*, s:o, s:o}",
        "type", "call", "callId", id, "number", (int)index + 1, "label", call->plan->label, "ani",
        call->plan->ani, "decision", call->final, "agentId", agent[0] == '\0' ? NULL : agent, "agentName",
        agent_name, "offers", (json_int_t)call->n_offered, "missed", (json_int_t)call->n_missed, "requeued",
        (json_int_t)call->n_requeued, "startedToQueuedMs", elapsed(call->started_ms, call->queued_ms),
        "queuedToOfferedMs", elapsed(call->queued_ms, call->offered_ms), "waitMs",
        elapsed(call->started_ms, answered_ms), "talkMs", elapsed(call->connected_ms, call->ended_ms),
        "endedToUpdatedMs", elapsed(call->ended_ms, call->updated_ms), "queued", call->queued, "routed",
        call->routed, "updated", call->updated, "missing", missing, "doubled", doubled);
}

void cg_report_call(struct cg_report *report, struct cg_world *world, uint32_t index)
{
    static const char *const names[] = {"call-queued", "last decision", "call-updated", "connected"};
    struct cg_call *call = &world->calls[index];
    /* Only callers who stay are to be answered. */
    uint32_t counts[] = {call->n_queued, call->n_final, call->n_updated,
                         call->plan->abandons && call->n_connected == 0 ? 1 : call->n_connected};

    if (report->file != NULL) {
        write_line(report, call_line(world, index, names_of(names, counts, 4, false),
                                     names_of(names, counts, 4, true)));
    }
    json_decref(call->queued);
    json_decref(call->routed);
    json_decref(call->updated);
    call->queued = call->routed = call->updated = NULL;
}

void cg_report_rest(struct cg_report *report, struct cg_world *world)
{
    for (uint32_t i = 0; i < world->plan->n; i++) {
        if (world->calls[i].state != CG_COMPLETE) {
            cg_report_call(report, world, i);
        }
    }
}

void cg_report_progress(struct cg_report *report, const struct cg_world *world)
{
    if (!report->progress || world->now_ms < report->last_progress_ms + PROGRESS_EVERY_MS ||
        (world->n_started == report->shown_started && world->n_complete == report->shown_complete)) {
        return;
    }
    report->last_progress_ms = world->now_ms;
    report->shown_started = world->n_started;
    report->shown_complete = world->n_complete;
    (void)fprintf(stderr, "  %5.1f s   %3u of %zu calls have come in, %3u are done\n",
                  (double)world->now_ms / 1000, world->n_started, world->plan->n, world->n_complete);
}

/* ---- the summary ---- */

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Of sorted samples: the smallest value that `percent` of them do not exceed. */
static uint32_t percentile(const struct samples *samples, unsigned percent)
{
    size_t rank = (samples->n * percent + 99) / 100;

    return samples->n == 0 ? 0 : samples->ms[rank == 0 ? 0 : rank - 1];
}

static json_t *latencies(struct cg_report *report)
{
    json_t *object = json_object();

    for (size_t i = 0; i < CG_LATENCIES; i++) {
        struct samples *samples = &report->latency[i];

        if (samples->n > 0) {
            qsort(samples->ms, samples->n, sizeof *samples->ms, compare);
        }
        (void)json_object_set_new(object, latency_names[i],
                                  json_pack("{s:I, s:I, s:I, s:I}", "count", (json_int_t)samples->n, "p50",
                                            (json_int_t)percentile(samples, 50), "p99",
                                            (json_int_t)percentile(samples, 99), "max",
                                            (json_int_t)percentile(samples, 100)));
    }
    return object;
}

static void count_call(struct cg_report *report, const struct cg_call *call)
{
    report->n_answered += call->n_connected > 0;
    report->n_abandoned += call->n_connected == 0 && call->n_final > 0;
    report->n_requeued += call->n_requeued;
    report->n_missing += call->state != CG_COMPLETE || (!call->plan->abandons && call->n_connected == 0);
    report->n_doubled +=
        call->n_queued > 1 || call->n_final > 1 || call->n_updated > 1 || call->n_connected > 1;
}

static void print_summary(const struct cg_report *report, const struct cg_world *world)
{
    (void)printf(
        "%zu calls: %u answered, %u abandoned, %u offers not answered; %u calls with something missing, %u "
        "with something doubled, %u events read twice, %u offers to a busy agent\n",
        world->plan->n, report->n_answered, report->n_abandoned, report->n_requeued, report->n_missing,
        report->n_doubled, world->n_repeated, world->n_double_held);
    for (size_t i = 0; i < CG_LATENCIES; i++) {
        const struct samples *samples = &report->latency[i];

        (void)printf("%-16s p50 %5u ms   p99 %5u ms   max %5u ms\n", latency_names[i],
                     percentile(samples, 50), percentile(samples, 99), percentile(samples, 100));
    }
}

int cg_report_summary(struct cg_report *report, const struct cg_world *world)
{
    json_t *line;
    bool good;

    for (size_t i = 0; i < world->plan->n; i++) {
        count_call(report, &world->calls[i]);
    }
    good = report->n_missing == 0 && report->n_doubled == 0 && world->n_repeated == 0 &&
           world->n_double_held == 0;
    line =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o}", "type", "summary", "calls",
                  (json_int_t)world->plan->n, "answered", (json_int_t)report->n_answered, "abandoned",
                  (json_int_t)report->n_abandoned, "requeued", (json_int_t)report->n_requeued, "missing",
                  (json_int_t)report->n_missing, "doubled", (json_int_t)report->n_doubled, "repeatedEvents",
                  (json_int_t)world->n_repeated, "doubleHeldAgents", (json_int_t)world->n_double_held,
                  "tookMs", (json_int_t)world->now_ms, "good", good, "latencyMs", latencies(report));
    print_summary(report, world);
    write_line(report, line);
    if (report->file != NULL && (fflush(report->file) != 0 || report->broken)) {
        (void)fprintf(stderr, "callgen: the report could not be written\n");
        return -1;
    }
    return good ? 1 : 0;
}

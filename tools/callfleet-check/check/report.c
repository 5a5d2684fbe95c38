/* SPDX-License-Identifier: Apache-2.0 */
#include "check/report.h"

#include <stdarg.h>

static const char *const statements[INVARIANTS + 1] = {
    [1] = "an agent is held by at most one call, and is offered one only when free",
    [2] = "a call is offered to one agent at a time and answered by one",
    [3] = "each call that was queued ends exactly once",
    [4] = "no effect without cause, no cause without effect, no decision missing",
    [5] = "what comes twice has no second effect",
    [6] = "an agent is released once per offer, neither early nor late",
    [7] = "of the calls that the agent may take, the first in order is the one he gets",
    [8] = "a call is overtaken only by as much as priorities allow",
    [9] = "no call waits while an agent who may take it is free",
    [10] = "every offer is over by its deadline",
    [11] = "a call keeps its age",
    [12] = "a call does not go again to who missed it while another one who fits is free",
    [13] = "what is late changes nothing",
    [14] = "what went in has come out or is still in",
    [15] = "state that is rebuilt equals the state that was",
    [16] = "the same log gives the same decisions, byte for byte",
};

void report_init(struct report *report, FILE *out, size_t limit)
{
    *report = (struct report){.out = out, .limit = limit, .log.offset = -1, .decision.offset = -1};
}

const char *report_statement(int invariant)
{
    return statements[invariant];
}

static void put_decision(const struct report *report)
{
    (void)fprintf(report->out, "    decision %lld", (long long)report->seq);
    if (report->decision.offset >= 0)
        (void)fprintf(report->out, " (call-routed %d@%lld)", report->decision.partition,
                      (long long)report->decision.offset);
    (void)fprintf(report->out, ": %.*s", CF_STR_FMT(report->what));
    if (report->call_id.p)
        (void)fprintf(report->out, " call %.*s", CF_STR_FMT(report->call_id));
    if (report->agent_id.p)
        (void)fprintf(report->out, " agent %.*s", CF_STR_FMT(report->agent_id));
    (void)fprintf(report->out, ", %.*s\n", CF_STR_FMT(report->reason));
}

static void put_records(const struct report *report)
{
    if (report->what.p)
        put_decision(report);
    if (!report->log_kind)
        return;
    (void)fprintf(report->out, "    record %s (routing-log %d@%lld)", report->log_kind, report->log.partition,
                  (long long)report->log.offset);
    if (report->cause_topic.p)
        (void)fprintf(report->out, " from %.*s %d@%lld", CF_STR_FMT(report->cause_topic),
                      report->cause.partition, (long long)report->cause.offset);
    (void)fputc('\n', report->out);
}

void report_add(struct report *report, int invariant, const char *fmt, ...)
{
    va_list args;

    report->total++;
    if (report->n[invariant]++ >= report->limit)
        return;
    (void)fprintf(report->out, "I%d: %s\n    domain %.*s: ", invariant, statements[invariant],
                  CF_STR_FMT(report->domain));
    va_start(args, fmt);
    (void)vfprintf(report->out, fmt, args);
    va_end(args);
    (void)fputc('\n', report->out);
    put_records(report);
    (void)fflush(report->out);
}

void report_counts(const struct report *report, FILE *out)
{
    const char *between = "";

    if (report->total == 0)
        (void)fputs("none", out);
    for (int i = 1; i <= INVARIANTS; i++) {
        if (report->n[i] > 0)
            (void)fprintf(out, "%sI%d %zu", between, i, report->n[i]);
        if (report->n[i] > 0)
            between = ", ";
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics - counters, gauges and histograms from one table, as Prometheus text.
 *
 * A table is an array of `struct cf_metric` ended by name NULL; a table's index is the metric's id within it:
 *     enum { M_IN, M_LATENCY };
 *     static const struct cf_metric table[] = {
 *         [M_IN] = {"callfleet_events_consumed_total", CF_COUNTER, "topic", "Events taken from Kafka."},
 *         [M_LATENCY] = {"callfleet_step_duration_seconds", CF_HISTOGRAM, "step", "Time in one step."}, {0}};
 * Names follow Prometheus practice: base units, _total for counters, no ids and no personal data in labels.
 * Promise: adding is O(1) and never fails; a metric keeps at most 256 label values, further ones go to
 * "other".
 */
#ifndef CF_METRICS_H
#define CF_METRICS_H

#include <stddef.h>

#include "str/str.h"

enum cf_metric_type { CF_COUNTER, CF_GAUGE, CF_HISTOGRAM };

struct cf_metric {
    const char *name;
    enum cf_metric_type type;
    const char *labels; /* "topic" or "topic,partition" (at most two), NULL = none */
    const char *help;
};

struct cf_metrics;      /* the registry of a process */
struct cf_metric_group; /* one registered table */

struct cf_metrics *cf_metrics_new(void);
void cf_metrics_free(struct cf_metrics *metrics);
/** Registers a static table. The group lives as long as the registry. */
struct cf_metric_group *cf_metrics_register(struct cf_metrics *metrics, const struct cf_metric *table);

/** Counter or gauge: adds `value`. Labels: as many as the row says, else NULL. */
void cf_metric_add(struct cf_metric_group *group, size_t id, const char *label1, const char *label2,
                   double value);
/** Gauge: sets. */
void cf_metric_set(struct cf_metric_group *group, size_t id, const char *label1, const char *label2,
                   double value);
/** Histogram: one observation, in seconds. Buckets .001 .005 .01 .025 .05 .1 .25 .5 1 2.5 5 10 30. */
void cf_metric_observe(struct cf_metric_group *group, size_t id, const char *label1, const char *label2,
                       double seconds);
/** The current value (histogram: count). For tests and --stats lines. */
double cf_metric_value(struct cf_metric_group *group, size_t id, const char *label1, const char *label2);

/** Writes text exposition format 0.0.4, HELP and TYPE for each. Rows without a value yet appear with 0 if
 * unlabelled. */
void cf_metrics_write(const struct cf_metrics *metrics, struct cf_buf *out);
/** Prints a Markdown table of name, type, labels, help: the README's. */
void cf_metrics_markdown(const struct cf_metric *const *tables, size_t n, struct cf_buf *out);

#endif

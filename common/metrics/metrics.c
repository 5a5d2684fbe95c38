/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/metrics.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_SERIES 256U /* label values of one metric; what comes later shares one more, "other" */
#define SLOTS 512U      /* of the hash table: a power of two, at least twice MAX_SERIES */
#define MAX_LABEL_BYTES 64U
#define BUCKETS 13U

static const double bounds[BUCKETS] = {.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30};
static const char *const bound_texts[BUCKETS] = {"0.001", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25",
                                                 "0.5",   "1",     "2.5",  "5",     "10",   "30"};
static const char *const type_names[] = {"counter", "gauge", "histogram"};

struct series {
    char label1[MAX_LABEL_BYTES], label2[MAX_LABEL_BYTES];
    double value; /* histogram: the sum */
    uint64_t count;
    uint64_t buckets[]; /* BUCKETS of them in a histogram, not cumulative; else none */
};

struct metric {
    const struct cf_metric *row;
    size_t n_labels, n_series;
    struct series **slots;  /* NULL when the metric has no labels */
    struct series **series; /* in order of appearance */
    struct series *other;
};

struct cf_metric_group {
    struct cf_metric_group *next;
    size_t n;
    struct metric metrics[];
};

struct cf_metrics {
    struct cf_metric_group *first, **last;
};

static struct series *new_series(const struct metric *metric, const char *label1, const char *label2)
{
    size_t buckets = metric->row->type == CF_HISTOGRAM ? BUCKETS * sizeof(uint64_t) : 0;
    struct series *series = cf_calloc(1, sizeof(*series) + buckets);

    (void)cf_str_copy(series->label1, sizeof(series->label1), cf_str_of(label1));
    (void)cf_str_copy(series->label2, sizeof(series->label2), cf_str_of(label2));
    return series;
}

static struct series *append(struct metric *metric, struct series *series)
{
    metric->series = cf_realloc(metric->series, (metric->n_series + 1) * sizeof(struct series *));
    metric->series[metric->n_series++] = series;
    return series;
}

/* FNV-1a over both labels, cut as they are stored. */
static uint32_t hash(const char *label1, const char *label2)
{
    uint32_t h = 2166136261U;

    for (size_t i = 0; label1[i] && i < MAX_LABEL_BYTES - 1; i++)
        h = (h ^ (unsigned char)label1[i]) * 16777619U;
    h = (h ^ 0xffU) * 16777619U;
    for (size_t i = 0; label2[i] && i < MAX_LABEL_BYTES - 1; i++)
        h = (h ^ (unsigned char)label2[i]) * 16777619U;
    return h;
}

static bool same_label(const char *stored, const char *label)
{
    return strncmp(stored, label, MAX_LABEL_BYTES - 1) == 0;
}

static struct series *other_series(struct metric *metric)
{
    if (!metric->other)
        metric->other = append(metric, new_series(metric, "other", metric->n_labels == 2 ? "other" : ""));
    return metric->other;
}

static struct metric *metric_at(struct cf_metric_group *group, size_t id)
{
    assert(id < group->n);
    return &group->metrics[id];
}

/* The series of these labels, made when `make`; NULL when there is none and it is not made. */
static struct series *series_of(struct metric *metric, const char *label1, const char *label2, bool make)
{
    uint32_t at;

    assert((label1 != NULL) == (metric->n_labels > 0) && (label2 != NULL) == (metric->n_labels == 2));
    if (metric->n_labels == 0)
        return metric->series[0];
    if (!label2)
        label2 = "";
    for (at = hash(label1, label2) % SLOTS; metric->slots[at]; at = (at + 1) % SLOTS) {
        if (same_label(metric->slots[at]->label1, label1) && same_label(metric->slots[at]->label2, label2))
            return metric->slots[at];
    }
    if (!make)
        return NULL;
    if (metric->n_series >= MAX_SERIES)
        return other_series(metric);
    metric->slots[at] = append(metric, new_series(metric, label1, label2));
    return metric->slots[at];
}

struct cf_metrics *cf_metrics_new(void)
{
    struct cf_metrics *metrics = cf_calloc(1, sizeof(*metrics));

    metrics->last = &metrics->first;
    return metrics;
}

static void free_metric(struct metric *metric)
{
    for (size_t i = 0; i < metric->n_series; i++)
        free(metric->series[i]);
    free(metric->series);
    free(metric->slots);
}

void cf_metrics_free(struct cf_metrics *metrics)
{
    struct cf_metric_group *group, *next;

    if (!metrics)
        return;
    for (group = metrics->first; group; group = next) {
        next = group->next;
        for (size_t i = 0; i < group->n; i++)
            free_metric(&group->metrics[i]);
        free(group);
    }
    free(metrics);
}

static bool is_registered(const struct cf_metrics *metrics, const char *name)
{
    for (const struct cf_metric_group *group = metrics->first; group; group = group->next) {
        for (size_t i = 0; i < group->n; i++) {
            if (strcmp(group->metrics[i].row->name, name) == 0)
                return true;
        }
    }
    return false;
}

static void init_metric(struct metric *metric, const struct cf_metric *row)
{
    metric->row = row;
    metric->n_labels = !row->labels ? 0 : strchr(row->labels, ',') ? 2 : 1;
    if (metric->n_labels == 0)
        (void)append(metric, new_series(metric, "", ""));
    else
        metric->slots = cf_calloc(SLOTS, sizeof(struct series *));
}

struct cf_metric_group *cf_metrics_register(struct cf_metrics *metrics, const struct cf_metric *table)
{
    struct cf_metric_group *group;
    size_t n = 0;

    while (table[n].name)
        n++;
    group = cf_calloc(1, sizeof(*group) + n * sizeof(group->metrics[0]));
    group->n = n;
    for (size_t i = 0; i < n; i++) {
        assert(!is_registered(metrics, table[i].name)); /* a name twice makes the page invalid */
        init_metric(&group->metrics[i], &table[i]);
    }
    *metrics->last = group;
    metrics->last = &group->next;
    return group;
}

void cf_metric_add(struct cf_metric_group *group, size_t id, const char *label1, const char *label2,
                   double value)
{
    struct metric *metric = metric_at(group, id);

    assert(metric->row->type == CF_GAUGE || (metric->row->type == CF_COUNTER && value >= 0));
    series_of(metric, label1, label2, true)->value += value;
}

void cf_metric_set(struct cf_metric_group *group, size_t id, const char *label1, const char *label2,
                   double value)
{
    struct metric *metric = metric_at(group, id);

    assert(metric->row->type == CF_GAUGE);
    series_of(metric, label1, label2, true)->value = value;
}

void cf_metric_observe(struct cf_metric_group *group, size_t id, const char *label1, const char *label2,
                       double seconds)
{
    struct metric *metric = metric_at(group, id);
    struct series *series = series_of(metric, label1, label2, true);

    assert(metric->row->type == CF_HISTOGRAM);
    series->value += seconds;
    series->count++;
    for (size_t i = 0; i < BUCKETS; i++) {
        if (seconds <= bounds[i]) {
            series->buckets[i]++;
            break;
        }
    }
}

double cf_metric_value(struct cf_metric_group *group, size_t id, const char *label1, const char *label2)
{
    struct metric *metric = metric_at(group, id);
    const struct series *series = series_of(metric, label1, label2, false);

    if (!series)
        return 0;
    return metric->row->type == CF_HISTOGRAM ? (double)series->count : series->value;
}

/* ---- the page ---- */

static void add_number(struct cf_buf *out, double value)
{
    char text[40];

    /* The shorter form when it reads back as the same number: 0.1 rather than 0.10000000000000001. */
    (void)snprintf(text, sizeof(text), "%.15g", value);
    if (strtod(text, NULL) != value)
        (void)snprintf(text, sizeof(text), "%.17g", value);
    cf_buf_text(out, text);
}

static void add_label_value(struct cf_buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            cf_buf_text(out, "\\n");
        else if (*text == '"' || *text == '\\')
            cf_buf_printf(out, "\\%c", *text);
        else
            cf_buf_char(out, *text);
    }
}

/* {a="x",b="y",le="0.1"}, or nothing when there are no labels. */
static void add_labels(struct cf_buf *out, const struct metric *metric, const struct series *series,
                       const char *le)
{
    const char *names = metric->row->labels;
    const char *comma = metric->n_labels == 2 ? strchr(names, ',') : NULL;

    if (metric->n_labels == 0 && !le)
        return;
    cf_buf_char(out, '{');
    if (metric->n_labels > 0) {
        cf_buf_add(out, names, comma ? (size_t)(comma - names) : strlen(names));
        cf_buf_text(out, "=\"");
        add_label_value(out, series->label1);
        cf_buf_char(out, '"');
    }
    if (comma) {
        cf_buf_printf(out, ",%s=\"", comma + 1);
        add_label_value(out, series->label2);
        cf_buf_char(out, '"');
    }
    if (le)
        cf_buf_printf(out, "%sle=\"%s\"", metric->n_labels > 0 ? "," : "", le);
    cf_buf_char(out, '}');
}

static void add_sample(struct cf_buf *out, const struct metric *metric, const struct series *series,
                       const char *suffix, const char *le, double value)
{
    cf_buf_text(out, metric->row->name);
    cf_buf_text(out, suffix);
    add_labels(out, metric, series, le);
    cf_buf_char(out, ' ');
    add_number(out, value);
    cf_buf_char(out, '\n');
}

static void add_series(struct cf_buf *out, const struct metric *metric, const struct series *series)
{
    uint64_t below = 0;

    if (metric->row->type != CF_HISTOGRAM) {
        add_sample(out, metric, series, "", NULL, series->value);
        return;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        below += series->buckets[i];
        add_sample(out, metric, series, "_bucket", bound_texts[i], (double)below);
    }
    add_sample(out, metric, series, "_bucket", "+Inf", (double)series->count);
    add_sample(out, metric, series, "_sum", NULL, series->value);
    add_sample(out, metric, series, "_count", NULL, (double)series->count);
}

static void add_help(struct cf_buf *out, const struct cf_metric *row)
{
    cf_buf_printf(out, "# HELP %s ", row->name);
    for (const char *p = row->help; *p; p++)
        cf_buf_text(out, *p == '\n' ? "\\n" : *p == '\\' ? "\\\\" : (const char[]){*p, '\0'});
    cf_buf_printf(out, "\n# TYPE %s %s\n", row->name, type_names[row->type]);
}

void cf_metrics_write(const struct cf_metrics *metrics, struct cf_buf *out)
{
    for (const struct cf_metric_group *group = metrics->first; group; group = group->next) {
        for (size_t i = 0; i < group->n; i++) {
            const struct metric *metric = &group->metrics[i];

            add_help(out, metric->row);
            for (size_t j = 0; j < metric->n_series; j++)
                add_series(out, metric, metric->series[j]);
        }
    }
}

void cf_metrics_markdown(const struct cf_metric *const *tables, size_t n, struct cf_buf *out)
{
    cf_buf_text(out, "| metric | type | labels | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        for (const struct cf_metric *row = tables[i]; row->name; row++)
            cf_buf_printf(out, "| `%s` | %s | %s | %s |\n", row->name, type_names[row->type],
                          row->labels ? row->labels : "", row->help);
    }
}

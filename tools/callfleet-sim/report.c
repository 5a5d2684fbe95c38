/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

static const char *const kinds[] = {
    [SIM_ROW_ALL] = "all", [SIM_ROW_CLASS] = "class", [SIM_ROW_QUEUE] = "queue"};
static const double parts[] = {0.5, 0.9, 0.95, 0.99};
enum { N_PARTS = sizeof(parts) / sizeof(parts[0]) };

static double exact_of(const struct sim_exact *exact, const struct sim_row *row, size_t index, size_t figure)
{
    return exact && row->kind != SIM_ROW_QUEUE ? exact->values[index][figure] : NAN;
}

static void row_text(FILE *out, const struct sim_result *result, size_t index, const struct sim_exact *exact)
{
    const struct sim_row *row = &result->rows[index];
    struct sim_tally sum = sim_tally_sum(row->batches, result->n_batches);

    (void)fprintf(out, "\n%s%s%s: offered %.0f, answered %.0f, abandoned %.0f, refused %.0f",
                  kinds[row->kind], row->kind == SIM_ROW_ALL ? "" : " ",
                  row->kind == SIM_ROW_ALL ? "" : row->name, sum.offered, sum.answered, sum.abandoned,
                  sum.refused);
    if (row->overflowed > 0)
        (void)fprintf(out, ", overflowed %.0f", row->overflowed);
    (void)fprintf(out, "\n");
    for (int i = 0; i < SIM_FIGURES; i++) {
        struct sim_estimate e = sim_result_figure(result, row, (enum sim_figure)i);
        double exact_value = exact_of(exact, row, index, (size_t)i);

        if (!isfinite(e.value))
            continue;
        (void)fprintf(out, "  %-15s %12.6g %-2s", sim_figures[i].name, e.value, sim_figures[i].unit);
        if (isfinite(e.half))
            (void)fprintf(out, " +- %-11.4g", e.half);
        if (!isnan(exact_value))
            (void)fprintf(out, "  exact %12.6g", exact_value);
        (void)fprintf(out, "\n");
    }
    (void)fprintf(out, "  wait of answered calls: ");
    for (int i = 0; i < N_PARTS; i++)
        (void)fprintf(out, "p%g %.4g s, ", parts[i] * 100, sim_histogram_quantile(row->waits, parts[i]));
    (void)fprintf(out, "longest wait %.4g s\n", sum.max_wait);
}

/* A class or queue that is alone only repeats the row of all calls. */
static bool says_more(const struct sim_scenario *s, const struct sim_result *result, size_t index)
{
    if (result->rows[index].kind == SIM_ROW_QUEUE)
        return result->n_rows > s->n_classes + 2;
    return index == 0 || s->n_classes > 1;
}

void report_text(FILE *out, const struct sim_scenario *scenario, const struct sim_result *result,
                 const struct sim_exact *exact)
{
    (void)fprintf(out,
                  "%" PRIu64 " calls, %" PRIu64 " records, %" PRIu64
                  " decisions; %.6g s of virtual time, tick %g s; "
                  "T = %g s; seed %" PRIu64 "; limits 95 %% from %zu %s\n",
                  result->calls, result->records, result->decisions, result->virtual_s, result->tick_s,
                  scenario->within_s, scenario->seed, result->n_batches,
                  scenario->replications > 1 ? "replications" : "batches");
    if (exact)
        (void)fprintf(out, "exact: %s\n", exact->model ? exact->model : "no formula of ours holds here");
    for (size_t i = 0; i < result->n_rows; i++) {
        if (says_more(scenario, result, i))
            row_text(out, result, i, exact);
    }
    (void)fprintf(out, "\n");
    if (result->open > 0)
        (void)fprintf(out, "%" PRIu64 " calls were still open when nothing more could happen\n",
                      result->open);
    if (result->cut > 0)
        (void)fprintf(out,
                      "%" PRIu64 " talks were ended by the engine (12 hours at most): use a coarser --tick\n",
                      result->cut);
    if (result->breaches > 0)
        (void)fprintf(out, "%" PRIu64 " breaches of invariants, the first: %s\n", result->breaches,
                      result->breach);
    else
        (void)fprintf(out, "no invariant broken\n");
}

/* ---- JSON ---- */

static json_t *real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *figures_json(const struct sim_result *result, size_t index, const struct sim_exact *exact)
{
    const struct sim_row *row = &result->rows[index];
    json_t *figures = json_object();

    for (int i = 0; i < SIM_FIGURES; i++) {
        struct sim_estimate e = sim_result_figure(result, row, (enum sim_figure)i);
        double exact_value = exact_of(exact, row, index, (size_t)i);
        json_t *figure = json_pack("{s:o, s:o}", "value", real(e.value), "half", real(e.half));

        if (!isnan(exact_value))
            (void)json_object_set_new(figure, "exact", json_real(exact_value));
        (void)json_object_set_new(figures, sim_figures[i].name, figure);
    }
    return figures;
}

static json_t *row_json(const struct sim_result *result, size_t index, const struct sim_exact *exact)
{
    const struct sim_row *row = &result->rows[index];
    struct sim_tally sum = sim_tally_sum(row->batches, result->n_batches);
    json_t *percentiles = json_object();
    char name[16];

    for (int i = 0; i < N_PARTS; i++) {
        (void)snprintf(name, sizeof(name), "p%g", parts[i] * 100);
        (void)json_object_set_new(percentiles, name, real(sim_histogram_quantile(row->waits, parts[i])));
    }
    return json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:o}", "kind", kinds[row->kind], "name",
                     row->name, "offered", sum.offered, "answered", sum.answered, "abandoned", sum.abandoned,
                     "refused", sum.refused, "overflowed", row->overflowed, "max_wait", sum.max_wait,
                     "wait_percentiles", percentiles, "figures", figures_json(result, index, exact));
}

void report_json(FILE *out, const struct sim_scenario *scenario, const struct sim_result *result,
                 const struct sim_exact *exact)
{
    json_t *rows = json_array(), *root;

    for (size_t i = 0; i < result->n_rows; i++)
        (void)json_array_append_new(rows, row_json(result, i, exact));
    root = json_pack("{s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:I, s:I, s:I, s:s, s:s?, s:o}", "seed",
                     (json_int_t)scenario->seed, "calls", (json_int_t)result->calls, "records",
                     (json_int_t)result->records, "decisions", (json_int_t)result->decisions, "virtual_s",
                     result->virtual_s, "tick_s", result->tick_s, "within_s", scenario->within_s, "open",
                     (json_int_t)result->open, "cut", (json_int_t)result->cut, "breaches",
                     (json_int_t)result->breaches, "breach", result->breach, "exact_model",
                     exact ? exact->model : NULL, "rows", rows);
    (void)json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    (void)fputc('\n', out);
    json_decref(root);
}

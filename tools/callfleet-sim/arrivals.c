/* SPDX-License-Identifier: Apache-2.0 */
#include "arrivals.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "str/str.h"

enum { MAX_PIECES = 10000 };

static int fail(struct cf_err *err, const char *text)
{
    return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "\"%s\" are no arrivals (such as 200/h)", text);
}

/* ---- reading ---- */

static int add_piece(struct sim_arrivals *a, char *line, bool *ret_end)
{
    char *save = NULL, *from = strtok_r(line, " \t,\r\n", &save), *what = strtok_r(NULL, " \t,\r\n", &save);
    struct sim_piece piece = {0};

    if (!from || !what || a->n_pieces == MAX_PIECES || !sim_time_parse(from, &piece.from))
        return -1;
    if (a->n_pieces > 0 ? piece.from <= a->pieces[a->n_pieces - 1].from : piece.from > 0)
        return -1;
    a->repeat = strcmp(what, "repeat") == 0;
    *ret_end = a->repeat || strcmp(what, "end") == 0;
    if (*ret_end) {
        a->end = piece.from;
        return a->n_pieces > 0 ? 0 : -1;
    }
    if (!sim_rate_parse(what, &piece.rate))
        return -1;
    a->pieces = cf_realloc(a->pieces, (a->n_pieces + 1) * sizeof(*a->pieces));
    a->pieces[a->n_pieces++] = piece;
    return 0;
}

static bool has_calls(const struct sim_arrivals *a)
{
    for (size_t i = 0; i < a->n_pieces; i++) {
        if (a->pieces[i].rate > 0)
            return true;
    }
    return false;
}

static int read_profile(const char *path, struct sim_arrivals *a, struct cf_err *err)
{
    FILE *file = fopen(path, "re");
    char line[256];
    bool end = false, good = true;
    int number = 0;

    if (!file)
        return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "cannot open %s", path);
    while (good && !end && fgets(line, sizeof(line), file)) {
        number++;
        if (line[0] != '#' && line[strspn(line, " \t\r\n")] != '\0')
            good = add_piece(a, line, &end) == 0;
    }
    (void)fclose(file);
    if (good && end && has_calls(a))
        return 0;
    return cf_err_set(
        err, CF_ERR_CONFIG, "sim", 0,
        "%s:%d: lines must be \"FROM RATE\" from 0 upwards, the last \"TO end\" or \"TO repeat\"", path,
        number);
}

static int read_recorded(const char *path, struct sim_arrivals *a, struct cf_err *err)
{
    double *values;

    if (sim_read_columns(path, 3, &values, &a->n_recorded, err) < 0)
        return -1;
    a->recorded = cf_calloc(a->n_recorded, sizeof(*a->recorded));
    for (size_t i = 0; i < a->n_recorded; i++) {
        a->recorded[i] = (struct sim_arrival){values[3 * i], values[3 * i + 1], values[3 * i + 2]};
        if (i > 0 && a->recorded[i].at < a->recorded[i - 1].at) {
            free(values);
            return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "%s: times must ascend (call %zu)", path, i + 1);
        }
    }
    free(values);
    return 0;
}

static const char *behind(const char *text, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

static int parse(const char *text, struct sim_arrivals *a, struct cf_err *err)
{
    const char *rest;

    if ((rest = behind(text, "profile:"))) {
        a->kind = SIM_PROFILE;
        return read_profile(rest, a, err);
    }
    if ((rest = behind(text, "recorded:"))) {
        a->kind = SIM_RECORDED;
        return read_recorded(rest, a, err);
    }
    if ((rest = behind(text, "renewal:"))) {
        a->kind = SIM_RENEWAL;
        if (sim_dist_parse(rest, &a->gap, err) < 0)
            return -1;
        return sim_dist_mean(&a->gap) > 0 && isfinite(sim_dist_mean(&a->gap)) ? 0 : fail(err, text);
    }
    rest = behind(text, "constant:");
    a->kind = rest ? SIM_REGULAR : SIM_POISSON;
    if (!rest)
        rest = behind(text, "poisson:");
    return sim_rate_parse(rest ? rest : text, &a->rate) && a->rate > 0 ? 0 : fail(err, text);
}

int sim_arrivals_parse(const char *text, struct sim_arrivals *ret_arrivals, struct cf_err *err)
{
    struct sim_arrivals a = {0};

    if (parse(text, &a, err) < 0) {
        sim_arrivals_done(&a);
        return -1;
    }
    *ret_arrivals = a;
    return 0;
}

void sim_arrivals_done(struct sim_arrivals *arrivals)
{
    sim_dist_done(&arrivals->gap);
    free(arrivals->pieces);
    free(arrivals->recorded);
    *arrivals = (struct sim_arrivals){0};
}

double sim_arrivals_rate(const struct sim_arrivals *arrivals)
{
    switch (arrivals->kind) {
    case SIM_POISSON:
    case SIM_REGULAR:
        return arrivals->rate;
    case SIM_RENEWAL:
        return 1 / sim_dist_mean(&arrivals->gap);
    case SIM_PROFILE:
    case SIM_RECORDED:
        return NAN;
    }
    return NAN;
}

/* ---- drawing ---- */

/* Inversion: an exponential amount of "rate times time" is used up piece after piece. Exact, no thinning. */
static bool next_varying(struct sim_source *source, struct sim_random *random)
{
    const struct sim_arrivals *a = source->arrivals;
    double left = -log(sim_random_unit(random));

    for (;;) {
        size_t piece = source->next % a->n_pieces;
        size_t round = source->next / a->n_pieces;
        double base = (double)round * a->end;
        double end = base + (piece + 1 < a->n_pieces ? a->pieces[piece + 1].from : a->end);
        double room = (end - source->at) * a->pieces[piece].rate;

        if (left < room) {
            source->at += left / a->pieces[piece].rate;
            return true;
        }
        left -= room;
        source->at = end;
        source->next++;
        if (!a->repeat && source->next == a->n_pieces) {
            source->next--;
            return false;
        }
    }
}

bool sim_source_next(struct sim_source *source, struct sim_random *random, struct sim_arrival *ret_arrival)
{
    const struct sim_arrivals *a = source->arrivals;

    switch (a->kind) {
    case SIM_POISSON:
        source->at -= log(sim_random_unit(random)) / a->rate;
        break;
    case SIM_REGULAR:
        source->at = (double)++source->next / a->rate;
        break;
    case SIM_RENEWAL:
        source->at += sim_dist_draw(&a->gap, random);
        break;
    case SIM_PROFILE:
        if (!next_varying(source, random))
            return false;
        break;
    case SIM_RECORDED:
        if (source->next == a->n_recorded)
            return false;
        *ret_arrival = a->recorded[source->next++];
        return true;
    }
    *ret_arrival = (struct sim_arrival){source->at, NAN, NAN};
    return true;
}

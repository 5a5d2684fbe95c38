/* SPDX-License-Identifier: Apache-2.0 */
#include "dist.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "str/str.h"

enum { MAX_PARTS = 4, MAX_TEXT = 1024 };

/* ---- reading ---- */

static bool unit_of(const char *name, double *ret_s)
{
    static const struct {
        const char *name;
        double s;
    } units[] = {{"", 1},   {"us", 1e-6}, {"ms", 1e-3}, {"s", 1},
                 {"m", 60}, {"min", 60},  {"h", 3600},  {"d", 86400}};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(units[i].name, name) == 0) {
            *ret_s = units[i].s;
            return true;
        }
    }
    return false;
}

static bool number(const char *text, double *ret_value, const char **ret_end)
{
    char *end;

    *ret_value = strtod(text, &end);
    *ret_end = end;
    return end != text && isfinite(*ret_value) && *ret_value >= 0;
}

bool sim_time_parse(const char *text, double *ret_s)
{
    double value, unit;
    const char *end;

    if (!number(text, &value, &end) || !unit_of(end, &unit))
        return false;
    *ret_s = value * unit;
    return true;
}

bool sim_rate_parse(const char *text, double *ret_per_s)
{
    double value, count = 1, unit;
    const char *end;

    if (!number(text, &value, &end) || *end != '/')
        return false;
    end++;
    /* "100/30m" */
    if (*end >= '0' && *end <= '9' && !number(end, &count, &end))
        return false;
    if (*end == '\0' || count <= 0 || !unit_of(end, &unit))
        return false;
    *ret_per_s = value / (count * unit);
    return true;
}

static void parse_line(const char *line, size_t columns, double *ret_row)
{
    const char *at = line;

    for (size_t i = 0; i < columns; i++) {
        char *end;

        at += strspn(at, " \t,;");
        ret_row[i] = strtod(at, &end);
        if (end == at || !isfinite(ret_row[i]))
            ret_row[i] = NAN;
        at = end == at ? at + strcspn(at, " \t,;") : end;
    }
}

int sim_read_columns(const char *path, size_t columns, double **ret_values, size_t *ret_lines,
                     struct cf_err *err)
{
    FILE *file = fopen(path, "re");
    char line[MAX_TEXT];
    double *values = NULL;
    size_t n = 0, size = 0;

    if (!file)
        return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "cannot open %s", path);
    while (n < SIM_MAX_VALUES && fgets(line, sizeof(line), file)) {
        if (line[0] == '#' || line[strspn(line, " \t\r\n")] == '\0')
            continue;
        if (n == size) {
            size = size ? size * 2 : 1024;
            values = cf_realloc(values, size * columns * sizeof(*values));
        }
        line[strcspn(line, "\r\n")] = '\0';
        parse_line(line, columns, values + n * columns);
        if (!(values[n * columns] >= 0)) {
            free(values);
            (void)fclose(file);
            return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "%s: value %zu is no time", path, n + 1);
        }
        n++;
    }
    (void)fclose(file);
    if (n == 0)
        return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "%s has no values", path);
    *ret_values = values;
    *ret_lines = n;
    return 0;
}

static const struct form {
    const char *name;
    enum sim_dist_kind kind;
    size_t parts;
    const char *types; /* t time, n number, p probability */
} forms[] = {
    {"none", SIM_NONE, 0, ""},
    {"exp", SIM_EXP, 1, "t"},
    {"const", SIM_CONST, 1, "t"},
    {"uniform", SIM_UNIFORM, 2, "tt"},
    {"triangular", SIM_TRIANGULAR, 3, "ttt"},
    {"lognormal", SIM_LOGNORMAL, 2, "tt"},
    {"erlang", SIM_ERLANG, 2, "nt"},
    {"hyperexp", SIM_HYPEREXP, 3, "ptt"},
    {"weibull", SIM_WEIBULL, 2, "nt"},
};

static bool part_ok(char type, const char *text, double *ret_value)
{
    const char *end;
    double rate;

    if (type == 't' && sim_rate_parse(text, &rate) && rate > 0) {
        *ret_value = 1 / rate;
        return true;
    }
    if (type == 't')
        return sim_time_parse(text, ret_value);
    if (!number(text, ret_value, &end) || *end != '\0')
        return false;
    return type == 'p' ? *ret_value <= 1 : *ret_value > 0;
}

/* Whether the values make sense together; lognormal's become those of the logarithm. */
static bool settle(struct sim_dist *d)
{
    double ratio;

    switch (d->kind) {
    case SIM_UNIFORM:
        return d->b >= d->a;
    case SIM_TRIANGULAR:
        return d->b >= d->a && d->c >= d->b && d->c > d->a;
    case SIM_LOGNORMAL:
        if (d->a <= 0)
            return false;
        ratio = d->b / d->a;
        d->b = sqrt(log1p(ratio * ratio));
        d->a = log(d->a) - d->b * d->b / 2;
        return true;
    case SIM_ERLANG:
        return d->a >= 1 && d->a <= 10000 && floor(d->a) >= d->a && d->b > 0;
    case SIM_EXP:
        return d->a > 0;
    case SIM_WEIBULL:
        return d->b > 0;
    case SIM_NONE:
    case SIM_CONST:
    case SIM_HYPEREXP:
    case SIM_EMPIRICAL:
        return true;
    }
    return false;
}

static int parse_form(const struct form *form, char *const *parts, size_t n, struct sim_dist *d)
{
    double *into[] = {&d->a, &d->b, &d->c};

    if (n != form->parts)
        return -1;
    d->kind = form->kind;
    for (size_t i = 0; i < n; i++) {
        if (!part_ok(form->types[i], parts[i], into[i]))
            return -1;
    }
    return settle(d) ? 0 : -1;
}

int sim_dist_parse(const char *text, struct sim_dist *ret_dist, struct cf_err *err)
{
    struct sim_dist d = {0};
    char copy[MAX_TEXT], *parts[MAX_PARTS + 1], *save = NULL;
    size_t n = 0;

    if (strncmp(text, "empirical:", 10) == 0) {
        d.kind = SIM_EMPIRICAL;
        if (sim_read_columns(text + 10, 1, &d.values, &d.n, err) < 0)
            return -1;
        *ret_dist = d;
        return 0;
    }
    (void)cf_str_copy(copy, sizeof(copy), cf_str_of(text));
    for (char *part = strtok_r(copy, ":", &save); part && n <= MAX_PARTS; part = strtok_r(NULL, ":", &save))
        parts[n++] = part;
    for (size_t i = 0; n > 0 && i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (strcmp(forms[i].name, parts[0]) == 0 && parse_form(&forms[i], parts + 1, n - 1, &d) == 0) {
            *ret_dist = d;
            return 0;
        }
    }
    return cf_err_set(err, CF_ERR_CONFIG, "sim", 0, "\"%s\" is no distribution (such as exp:180s)", text);
}

void sim_dist_done(struct sim_dist *dist)
{
    free(dist->values);
    *dist = (struct sim_dist){0};
}

/* ---- drawing ---- */

static double draw_exp(double mean, struct sim_random *random)
{
    return -mean * log(sim_random_unit(random));
}

/* Box and Muller; the second value is thrown away so that each draw takes the same two numbers. */
static double draw_normal(struct sim_random *random)
{
    double r = sqrt(-2 * log(sim_random_unit(random)));

    return r * cos(2 * M_PI * sim_random_unit(random));
}

static double draw_triangular(const struct sim_dist *d, double u)
{
    double width = d->c - d->a, cut = (d->b - d->a) / width;

    return u < cut ? d->a + sqrt(u * width * (d->b - d->a)) : d->c - sqrt((1 - u) * width * (d->c - d->b));
}

static double draw_erlang(const struct sim_dist *d, struct sim_random *random)
{
    double sum = 0;

    for (int i = 0; i < (int)d->a; i++)
        sum += draw_exp(d->b / d->a, random);
    return sum;
}

double sim_dist_draw(const struct sim_dist *d, struct sim_random *random)
{
    switch (d->kind) {
    case SIM_NONE:
        return INFINITY;
    case SIM_EXP:
        return draw_exp(d->a, random);
    case SIM_CONST:
        return d->a;
    case SIM_UNIFORM:
        return d->a + (d->b - d->a) * sim_random_unit(random);
    case SIM_TRIANGULAR:
        return draw_triangular(d, sim_random_unit(random));
    case SIM_LOGNORMAL:
        return exp(d->a + d->b * draw_normal(random));
    case SIM_ERLANG:
        return draw_erlang(d, random);
    case SIM_HYPEREXP:
        return draw_exp(sim_random_unit(random) < d->a ? d->b : d->c, random);
    case SIM_WEIBULL:
        return d->b * pow(-log(sim_random_unit(random)), 1 / d->a);
    case SIM_EMPIRICAL:
        return d->values[(size_t)(sim_random_unit(random) * (double)d->n)];
    }
    return INFINITY;
}

/* ---- moments ---- */

static double empirical_moment(const struct sim_dist *d, bool square)
{
    double sum = 0;

    for (size_t i = 0; i < d->n; i++)
        sum += square ? d->values[i] * d->values[i] : d->values[i];
    return sum / (double)d->n;
}

double sim_dist_mean(const struct sim_dist *d)
{
    switch (d->kind) {
    case SIM_NONE:
        return INFINITY;
    case SIM_EXP:
    case SIM_CONST:
        return d->a;
    case SIM_UNIFORM:
        return (d->a + d->b) / 2;
    case SIM_TRIANGULAR:
        return (d->a + d->b + d->c) / 3;
    case SIM_LOGNORMAL:
        return exp(d->a + d->b * d->b / 2);
    case SIM_ERLANG:
        return d->b;
    case SIM_HYPEREXP:
        return d->a * d->b + (1 - d->a) * d->c;
    case SIM_WEIBULL:
        return d->b * tgamma(1 + 1 / d->a);
    case SIM_EMPIRICAL:
        return empirical_moment(d, false);
    }
    return INFINITY;
}

double sim_dist_square(const struct sim_dist *d)
{
    switch (d->kind) {
    case SIM_NONE:
        return INFINITY;
    case SIM_EXP:
        return 2 * d->a * d->a;
    case SIM_CONST:
        return d->a * d->a;
    case SIM_UNIFORM:
        return (d->a * d->a + d->a * d->b + d->b * d->b) / 3;
    case SIM_TRIANGULAR:
        return (d->a * d->a + d->b * d->b + d->c * d->c + d->a * d->b + d->a * d->c + d->b * d->c) / 6;
    case SIM_LOGNORMAL:
        return exp(2 * d->a + 2 * d->b * d->b);
    case SIM_ERLANG:
        return d->b * d->b * (1 + 1 / d->a);
    case SIM_HYPEREXP:
        return 2 * (d->a * d->b * d->b + (1 - d->a) * d->c * d->c);
    case SIM_WEIBULL:
        return d->b * d->b * tgamma(1 + 2 / d->a);
    case SIM_EMPIRICAL:
        return empirical_moment(d, true);
    }
    return INFINITY;
}

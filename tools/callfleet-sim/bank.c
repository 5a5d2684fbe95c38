/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the file. */
#include "bank.h"

#include <math.h>
#include <stdlib.h>

#include "str/str.h"

enum { COLUMNS = 17, MAX_CALLS = 1000000, MAX_SERVERS = 1000, LINE = 512 };
enum {
    PRIORITY = 3,
    TYPE,
    DATE,
    VRU_EXIT = 7,
    Q_START = 9,
    Q_EXIT,
    Q_TIME,
    OUTCOME,
    SER_START,
    SER_EXIT,
    SER_TIME,
    SERVER
};

const char *const bank_types[BANK_TYPES] = {"PS", "NW", "NE", "TT", "IN", "PE"};

struct reader {
    struct bank *bank;
    char (*servers)[SIM_NAME];
    int64_t first_day; /* days since 1970 */
    size_t size;
};

static bool clock_of(const char *text, double *ret_s)
{
    char *end;
    long h = strtol(text, &end, 10), m, s;

    if (end == text || *end != ':')
        return false;
    m = strtol(end + 1, &end, 10);
    if (*end != ':')
        return false;
    s = strtol(end + 1, &end, 10);
    *ret_s = (double)(h * 3600 + m * 60 + s);
    return *end == '\0' && h >= 0 && h < 48 && m >= 0 && m < 60 && s >= 0 && s < 60;
}

/* "990201"; days since 1970 (H. Hinnant's days_from_civil). */
static bool day_of(const char *text, int64_t *ret_day)
{
    char *end;
    int64_t n = strtol(text, &end, 10), y = 1900 + n / 10000, m = n / 100 % 100, d = n % 100, era, yoe, doy;

    if (end == text || *end != '\0' || m < 1 || m > 12 || d < 1 || d > 31)
        return false;
    y -= m <= 2;
    era = y / 400;
    yoe = y - era * 400;
    doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    *ret_day = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
    return true;
}

static bool split(char *line, char **ret_columns)
{
    char *rest = line;
    size_t n = 0;

    line[strcspn(line, "\r\n")] = '\0';
    for (char *column = strsep(&rest, "\t"); column && n < COLUMNS; column = strsep(&rest, "\t"))
        ret_columns[n++] = column;
    return n == COLUMNS && !rest;
}

static uint32_t server_of(struct reader *r, const char *name)
{
    if (strcmp(name, "NO_SERVER") == 0)
        return 0;
    for (uint32_t i = 1; i <= r->bank->n_servers; i++) {
        if (strcmp(r->servers[i], name) == 0)
            return i;
    }
    if (r->bank->n_servers + 1 == MAX_SERVERS)
        return 0;
    (void)cf_str_copy(r->servers[++r->bank->n_servers], SIM_NAME, cf_str_of(name));
    return (uint32_t)r->bank->n_servers;
}

static bool kind_of(char *const *c, struct bank_call *call)
{
    static const char *const outcomes[] = {"AGENT", "HANG", "PHANTOM"};

    call->type = call->outcome = UINT8_MAX;
    for (size_t i = 0; i < BANK_TYPES; i++)
        call->type = strcmp(c[TYPE], bank_types[i]) == 0 ? (uint8_t)i : call->type;
    for (size_t i = 0; i < 3; i++)
        call->outcome = strcmp(c[OUTCOME], outcomes[i]) == 0 ? (uint8_t)i : call->outcome;
    call->priority = (uint8_t)(c[PRIORITY][0] - '0');
    return call->type != UINT8_MAX && call->outcome != UINT8_MAX && call->priority < BANK_PRIORITIES;
}

static bool parse(struct reader *r, char *const *c, struct bank_call *call)
{
    double vru_exit, q_start, q_exit, start, end, base;
    int64_t day;

    if (!day_of(c[DATE], &day) || !kind_of(c, call) || !clock_of(c[VRU_EXIT], &vru_exit) ||
        !clock_of(c[Q_START], &q_start) || !clock_of(c[Q_EXIT], &q_exit) || !clock_of(c[SER_START], &start) ||
        !clock_of(c[SER_EXIT], &end))
        return false;
    if (r->bank->n == 0 && r->bank->n_phantoms == 0)
        r->first_day = day;
    base = (double)(day - r->first_day) * BANK_DAY_S;
    call->wait = strtod(c[Q_TIME], NULL);
    call->service = strtod(c[SER_TIME], NULL);
    call->queued = q_start > 0 || call->wait > 0;
    call->came = base + (q_start > 0 ? q_start : vru_exit);
    call->ser_start = base + start;
    call->server = server_of(r, c[SERVER]);
    r->bank->bad_waits += fabs(q_exit - q_start - call->wait) > 0;
    r->bank->midnights += call->outcome == BANK_AGENT && end < start;
    r->bank->unnamed += call->outcome == BANK_AGENT && call->server == 0;
    return call->wait >= 0 && call->service >= 0;
}

static int read_lines(struct reader *r, FILE *file, struct cf_err *err)
{
    char line[LINE], *columns[COLUMNS];
    size_t number = 1;

    /* The header. */
    if (!fgets(line, sizeof(line), file))
        return cf_err_set(err, CF_ERR_REJECTED, "bank", 0, "the file is empty");
    while (fgets(line, sizeof(line), file) && r->bank->n < MAX_CALLS) {
        struct bank_call call = {0};

        number++;
        if (!split(line, columns) || !parse(r, columns, &call))
            return cf_err_set(err, CF_ERR_REJECTED, "bank", 0, "line %zu is no call of this format", number);
        if (call.outcome == BANK_PHANTOM) {
            r->bank->n_phantoms++;
            continue;
        }
        if (r->bank->n == r->size) {
            r->size = r->size ? r->size * 2 : 4096;
            r->bank->calls = cf_realloc(r->bank->calls, r->size * sizeof(*r->bank->calls));
        }
        r->bank->calls[r->bank->n++] = call;
    }
    return r->bank->n > 0 ? 0 : cf_err_set(err, CF_ERR_REJECTED, "bank", 0, "the file has no calls");
}

static int by_server(const void *a, const void *b)
{
    const struct bank_call *x = a, *y = b;

    if (x->server != y->server)
        return x->server < y->server ? -1 : 1;
    return x->ser_start < y->ser_start ? -1 : x->ser_start > y->ser_start;
}

static int by_coming(const void *a, const void *b)
{
    const struct bank_call *x = a, *y = b;

    if (x->came < y->came || x->came > y->came)
        return x->came < y->came ? -1 : 1;
    /* A total order, so that the result does not depend on the sort. */
    if (x->type != y->type)
        return x->type - y->type;
    return x->service < y->service ? -1 : x->service > y->service;
}

static void count_overlaps(struct bank *bank)
{
    uint32_t server = 0;
    double end = 0;

    qsort(bank->calls, bank->n, sizeof(*bank->calls), by_server);
    for (size_t i = 0; i < bank->n; i++) {
        const struct bank_call *call = &bank->calls[i];

        if (call->outcome != BANK_AGENT || call->server == 0 || call->service <= 0)
            continue;
        bank->overlaps += call->server == server && call->ser_start < end;
        end = call->server == server ? fmax(end, call->ser_start + call->service)
                                     : call->ser_start + call->service;
        server = call->server;
    }
}

int bank_read(const char *path, struct bank *ret_bank, struct cf_err *err)
{
    struct reader reader = {.bank = ret_bank};
    FILE *file = fopen(path, "re");
    int rc;

    *ret_bank = (struct bank){0};
    if (!file)
        return cf_err_set(err, CF_ERR_CONFIG, "bank", 0, "cannot open %s", path);
    reader.servers = cf_calloc(MAX_SERVERS, sizeof(*reader.servers));
    rc = read_lines(&reader, file, err);
    (void)fclose(file);
    free(reader.servers);
    if (rc < 0) {
        bank_done(ret_bank);
        return -1;
    }
    count_overlaps(ret_bank);
    qsort(ret_bank->calls, ret_bank->n, sizeof(*ret_bank->calls), by_coming);
    ret_bank->start_ms = reader.first_day * BANK_DAY_S * 1000;
    ret_bank->end = (floor(ret_bank->calls[ret_bank->n - 1].came / BANK_DAY_S) + 1) * BANK_DAY_S;
    return 0;
}

void bank_done(struct bank *bank)
{
    free(bank->calls);
    *bank = (struct bank){0};
}

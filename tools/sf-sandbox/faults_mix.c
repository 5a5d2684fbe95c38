/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of fault at once: one list, so that a run of "10 % faults of every class" means the same
 * anywhere. */
#include <stdlib.h>

#include "faults.h"

#define DATA "/services/data/*"
#define TOKEN "/services/oauth2/token"

/* Rules of DATA share the rate; the token endpoint and single records meet the whole of it. */
static const struct row {
    const char *name, *rule;
    bool shares;
} rows[] = {
    {"unavailable", "{\"kind\":\"status\",\"status\":503,\"path\":\"" DATA "\"}", true},
    {"bad-gateway", "{\"kind\":\"status\",\"status\":502,\"path\":\"" DATA "\"}", true},
    {"throttled", "{\"kind\":\"status\",\"status\":429,\"retry_after\":1,\"path\":\"" DATA "\"}", true},
    {"limit",
     "{\"kind\":\"error-body\",\"status\":403,\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\","
     "\"message\":\"TotalRequests Limit exceeded.\",\"path\":\"" DATA "\"}",
     true},
    {"server-error", "{\"kind\":\"error-body\",\"status\":500,\"path\":\"" DATA "\"}", true},
    {"lock-row",
     "{\"kind\":\"error-body\",\"status\":400,\"errorCode\":\"UNABLE_TO_LOCK_ROW\","
     "\"message\":\"unable to obtain exclusive access to this record\",\"path\":\"" DATA "\"}",
     true},
    {"html-503", "{\"kind\":\"html-maintenance\",\"path\":\"" DATA "\"}", true},
    {"html-200", "{\"kind\":\"html-maintenance\",\"status\":200,\"path\":\"" DATA "\"}", true},
    {"redirect", "{\"kind\":\"redirect\",\"path\":\"" DATA "\"}", true},
    {"session", "{\"kind\":\"expire-token\",\"path\":\"" DATA "\"}", true},
    {"cut-before", "{\"kind\":\"cut-before\",\"path\":\"" DATA "\"}", true},
    {"cut-after", "{\"kind\":\"cut-after\",\"path\":\"" DATA "\"}", true},
    {"half", "{\"kind\":\"half-response\",\"path\":\"" DATA "\"}", true},
    {"commit-then-500", "{\"kind\":\"commit-then-500\",\"path\":\"" DATA "\"}", true},
    {"garbage", "{\"kind\":\"garbage\",\"path\":\"" DATA "\"}", true},
    {"charset", "{\"kind\":\"wrong-charset\",\"path\":\"" DATA "\"}", true},
    {"deep-json", "{\"kind\":\"deep-json\",\"path\":\"" DATA "\"}", true},
    {"huge", "{\"kind\":\"huge-body\",\"bytes\":16777216,\"path\":\"" DATA "\"}", true},
    {"gzip-bomb", "{\"kind\":\"gzip-bomb\",\"path\":\"" DATA "\"}", true},
    {"slow-body", "{\"kind\":\"slow-body\",\"path\":\"" DATA "\"}", true},
    {"slow-headers", "{\"kind\":\"endless-headers\",\"path\":\"" DATA "\"}", true},
    {"endless-headers", "{\"kind\":\"endless-headers\",\"bytes\":16384,\"delay_ms\":1,\"path\":\"" DATA "\"}",
     true},
    {"doubled", "{\"kind\":\"doubled-answer\",\"path\":\"" DATA "\"}", true},
    {"late", "{\"kind\":\"delay\",\"delay_ms\":5000,\"path\":\"" DATA "\"}", true},
    {"late-commit", "{\"kind\":\"delay-before\",\"delay_ms\":5000,\"path\":\"" DATA "\"}", true},
    {"record", "{\"kind\":\"record-error\",\"path\":\"" DATA "\"}", false},
    {"token-503", "{\"kind\":\"status\",\"path\":\"" TOKEN "\"}", false},
    {"token-html", "{\"kind\":\"html-maintenance\",\"path\":\"" TOKEN "\"}", false},
    {"token-rate",
     "{\"kind\":\"error-body\",\"status\":400,\"errorCode\":\"rate_limit_exceeded\","
     "\"message\":\"login rate exceeded\",\"path\":\"" TOKEN "\"}",
     false},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool is_left_out(json_t *mix, const char *name)
{
    json_t *value;
    size_t i;

    json_array_foreach(json_object_get(mix, "without"), i, value)
    {
        if (json_is_string(value) && strcmp(json_string_value(value), name) == 0)
            return true;
    }
    return false;
}

/* The rule of a row: what the mix says goes over it, but for what is the mix's own. */
static json_t *rule_of(json_t *mix, const struct row *row, size_t at, double share)
{
    json_t *rule = json_loads(row->rule, 0, NULL), *seed = json_object_get(mix, "seed"), *value;
    const char *key;

    if (!rule)
        abort(); /* the table is wrong */
    json_object_foreach(mix, key, value)
    {
        if (strcmp(key, "without") != 0 && strcmp(key, "seed") != 0 && strcmp(key, "rate") != 0 &&
            (row->shares || strcmp(key, "path") != 0))
            json_object_set(rule, key, value);
    }
    json_object_set_new(rule, "rate", json_real(share));
    json_object_set_new(rule, "seed", json_integer(json_integer_value(seed) + (json_int_t)at * 7919 + 1));
    return rule;
}

static int check(json_t *mix, struct cf_err *err)
{
    json_t *rate = json_object_get(mix, "rate"), *seed = json_object_get(mix, "seed"),
           *without = json_object_get(mix, "without");

    if (!json_is_number(rate) || json_number_value(rate) < 0 || json_number_value(rate) > 1)
        return cf_err_set(err, CF_ERR_REJECTED, "faults", 0, "rate: 0 to 1 is needed");
    if ((seed &&
         (!json_is_integer(seed) || json_integer_value(seed) < 0 || json_integer_value(seed) > INT32_MAX)) ||
        (without && !json_is_array(without)))
        return cf_err_set(err, CF_ERR_REJECTED, "faults", 0, "seed or without: bad value");
    if (json_object_get(mix, "kind"))
        return cf_err_set(err, CF_ERR_REJECTED, "faults", 0, "kind: the mix has its own");
    return 0;
}

static void take_back(struct sb_faults *faults, json_t *ids)
{
    const char *name;
    json_t *id;

    json_object_foreach(ids, name, id)(void) sb_faults_clear(faults, (uint32_t)json_integer_value(id));
    json_decref(ids);
}

json_t *sb_faults_mix(struct sb_faults *faults, json_t *mix, struct cf_err *err)
{
    json_t *ids = json_object();
    size_t sharing = 0;

    if (check(mix, err)) {
        json_decref(ids);
        return NULL;
    }
    for (size_t i = 0; i < ROWS; i++)
        sharing += rows[i].shares && !is_left_out(mix, rows[i].name);
    for (size_t i = 0; i < ROWS; i++) {
        double rate = json_number_value(json_object_get(mix, "rate"));
        json_t *rule;
        uint32_t id;

        if (is_left_out(mix, rows[i].name))
            continue;
        rule = rule_of(mix, &rows[i], i, rows[i].shares ? rate / (double)sharing : rate);
        id = sb_faults_add(faults, rule, err);
        json_decref(rule);
        if (id == 0) {
            take_back(faults, ids);
            return NULL;
        }
        json_object_set_new(ids, rows[i].name, json_integer(id));
    }
    return ids;
}

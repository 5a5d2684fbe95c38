/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever Salesforce or a proxy sends: API answers, the token endpoint's, Sforce-Limit-Info. */
#include <stdlib.h>

#include "sf/sf_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reply(struct cf_str body, int status, bool write)
{
    const struct sf_reply reply = {.status = status, .body = body, .write = write};
    struct cf_sf_failure failure;
    json_t *json = NULL;

    if (sf_reply_read(&reply, &json, &failure) == 0)
        json_decref(json);
    else if (strlen(failure.err.text) >= sizeof(failure.err.text) || failure.err.kind < CF_ERR_TRANSIENT)
        abort();
    (void)sf_reply_refuses_session(&reply);
}

static void check_login(struct cf_str body, int status)
{
    const struct cf_sf_opts opts = {.login_url = "https://login.example"};
    struct sf_grant grant = {0};
    struct cf_err err;
    bool slow;

    if (sf_login_reply(&opts, status, body, &grant, &slow, &err) == 0) {
        for (const char *at = grant.token; *at; at++) {
            if (*at <= ' ' || *at > '~')
                abort(); /* it goes into a header */
        }
        if (strncmp(grant.instance_url, "https://", 8) != 0)
            abort();
    }
    sf_grant_done(&grant);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 201, 204, 300, 302, 400, 401, 403, 404, 429, 500, 503};
    struct cf_sf_budget budget;
    struct cf_str text;
    int status;

    if (size < 1)
        return 0;
    text = (struct cf_str){(const char *)data + 1, size - 1};
    status = statuses[data[0] % (sizeof(statuses) / sizeof(statuses[0]))];
    check_reply(text, status, data[0] & 128);
    check_login(text, status);
    if (sf_limits_parse(text, &budget) && (budget.used < 0 || budget.limit < 0))
        abort();
    return 0;
}

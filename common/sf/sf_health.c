/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "sf/sf_guard_priv.h"

static bool has_code(const struct sf_sign *sign)
{
    return sign->error_code && *sign->error_code;
}

static bool is_code(const struct sf_sign *sign, const char *code)
{
    return has_code(sign) && strcmp(sign->error_code, code) == 0;
}

static enum sf_health unanswered(const struct sf_sign *sign)
{
    return sign->timed_out && sign->waited_ms < SF_PATIENCE_MS ? SF_SLOW : SF_OUTAGE;
}

enum sf_health sf_health_of(const struct sf_sign *sign)
{
    if (sign->status == 0)
        return unanswered(sign);
    if (is_code(sign, "REQUEST_LIMIT_EXCEEDED"))
        return sign->concurrent ? SF_OVERLOADED : SF_EXHAUSTED;
    switch (sign->status) {
    case 408:
    case 420:
    case 425:
    case 429:
    case 503:
        return SF_OVERLOADED;
    case 401: /* what a login heals does not come here: this session was fresh */
        return SF_OUTAGE;
    default:
        break;
    }
    if (sign->not_api || sign->status >= 500 || is_code(sign, "API_DISABLED_FOR_ORG") ||
        is_code(sign, "API_CURRENTLY_DISABLED"))
        return SF_OUTAGE;
    /* Redirects and errors without a code did not come from the API. 300 and 304 do. */
    if ((sign->status > 304 || (sign->status > 300 && sign->status < 304)) && !has_code(sign))
        return SF_OUTAGE;
    return SF_HEALTHY;
}

uint64_t sf_retry_after_ms(struct cf_str header, int64_t now_wall_ms)
{
    struct cf_str text = cf_str_trim(header);
    uint64_t seconds;
    char copy[40];
    struct tm date = {0};
    const char *end;
    int64_t wait_ms;

    if (cf_str_u64(text, &seconds))
        return seconds < SF_MAX_RETRY_AFTER_MS / 1000 ? seconds * 1000 : SF_MAX_RETRY_AFTER_MS;
    if (!text.p || text.n >= sizeof(copy))
        return 0;
    (void)cf_str_copy(copy, sizeof(copy), text);
    end = strptime(copy, "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (!end || *end)
        return 0;
    wait_ms = (int64_t)timegm(&date) * 1000 - now_wall_ms;
    if (wait_ms <= 0)
        return 0;
    return wait_ms < SF_MAX_RETRY_AFTER_MS ? (uint64_t)wait_ms : SF_MAX_RETRY_AFTER_MS;
}

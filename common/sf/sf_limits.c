/* SPDX-License-Identifier: Apache-2.0 */
#include "sf/sf_priv.h"

static bool parse_usage(struct cf_str text, struct cf_sf_budget *ret_budget)
{
    const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
    uint64_t used, limit;
    struct cf_str a, b;

    if (!slash)
        return false;
    a = cf_str_trim((struct cf_str){text.p, (size_t)(slash - text.p)});
    b = cf_str_trim((struct cf_str){slash + 1, (size_t)(text.p + text.n - slash - 1)});
    if (!cf_str_u64(a, &used) || !cf_str_u64(b, &limit) || used > INT64_MAX || limit > INT64_MAX)
        return false;
    ret_budget->used = (int64_t)used;
    ret_budget->limit = (int64_t)limit;
    return true;
}

bool sf_limits_parse(struct cf_str header, struct cf_sf_budget *ret_budget)
{
    static const struct cf_str name = {"api-usage=", 10};

    while (header.n > 0) {
        const char *end = memchr(header.p, ';', header.n);
        size_t n = end ? (size_t)(end - header.p) : header.n;
        struct cf_str part = cf_str_trim((struct cf_str){header.p, n});

        if (cf_str_starts(part, name))
            return parse_usage((struct cf_str){part.p + name.n, part.n - name.n}, ret_budget);
        header.p += end ? n + 1 : n;
        header.n -= end ? n + 1 : n;
    }
    return false;
}

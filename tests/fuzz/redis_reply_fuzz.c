/* SPDX-License-Identifier: Apache-2.0 */
/* What Redis sends, in pieces of any size: the first byte says how large they are. */
#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "redis/redis_priv.h"

#define MAX_REPLY_BYTES 65536U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct cf_reply *reply, unsigned depth)
{
    size_t n = 1;

    if (depth > 16)
        abort();
    for (size_t i = 0; i < reply->n; i++)
        n += walk(&reply->elements[i], depth + 1);
    for (size_t i = 0; i < reply->str.n; i++)
        n += reply->str.p[i] == '\0';
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct redis_parser parser;
    const struct cf_reply *reply;
    struct cf_err err;
    size_t step = size > 0 ? (size_t)data[0] + 1 : 1;
    int rc = 0;

    cf_redis_parser_init(&parser, MAX_REPLY_BYTES);
    for (size_t at = 1; at < size && rc >= 0; at += step) {
        size_t n = size - at < step ? size - at : step;

        rc = cf_redis_parser_feed(&parser, (const char *)data + at, n, &err);
        while (rc >= 0 && (rc = cf_redis_parser_next(&parser, &reply, &err)) == 1) {
            if (walk(reply, 0) > 2UL * MAX_REPLY_BYTES)
                abort();
            if (reply->type == CF_REPLY_ERROR)
                cf_redis_error_of(reply, "GET", &err);
        }
    }
    cf_redis_parser_done(&parser);
    return 0;
}

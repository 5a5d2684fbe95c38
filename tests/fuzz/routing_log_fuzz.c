/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a record of the routing log; what decodes must encode and decode to the same text again. */
#include <stdlib.h>

#include "engine/routing_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cf_arena *arena = cf_arena_new(256UL << 20);
    const struct cf_rt_record *record;
    struct cf_buf first, second;
    struct cf_err err;

    cf_buf_init(&first, 8UL << 20);
    cf_buf_init(&second, 8UL << 20);
    if (cf_routing_log_decode(arena, (struct cf_str){(const char *)data, size}, 0, &record, &err) == 0) {
        if (cf_routing_log_encode(record, &first, &err) ||
            cf_routing_log_decode(arena, cf_buf_view(&first), 0, &record, &err) ||
            cf_routing_log_encode(record, &second, &err) ||
            !cf_str_eq(cf_buf_view(&first), cf_buf_view(&second)))
            abort();
    }
    cf_buf_done(&first);
    cf_buf_done(&second);
    cf_arena_free(arena);
    return 0;
}

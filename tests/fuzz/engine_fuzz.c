/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as a policy and a stream of records: the invariants hold, and the state survives a dump and a load.
 */
#include <stdio.h>
#include <stdlib.h>

#include "unit/workers/routing/engine_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load_object(void *arg, const struct cf_engine_object *object)
{
    struct cf_err err;

    if (cf_engine_load_object(arg, object, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

static void check_copy(const struct cf_engine *engine)
{
    struct cf_engine *copy = cf_engine_new(CF_STR("default"), NULL);
    uint8_t a[32], b[32];
    struct cf_err err;

    cf_engine_dump_all(engine, load_object, copy);
    if (cf_engine_load_finish(copy, &err))
        abort();
    cf_engine_digest(engine, a);
    cf_engine_digest(copy, b);
    if (memcmp(a, b, sizeof(a)) != 0)
        abort();
    cf_engine_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stream stream;
    static struct model model;
    char text[MODEL_POLICY_TEXT];
    struct cf_err err;
    struct cf_policy *policy;
    struct cf_engine *engine;
    unsigned variant = size > 0 ? data[0] % MODEL_VARIANTS : 0;

    model_policy(variant, 1, text);
    policy = cf_policy_parse(cf_str_of(text), &err);
    engine = cf_engine_new(CF_STR("default"), policy);
    stream_init(&stream, 1, variant);
    stream.bytes = size > 0 ? data + 1 : data;
    stream.n_bytes = size > 0 ? size - 1 : 0;
    model_init(&model);
    while (stream.n_bytes > 0 && stream.n < STREAM_RECORDS) {
        cf_engine_step(engine, stream_next(&stream, &model), model_decide, &model);
        model_check_rest(&model);
        if (model.error[0] || cf_engine_next_timer(engine) <= cf_engine_now(engine)) {
            (void)fprintf(stderr, "record %zu: %s\n", stream.n, model.error);
            abort();
        }
    }
    check_copy(engine);
    cf_engine_free(engine);
    cf_policy_unref(policy);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes are an INI file, up to the first 0xff; behind it, NUL-separated environment variables. */
#include <stdint.h>
#include <stdlib.h>

#include "config/config_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct values {
    const char *brokers, *redis_url;
    uint64_t sf_timeout_ms;
    bool strict;
    const struct cf_pair *kafka;
};

/* No file keys: a fuzzer must not open what it invents. */
static const struct cf_key keys[] = {
    {"brokers", CF_KEY_TEXT, offsetof(struct values, brokers), "localhost:9092", 1, 64, "b"},
    {"redis_url", CF_KEY_TEXT, offsetof(struct values, redis_url), NULL, 0, 128, "r"},
    {"sf_timeout_ms", CF_KEY_UINT, offsetof(struct values, sf_timeout_ms), "5000", 100, 60000, "t"},
    {"strict", CF_KEY_BOOL, offsetof(struct values, strict), "true", 0, 0, "s"},
    {"kafka", CF_KEY_LIST, offsetof(struct values, kafka), NULL, 0, 0, "k"},
    {0},
};

static void check_values(const struct values *values)
{
    if (values->sf_timeout_ms < 100 || values->sf_timeout_ms > 60000 || !values->brokers[0])
        abort();
    for (const struct cf_pair *pair = values->kafka; pair->name; pair++) {
        if (!pair->name[0] || !pair->value)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *marker = size ? memchr(data, 0xff, size) : NULL;
    size_t n = marker ? (size_t)(marker - data) : size, n_environment = 0;
    char *rest = calloc(1, size - n + 2);
    const char *environment[17] = {0};
    struct values values = {0};
    const struct cf_config_part part = {"fuzz", keys, &values};
    struct cf_config *config;
    struct cf_buf out;
    struct cf_err err;

    if (!rest || memmem(data, size, "file:/", 6)) {
        free(rest);
        return 0;
    }
    if (marker)
        memcpy(rest, marker + 1, size - n - 1);
    for (size_t at = 0; at < size - n && n_environment < 16; at += strlen(rest + at) + 1)
        environment[n_environment++] = rest + at;
    config =
        cf_config_load_text((struct cf_str){(const char *)data, n}, "fuzz.ini", environment, &part, 1, &err);
    if (config) {
        check_values(&values);
        cf_buf_init(&out, 1 << 20);
        cf_config_print_values(&out, &part, 1);
        cf_buf_done(&out);
    }
    cf_config_free(config);
    free(rest);
    return 0;
}

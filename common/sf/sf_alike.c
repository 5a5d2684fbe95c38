/* SPDX-License-Identifier: Apache-2.0 */
#include "sf/sf_guard_priv.h"

/* FNV-1a */
static uint64_t hash_of(struct cf_str text)
{
    uint64_t h = 1469598103934665603ULL;

    for (size_t i = 0; i < text.n; i++)
        h = (h ^ (unsigned char)text.p[i]) * 1099511628211ULL;
    return h;
}

static bool is_in_run(const struct sf_alike *alike, uint64_t record)
{
    for (uint32_t i = 0; i < alike->run; i++) {
        if (alike->records[i] == record)
            return true;
    }
    return false;
}

bool sf_alike_failed(struct sf_alike *alike, const char *code, struct cf_str record)
{
    uint64_t hash = hash_of(record);

    struct cf_str text = cf_str_of(code ? code : "");

    if (!cf_str_is(text, alike->code)) {
        (void)cf_str_copy(alike->code, sizeof(alike->code), text);
        alike->run = 0;
    }
    if (alike->run < SF_ALIKE_RECORDS && !is_in_run(alike, hash))
        alike->records[alike->run++] = hash;
    return alike->run >= SF_ALIKE_RECORDS;
}

void sf_alike_done(struct sf_alike *alike)
{
    alike->run = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sf/sf_guard_priv.h"

bool sf_alike_failed(struct sf_alike *alike, const char *code)
{
    struct cf_str text = cf_str_of(code ? code : "");

    if (!cf_str_is(text, alike->code)) {
        (void)cf_str_copy(alike->code, sizeof(alike->code), text);
        alike->run = 0;
    }
    if (alike->run < SF_ALIKE_RECORDS)
        alike->run++;
    return alike->run >= SF_ALIKE_RECORDS;
}

void sf_alike_done(struct sf_alike *alike)
{
    alike->run = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte picks the default region; a number that was read must read as itself, and its forms too. */
#include <stdint.h>
#include <stdlib.h>

#include "phone/phone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

static void require_e164(const char *e164)
{
    size_t n = strlen(e164);

    require(e164[0] == '+' && e164[1] >= '1' && e164[1] <= '9' && n >= 6 && n < CF_PHONE_E164_SIZE);
    for (size_t i = 1; i < n; i++)
        require(e164[i] >= '0' && e164[i] <= '9');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const regions[] = {"US", "DE", "IT", "AU", "BR", "RU", "JP", "XX"};
    const char *region = size ? regions[data[0] % 8] : NULL;
    struct cf_str text = {(const char *)data + (size ? 1 : 0), size ? size - 1 : 0};
    struct cf_phone phone;
    char forms[16][32];
    size_t n;

    cf_phone_parse(text, region, &phone);
    n = cf_phone_forms(&phone, forms, 16);
    if (phone.status != CF_PHONE_OK) {
        require(n == 0 && phone.e164[0] == '\0');
        return 0;
    }
    require_e164(phone.e164);
    require(n > 0 && n <= 16 && strcmp(forms[0], phone.e164) == 0);
    require(cf_phone_same(cf_str_of(phone.e164), region, cf_str_of(phone.e164)));
    require(cf_phone_same(text, region, cf_str_of(phone.e164)));
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* phone_forms - the ways people write one number, for queries that compare text. */
#include <ctype.h>
#include <stdio.h>

#include "phone/phone.h"
#include "phone/phone_priv.h"

#define FORM_BYTES 32

struct forms {
    char (*texts)[FORM_BYTES];
    size_t n, limit;
};

static void add(struct forms *forms, const char *text)
{
    size_t length = strlen(text);

    if (forms->n == forms->limit || length == 0 || length >= FORM_BYTES)
        return;
    for (size_t i = 0; i < forms->n; i++) {
        if (strcmp(forms->texts[i], text) == 0)
            return;
    }
    memcpy(forms->texts[forms->n++], text, length + 1);
}

/* `prefix` and the digit groups of `text`, with `between` (NUL: nothing) between the groups. */
static void add_joined(struct forms *forms, const char *prefix, const char *text, char between)
{
    char joined[2 * FORM_BYTES + 8];
    size_t n = (size_t)snprintf(joined, sizeof(joined), "%.8s", prefix);
    bool open = false, any = false;

    for (; *text && n < sizeof(joined) - 2; text++) {
        if (!isdigit((unsigned char)*text)) {
            open = any;
            continue;
        }
        if (open && between)
            joined[n++] = between;
        joined[n++] = *text;
        open = false;
        any = true;
    }
    joined[n] = '\0';
    add(forms, joined);
}

/* "+1 (520) 773-9050" and "+49 (0)30 901820": the national form behind the country code. */
static void add_mixed(struct forms *forms, const struct cf_phone *phone, const char *national)
{
    char text[96];

    if (national[0] == '(')
        (void)snprintf(text, sizeof(text), "+%s %.60s", phone->country_code, national);
    else if (national[0] == '0' && phone->national[0] != '0')
        (void)snprintf(text, sizeof(text), "+%s (0)%.60s", phone->country_code, national + 1);
    else
        return;
    add(forms, text);
}

size_t cf_phone_forms(const struct cf_phone *phone, char (*ret_forms)[32], size_t n)
{
    const char *national, *international;
    struct cf_phone_written written;
    char text[72];
    struct forms forms = {.texts = ret_forms, .limit = n};

    if (phone->status != CF_PHONE_OK)
        return 0;
    cf_phone_shim_format(phone->country_code, phone->national, &written);
    national = written.national;
    international = written.international;
    add(&forms, phone->e164);
    add(&forms, national);
    add(&forms, international);
    add(&forms, phone->national);
    add_joined(&forms, "", national, '\0');
    add_joined(&forms, "", national, '.');
    add_joined(&forms, "", national, '-');
    add_joined(&forms, "", national, ' ');
    add_joined(&forms, "", phone->e164, '\0');
    add_joined(&forms, "00", phone->e164, '\0');
    (void)snprintf(text, sizeof(text), "00%s", international[0] ? international + 1 : "");
    add(&forms, text);
    add_joined(&forms, "+", international, ' ');
    add_mixed(&forms, phone, national);
    add_joined(&forms, "+", international, '-');
    add_joined(&forms, "", international, '-');
    add_joined(&forms, "", national, '/');
    add_joined(&forms, "+", international, '.');
    return forms.n;
}

bool cf_phone_forms_are_plain(const struct cf_phone *phone)
{
    return phone->status == CF_PHONE_OK && cf_phone_shim_is_plain(phone->e164);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "phone/phone.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>

#include "phone/phone_text.h"

#define MAX_E164_DIGITS 15U
#define MIN_SUBSCRIBER_DIGITS 7U
#define TAIL_DIGITS 5U
#define MIN_BARE_DIGITS 10U /* of a number with its country code but no plus */

static size_t count_digits(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += isdigit((unsigned char)*text) ? 1 : 0;
    return n;
}

static bool has_letters(const char *text)
{
    for (; *text; text++) {
        if (isalpha((unsigned char)*text))
            return true;
    }
    return false;
}

static bool fits_e164(const struct cf_phone_raw *raw)
{
    size_t n = strlen(raw->country_code) + strlen(raw->national);

    return raw->parsed && raw->national[0] && n <= MAX_E164_DIGITS && strlen(raw->country_code) <= 3;
}

/* Whether the number written as E.164 reads as itself; some countries' prefixes would be cut off again. */
static bool is_stable(const struct cf_phone_raw *raw)
{
    struct cf_phone_raw again;
    char e164[CF_PHONE_TEXT_SIZE];

    (void)snprintf(e164, sizeof(e164), "+%s%s", raw->country_code, raw->national);
    cf_phone_shim_read(e164, "ZZ", &again);
    return strcmp(again.country_code, raw->country_code) == 0 && strcmp(again.national, raw->national) == 0;
}

/* A number of a range that the library's metadata does not know yet: new area codes appear every year, so a
 * plausible number is taken for one. In North America area code and exchange start with 2 to 9. */
static bool is_plausible(const struct cf_phone_raw *raw)
{
    if (!raw->possible || !fits_e164(raw) || strlen(raw->national) < MIN_SUBSCRIBER_DIGITS)
        return false;
    if (strcmp(raw->country_code, "1") == 0 && (raw->national[0] < '2' || raw->national[3] < '2'))
        return false;
    return is_stable(raw);
}

static bool read_valid(const char *text, const char *region, struct cf_phone_raw *ret_raw)
{
    struct cf_phone_raw raw;

    cf_phone_shim_read(text, region, &raw);
    if (!raw.valid || !fits_e164(&raw))
        return false;
    *ret_raw = raw;
    return true;
}

/* Reads `text` with "+" in place of its first `skip` bytes. */
static void read_international(const char *text, size_t skip, struct cf_phone_raw *ret_raw)
{
    char plus[CF_PHONE_TEXT_SIZE + 1];

    (void)snprintf(plus, sizeof(plus), "+%s", text + skip);
    cf_phone_shim_read(plus, "ZZ", ret_raw);
}

static bool is_number(const struct cf_phone_raw *raw)
{
    return (raw->valid && fits_e164(raw)) || is_plausible(raw);
}

/* 00 is written for the plus also where another prefix is dialled, and behind a plus by mistake. */
static bool read_00(const char *text, struct cf_phone_raw *ret_raw)
{
    size_t plus = text[0] == '+' ? 1 : 0;

    if (strncmp(text + plus, "00", 2) != 0)
        return false;
    read_international(text, plus + 2, ret_raw);
    return is_number(ret_raw);
}

/* Reads digits that begin with a country code but have no plus in front. */
static bool read_bare(const char *text, struct cf_phone_raw *ret_raw)
{
    if (!isdigit((unsigned char)text[0]) || text[0] == '0' || count_digits(text) < MIN_BARE_DIGITS)
        return false;
    read_international(text, 0, ret_raw);
    return ret_raw->valid && fits_e164(ret_raw);
}

/* Whether the digits may be the region's own country code and a number rather than a national number: they
 * begin with that code, and not with the prefix that national numbers are written with there. */
static bool may_be_bare(const char *text, const struct cf_phone_raw *first)
{
    return first->trunk[0] && cf_str_starts(cf_str_of(text), cf_str_of(first->country_code)) &&
           !cf_str_starts(cf_str_of(text), cf_str_of(first->trunk));
}

/* The text up to what ends a number: "520 773 9050 home", "520-773-9050 / 520-773-9051". */
static bool read_head(const char *text, const char *region, struct cf_phone_raw *ret_raw)
{
    char head[CF_PHONE_TEXT_SIZE];
    size_t digits = 0;

    for (size_t at = 0; text[at]; at++) {
        digits += isdigit((unsigned char)text[at]) ? 1 : 0;
        if (digits < MIN_SUBSCRIBER_DIGITS || !(isalpha((unsigned char)text[at]) || strchr("/,|", text[at])))
            continue;
        (void)cf_str_copy(head, sizeof(head), (struct cf_str){text, at});
        return read_valid(head, region, ret_raw);
    }
    return false;
}

/* Tries the readings of a text from the likeliest to the least. `first` is how the library reads it as it is.
 */
static bool read_text(const char *text, const char *region, const struct cf_phone_raw *first,
                      struct cf_phone_raw *ret_raw)
{
    if (may_be_bare(text, first) && read_bare(text, ret_raw))
        return true;
    *ret_raw = *first;
    if (first->valid && fits_e164(first))
        return true;
    if (read_00(text, ret_raw))
        return true;
    *ret_raw = *first;
    if (is_plausible(first))
        return true;
    return read_bare(text, ret_raw) || read_head(text, region, ret_raw);
}

static void fill(struct cf_phone *phone, const struct cf_phone_raw *raw)
{
    phone->status = CF_PHONE_OK;
    /* fits_e164() has checked the lengths. */
    phone->e164[0] = '+';
    (void)cf_str_copy(phone->e164 + 1, sizeof(phone->e164) - 1, cf_str_of(raw->country_code));
    (void)cf_str_copy(phone->e164 + 1 + strlen(raw->country_code),
                      sizeof(phone->e164) - 1 - strlen(raw->country_code), cf_str_of(raw->national));
    (void)snprintf(phone->national, sizeof(phone->national), "%.16s", raw->national);
    (void)snprintf(phone->country_code, sizeof(phone->country_code), "%.3s", raw->country_code);
    if (strlen(raw->region) == 2 && isalpha((unsigned char)raw->region[0]))
        (void)snprintf(phone->region, sizeof(phone->region), "%.2s", raw->region);
    if (strlen(raw->extension) < sizeof(phone->extension))
        (void)snprintf(phone->extension, sizeof(phone->extension), "%.7s", raw->extension);
}

/* A region's code in capitals; "US" when there is none. */
static void region_code(const char *region, char ret_code[3])
{
    (void)cf_str_copy(ret_code, 3, cf_str_of(region && region[0] && region[1] ? region : "US"));
    ret_code[0] = (char)toupper((unsigned char)ret_code[0]);
    ret_code[1] = (char)toupper((unsigned char)ret_code[1]);
}

/* Fewer digits than any subscriber of the region has, and no country code: an extension or a service. */
static bool is_short(const char *text, const char *region)
{
    size_t n = count_digits(text);

    return n < MIN_SUBSCRIBER_DIGITS && !strchr(text, '+') && n < cf_phone_shim_usual_length(region);
}

/* The text is no number: whether because it is cut short or because it is something else. */
static enum cf_phone_status why_not(const char *text, const struct cf_phone_raw *first)
{
    if (has_letters(text))
        return CF_PHONE_INVALID;
    return first->too_short || count_digits(text) < MIN_SUBSCRIBER_DIGITS ? CF_PHONE_SHORT : CF_PHONE_INVALID;
}

void cf_phone_parse(struct cf_str text, const char *region, struct cf_phone *ret_phone)
{
    char plain[CF_PHONE_TEXT_SIZE], code[3];
    struct cf_phone_raw first, best;

    *ret_phone = (struct cf_phone){.status = CF_PHONE_INVALID};
    region_code(region, code);
    cf_phone_text_clean(text, plain);
    cf_phone_text_unwrap(plain);
    if (cf_phone_text_is_withheld(plain)) {
        ret_phone->status = CF_PHONE_WITHHELD;
    } else if (is_short(plain, code) && !has_letters(plain)) {
        ret_phone->status = count_digits(plain) ? CF_PHONE_SHORT : CF_PHONE_INVALID;
    } else {
        cf_phone_shim_read(plain, code, &first);
        if (read_text(plain, code, &first, &best))
            fill(ret_phone, &best);
        else
            ret_phone->status = why_not(plain, &first);
    }
    if (ret_phone->status == CF_PHONE_OK && cf_phone_text_is_withheld(ret_phone->e164))
        *ret_phone = (struct cf_phone){.status = CF_PHONE_WITHHELD}; /* a word spelled on the keypad */
}

const char *cf_phone_status_name(enum cf_phone_status status)
{
    switch (status) {
    case CF_PHONE_OK:
        return "ok";
    case CF_PHONE_WITHHELD:
        return "withheld";
    case CF_PHONE_SHORT:
        return "short";
    case CF_PHONE_INVALID:
        return "invalid";
    }
    return "invalid";
}

/* Whether the text surely reads as this number, which is OK: when the library at once reads it so, and
 * nothing makes read_text() prefer another reading. False says nothing. */
static bool reads_at_once(struct cf_str text, const char *region, const struct cf_phone *phone)
{
    char plain[CF_PHONE_TEXT_SIZE], code[3];
    size_t plus;

    region_code(region, code);
    cf_phone_text_clean(text, plain);
    cf_phone_text_unwrap(plain);
    plus = plain[0] == '+' ? 1 : 0;
    if (strncmp(plain + plus, "00", 2) == 0 || plain[0] == phone->e164[1] || plain[0] == '\0')
        return false; /* an exit code, a bare country code */
    return count_digits(plain) >= MIN_SUBSCRIBER_DIGITS && cf_phone_shim_is(plain, code, phone->e164);
}

bool cf_phone_is(struct cf_str text, const char *region, const struct cf_phone *phone)
{
    struct cf_phone field;

    if (phone->status != CF_PHONE_OK)
        return false;
    if (!phone->extension[0] && reads_at_once(text, region, phone))
        return true;
    cf_phone_parse(text, region, &field);
    if (field.status != CF_PHONE_OK || strcmp(field.e164, phone->e164) != 0)
        return false;
    return !field.extension[0] || !phone->extension[0] || strcmp(field.extension, phone->extension) == 0;
}

bool cf_phone_same(struct cf_str text, const char *region, struct cf_str e164)
{
    struct cf_phone phone;

    cf_phone_parse(text, region, &phone);
    return phone.status == CF_PHONE_OK && cf_str_is(e164, phone.e164);
}

/* Countries complete a local number in front, never behind: no written form of a number lacks its last five
 * digits (Norfolk Island's local numbers have five). Letters may spell digits from the third on, and what is
 * not ASCII, or encoded, may be digits too. */
bool cf_phone_may_be(struct cf_str text, const struct cf_phone *phone)
{
    uint32_t want = 0, seen = 0, modulus = 1;
    size_t length = strlen(phone->national), letters = 0, digits = 0;
    size_t tail = length < TAIL_DIGITS ? length : TAIL_DIGITS;

    for (size_t i = 0; i < tail; i++, modulus *= 10)
        want = want * 10 + (uint32_t)(phone->national[length - tail + i] - '0');
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (c >= 0x80 || c == '%' || (isalpha(c) && ++letters == 3))
            return true;
        if (!isdigit(c))
            continue;
        seen = (seen * 10 + (c - '0')) % modulus;
        if (++digits >= tail && seen == want)
            return true;
    }
    return false;
}

void cf_phone_init(void)
{
    struct cf_phone phone;

    cf_phone_parse(CF_STR("+12025550123"), NULL, &phone);
}

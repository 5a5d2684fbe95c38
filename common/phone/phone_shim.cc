/* SPDX-License-Identifier: Apache-2.0 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <phonenumbers/phonenumberutil.h>

#include "phone/phone_priv.h"

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace
{

template <size_t size> void copy(char (&to)[size], const std::string &from)
{
    /* What does not fit is no number that anyone dials; cut, it would be another number. */
    if (from.size() < size)
        (void)std::snprintf(to, size, "%s", from.c_str());
}

void fill(const PhoneNumberUtil &util, const PhoneNumber &number, struct cf_phone_raw *raw)
{
    std::string national, region, trunk;
    const PhoneNumberUtil::ValidationResult length = util.IsPossibleNumberWithReason(number);

    util.GetNationalSignificantNumber(number, &national);
    util.GetRegionCodeForNumber(number, &region);
    raw->valid = util.IsValidNumberForRegion(number, region); /* IsValidNumber() would look for it again */
    if (region.size() != 2 || region == "ZZ")
        util.GetRegionCodeForCountryCode(number.country_code(), &region);
    raw->possible = length == PhoneNumberUtil::IS_POSSIBLE;
    raw->too_short =
        length == PhoneNumberUtil::TOO_SHORT || length == PhoneNumberUtil::IS_POSSIBLE_LOCAL_ONLY;
    copy(raw->country_code, std::to_string(number.country_code()));
    copy(raw->national, national);
    copy(raw->extension, number.extension());
    copy(raw->region, region);
    util.GetNddPrefixForRegion(region, true, &trunk);
    copy(raw->trunk, trunk);
    raw->parsed = true;
}

/* Country codes whose national numbers are written with one digit in front, or none, and nothing else that
 * the library would take off: behind them what begins with another digit is the number as it is. */
struct plain_code {
    const char *code;
    char trunk; /* NUL: none */
};

constexpr plain_code plain_codes[] = {
    {"1", '1'},  {"20", '0'}, {"31", '0'}, {"32", '0'},  {"33", '0'}, {"34", 0}, {"40", '0'}, {"41", '0'},
    {"43", '0'}, {"44", '0'}, {"45", 0},   {"46", '0'},  {"47", 0},   {"48", 0}, {"49", '0'}, {"60", '0'},
    {"66", '0'}, {"81", '0'}, {"91", '0'}, {"353", '0'}, {"420", 0},  {"65", 0}, {"852", 0},  {"971", '0'}};

/* "+" and digits, the usual form of an ANI: most of what the library does to read it is looking for something
 * else. True: `ret_number` is what it would read. */
bool read_plain(const char *text, PhoneNumber *ret_number)
{
    const size_t length = text[0] == '+' ? std::strlen(text + 1) : 0;

    if (length < 8 || length > 15 || std::strspn(text + 1, "0123456789") != length)
        return false;
    for (const plain_code &code : plain_codes) {
        const size_t n = std::strlen(code.code);
        const char *national = text + 1 + n;

        if (std::strncmp(text + 1, code.code, n) != 0)
            continue;
        if (*national == '0' || *national == code.trunk)
            return false;
        ret_number->set_country_code(static_cast<int>(std::strtol(code.code, nullptr, 10)));
        ret_number->set_national_number(std::strtoull(national, nullptr, 10));
        return true;
    }
    return false;
}

/* What cf_phone_parse() gave is the number already; reading it again could only change it. */
void number_of(const char *country_code, const char *national, PhoneNumber *ret_number)
{
    const size_t zeros = std::strspn(national, "0"), length = std::strlen(national);

    ret_number->set_country_code(static_cast<int>(std::strtol(country_code, nullptr, 10)));
    ret_number->set_national_number(std::strtoull(national, nullptr, 10));
    if (zeros > 0 && length > 1) {
        ret_number->set_italian_leading_zero(true);
        if (zeros > 1)
            ret_number->set_number_of_leading_zeros(static_cast<int>(zeros < length ? zeros : length - 1));
    }
}

void put(const std::string &text, char *to, size_t size)
{
    if (text.size() < size)
        (void)std::snprintf(to, size, "%s", text.c_str());
}

} // namespace

void cf_phone_shim_read(const char *text, const char *region, struct cf_phone_raw *ret_raw)
{
    *ret_raw = {};
    try {
        const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
        PhoneNumber number;
        PhoneNumberUtil::ErrorType error = PhoneNumberUtil::NO_PARSING_ERROR;

        if (!read_plain(text, &number))
            error = util.Parse(text, region, &number);
        if (error == PhoneNumberUtil::NO_PARSING_ERROR)
            fill(util, number, ret_raw);
        ret_raw->too_short = ret_raw->too_short || error == PhoneNumberUtil::TOO_SHORT_NSN ||
                             error == PhoneNumberUtil::TOO_SHORT_AFTER_IDD;
    } catch (...) {
        *ret_raw = {};
    }
}

bool cf_phone_shim_is(const char *text, const char *region, const char *e164)
{
    try {
        const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
        PhoneNumber number;
        std::string read;

        if (!read_plain(text, &number) &&
            util.Parse(text, region, &number) != PhoneNumberUtil::NO_PARSING_ERROR)
            return false;
        util.Format(number, PhoneNumberUtil::E164, &read);
        return read == e164;
    } catch (...) {
        return false;
    }
}

bool cf_phone_shim_is_plain(const char *e164)
{
    PhoneNumber number;

    return read_plain(e164, &number);
}

void cf_phone_shim_format(const char *country_code, const char *national,
                          struct cf_phone_written *ret_written)
{
    *ret_written = {};
    try {
        const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
        PhoneNumber number;
        std::string text;

        number_of(country_code, national, &number);
        util.Format(number, PhoneNumberUtil::NATIONAL, &text);
        put(text, ret_written->national, sizeof(ret_written->national));
        util.Format(number, PhoneNumberUtil::INTERNATIONAL, &text);
        put(text, ret_written->international, sizeof(ret_written->international));
    } catch (...) {
        *ret_written = {};
    }
}

size_t cf_phone_shim_usual_length(const char *region)
{
    try {
        const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
        PhoneNumber number;
        std::string national;

        if (!util.GetExampleNumber(region, &number))
            return 0;
        util.GetNationalSignificantNumber(number, &national);
        return national.size();
    } catch (...) {
        return 0;
    }
}

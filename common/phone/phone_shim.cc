/* SPDX-License-Identifier: Apache-2.0 */
#include <cstdio>
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
    if (region.size() != 2 || region == "ZZ")
        util.GetRegionCodeForCountryCode(number.country_code(), &region);
    raw->valid = util.IsValidNumber(number);
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

} // namespace

void cf_phone_shim_read(const char *text, const char *region, struct cf_phone_raw *ret_raw)
{
    *ret_raw = {};
    try {
        const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
        PhoneNumber number;
        const PhoneNumberUtil::ErrorType error = util.Parse(text, region, &number);

        if (error == PhoneNumberUtil::NO_PARSING_ERROR)
            fill(util, number, ret_raw);
        ret_raw->too_short = ret_raw->too_short || error == PhoneNumberUtil::TOO_SHORT_NSN ||
                             error == PhoneNumberUtil::TOO_SHORT_AFTER_IDD;
    } catch (...) {
        *ret_raw = {};
    }
}

void cf_phone_shim_format(const char *e164, enum cf_phone_format format, char *ret_text, size_t size)
{
    ret_text[0] = '\0';
    try {
        const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
        PhoneNumber number;
        std::string text;

        if (util.Parse(e164, "ZZ", &number) != PhoneNumberUtil::NO_PARSING_ERROR)
            return;
        util.Format(number,
                    format == CF_PHONE_FORMAT_NATIONAL ? PhoneNumberUtil::NATIONAL
                                                       : PhoneNumberUtil::INTERNATIONAL,
                    &text);
        if (text.size() < size)
            (void)std::snprintf(ret_text, size, "%s", text.c_str());
    } catch (...) {
        ret_text[0] = '\0';
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

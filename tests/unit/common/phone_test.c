/* SPDX-License-Identifier: Apache-2.0 */
#include "phone/phone.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_FORMS 48

static const struct number {
    const char *e164, *region, *extension;
    const char *home[MAX_FORMS], *abroad[MAX_FORMS];
} numbers[] = {
#define HOME(...)                                                                                            \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }
#define ABROAD(...)                                                                                          \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }
#define NUMBER(e164, region, extension, home, abroad) {e164, region, extension, home, abroad},
#include "unit/common/phone_rows.def"
#undef NUMBER
#undef HOME
#undef ABROAD
};

#define N_NUMBERS ((int)(sizeof(numbers) / sizeof(numbers[0])))

static void reads(const char *text, const char *region, const struct number *number)
{
    struct cf_phone phone;

    cf_phone_parse(cf_str_of(text), region, &phone);
    ck_assert_msg(phone.status == CF_PHONE_OK && strcmp(phone.e164, number->e164) == 0,
                  "%s in %s: %s %s, not %s", text, region, cf_phone_status_name(phone.status), phone.e164,
                  number->e164);
    ck_assert_msg(strcmp(phone.extension, number->extension) == 0, "%s: extension %s", text, phone.extension);
    ck_assert_msg(cf_phone_may_be(cf_str_of(text), &phone), "%s may be %s", text, phone.e164);
    ck_assert_uint_eq(strlen(phone.country_code) + strlen(phone.national) + 1, strlen(phone.e164));
    ck_assert_str_eq(phone.e164 + 1 + strlen(phone.country_code), phone.national);
}

START_TEST(every_written_form)
{
    const struct number *number = &numbers[_i];
    const char *foreign = strncmp(number->e164, "+1", 2) == 0 ? "DE" : "US";

    for (size_t i = 0; number->home[i]; i++)
        reads(number->home[i], number->region, number);
    for (size_t i = 0; number->abroad[i]; i++)
        reads(number->abroad[i], foreign, number);
}
END_TEST

/* The table keeps its promise: enough forms from enough countries. */
START_TEST(table_is_broad)
{
    size_t forms = 0, countries = 0;

    for (int i = 0; i < N_NUMBERS; i++) {
        bool seen = false;

        for (size_t j = 0; numbers[i].home[j]; j++)
            forms++;
        for (size_t j = 0; numbers[i].abroad[j]; j++)
            forms++;
        for (int j = 0; j < i; j++)
            seen = seen || strcmp(numbers[j].region, numbers[i].region) == 0;
        countries += !seen;
    }
    ck_assert_uint_ge(forms, 200);
    ck_assert_uint_ge(countries, 30);
}
END_TEST

/* What a query asks for and what the re-check accepts agree, whatever the default region. */
START_TEST(own_forms_are_the_same_number)
{
    const struct number *number = &numbers[_i];
    struct cf_phone phone, again;
    char forms[16][32];
    size_t n;

    cf_phone_parse(cf_str_of(number->e164), NULL, &phone);
    n = cf_phone_forms(&phone, forms, 16);
    ck_assert_uint_ge(n, 5);
    ck_assert_str_eq(forms[0], number->e164);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(forms[i], forms[j]);
        if (phone.region[0] == '\0' && forms[i][0] != '+' && strncmp(forms[i], "00", 2) != 0)
            continue; /* no country to be national in */
        cf_phone_parse(cf_str_of(forms[i]), number->region, &again);
        ck_assert_msg(cf_phone_same(cf_str_of(forms[i]), number->region, cf_str_of(number->e164)),
                      "form %s of %s reads as %s", forms[i], number->e164, again.e164);
    }
    ck_assert_uint_eq(cf_phone_forms(&phone, forms, 3), 3);
}
END_TEST

static const struct {
    const char *text, *region;
    enum cf_phone_status status;
} refused[] = {
    {"", "US", CF_PHONE_WITHHELD},
    {"   ", "US", CF_PHONE_WITHHELD},
    {"-", "US", CF_PHONE_WITHHELD},
    {"anonymous", "US", CF_PHONE_WITHHELD},
    {"Anonymous", "DE", CF_PHONE_WITHHELD},
    {"ANONYMOUS CALLER", "DE", CF_PHONE_WITHHELD},
    {"unavailable", "US", CF_PHONE_WITHHELD},
    {"Not Available", "US", CF_PHONE_WITHHELD},
    {"restricted", "US", CF_PHONE_WITHHELD},
    {"private", "US", CF_PHONE_WITHHELD},
    {"Private Number", "US", CF_PHONE_WITHHELD},
    {"PRIVATE/UNKNOWN", "US", CF_PHONE_WITHHELD},
    {"unknown", "US", CF_PHONE_WITHHELD},
    {"Unknown Caller", "US", CF_PHONE_WITHHELD},
    {"No Caller ID", "US", CF_PHONE_WITHHELD},
    {"withheld", "GB", CF_PHONE_WITHHELD},
    {"blocked", "US", CF_PHONE_WITHHELD},
    {"Out of area", "US", CF_PHONE_WITHHELD},
    {"null", "US", CF_PHONE_WITHHELD},
    {"N/A", "US", CF_PHONE_WITHHELD},
    {"P", "US", CF_PHONE_WITHHELD},
    {"unbekannt", "DE", CF_PHONE_WITHHELD},
    {"sip:anonymous@anonymous.invalid", "US", CF_PHONE_WITHHELD},
    {"\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1", "US", CF_PHONE_WITHHELD},
    {"sip:unavailable@unknown.invalid", "US", CF_PHONE_WITHHELD},
    {"sip:@10.0.0.1", "US", CF_PHONE_WITHHELD},
    {"tel:anonymous", "US", CF_PHONE_WITHHELD},
    {"+266696687", "US", CF_PHONE_WITHHELD},
    {"+7378742833", "US", CF_PHONE_WITHHELD},
    {"+86 28 2452253 x1", "US", CF_PHONE_WITHHELD},
    {"911", "US", CF_PHONE_SHORT},
    {"112", "DE", CF_PHONE_SHORT},
    {"+49112", "DE", CF_PHONE_SHORT},
    {"0", "US", CF_PHONE_SHORT},
    {"12345", "US", CF_PHONE_SHORT},
    {"12345", "DE", CF_PHONE_SHORT},
    {"201234", "DE", CF_PHONE_SHORT},
    {"4002", "US", CF_PHONE_SHORT},
    {"116117", "DE", CF_PHONE_SHORT},
    {"555-0123", "US", CF_PHONE_SHORT},
    {"+1 520 555 012", "US", CF_PHONE_SHORT},
    {"sip:7042@pbx.example.com", "US", CF_PHONE_SHORT},
    {"*31#", "DE", CF_PHONE_SHORT},
    {"+", "US", CF_PHONE_WITHHELD},
    {"abc", "US", CF_PHONE_INVALID},
    {"john.doe@example.com", "US", CF_PHONE_INVALID},
    {"sip:alice@example.com", "US", CF_PHONE_INVALID},
    {"a1b2", "US", CF_PHONE_INVALID},
    {"anonymous1", "US", CF_PHONE_INVALID},
    {"+999 123 456 789", "US", CF_PHONE_INVALID},
    {"0000000000", "US", CF_PHONE_INVALID},
    {"1111111111", "US", CF_PHONE_INVALID},
    {"123456789012345678901234567890", "US", CF_PHONE_INVALID},
    {"+1520555012345678", "US", CF_PHONE_INVALID},
    {"' OR '1'='1", "US", CF_PHONE_INVALID},
    {"%' OR Phone LIKE '%", "US", CF_PHONE_INVALID},
    {"2026-11-22T10:15:30Z", "US", CF_PHONE_INVALID},
    {"5205550123", "XX", CF_PHONE_INVALID},
};

START_TEST(refused_forms)
{
    struct cf_phone phone;

    cf_phone_parse(cf_str_of(refused[_i].text), refused[_i].region, &phone);
    ck_assert_msg(phone.status == refused[_i].status, "%s: %s %s", refused[_i].text,
                  cf_phone_status_name(phone.status), phone.e164);
    ck_assert_str_eq(phone.e164, "");
    ck_assert_str_eq(phone.national, "");
    ck_assert_str_eq(phone.region, "");
}
END_TEST

START_TEST(regions_of_numbers)
{
    struct cf_phone phone;

    cf_phone_parse(CF_STR("+49 30 23125123"), "US", &phone);
    ck_assert_str_eq(phone.region, "DE");
    ck_assert_str_eq(phone.country_code, "49");
    ck_assert_str_eq(phone.national, "3023125123");
    cf_phone_parse(CF_STR("416-555-0123"), "us", &phone);
    ck_assert_str_eq(phone.region, "CA");
    cf_phone_parse(CF_STR("+80012345678"), NULL, &phone);
    ck_assert_str_eq(phone.region, "");
    ck_assert_str_eq(phone.country_code, "800");
}
END_TEST

/* Area codes that are newer than the installed metadata must not make a customer unknown. */
START_TEST(unassigned_but_plausible_is_a_number)
{
    struct cf_phone phone;

    cf_phone_parse(CF_STR("+1 555 555 0123"), NULL, &phone);
    ck_assert_int_eq(phone.status, CF_PHONE_OK);
    ck_assert_str_eq(phone.e164, "+15555550123");
    ck_assert_str_eq(phone.region, "US");
    cf_phone_parse(CF_STR("+1 155 555 0123"), NULL, &phone);
    ck_assert_int_eq(phone.status, CF_PHONE_INVALID);
    cf_phone_parse(CF_STR("+1 555 155 0123"), NULL, &phone);
    ck_assert_int_eq(phone.status, CF_PHONE_INVALID);
}
END_TEST

START_TEST(different_numbers_are_not_the_same)
{
    ck_assert(!cf_phone_same(CF_STR("520-555-0124"), "US", CF_STR("+15205550123")));
    ck_assert(!cf_phone_same(CF_STR("5550123"), "US", CF_STR("+15205550123")));
    ck_assert(!cf_phone_same(CF_STR("520-555-0123"), "DE", CF_STR("+15205550123")));
    ck_assert(!cf_phone_same(CF_STR("030 23125123"), "AT", CF_STR("+493023125123")));
    ck_assert(!cf_phone_same(CF_STR(""), "US", CF_STR("")));
    ck_assert(!cf_phone_same(CF_STR("anonymous"), "US", CF_STR("")));
    ck_assert(cf_phone_same(CF_STR("520-555-0123 x7"), "US", CF_STR("+15205550123")));
}
END_TEST

/* The cheap test may let others pass, but never stop the number itself; each row is some number's. */
START_TEST(cheap_test_agrees)
{
    struct cf_phone phone;
    size_t stopped = 0, asked = 0;

    cf_phone_parse(cf_str_of(numbers[_i].e164), NULL, &phone);
    for (int k = 0; k < N_NUMBERS; k++) {
        for (size_t i = 0; numbers[k].home[i]; i++) {
            struct cf_str text = cf_str_of(numbers[k].home[i]);
            bool may_be = cf_phone_may_be(text, &phone);

            ck_assert_msg(may_be || !cf_phone_same(text, numbers[k].region, cf_str_of(phone.e164)),
                          "%s is %s", text.p, phone.e164);
            stopped += may_be ? 0 : 1;
            asked++;
        }
    }
    ck_assert_uint_gt(stopped, asked / 4);
}
END_TEST

static const struct {
    const char *text, *e164;
    bool may_be;
} cheap[] = {
    {"(520) 555-0123", "+15205550123", true},
    {"(520) 555-0124", "+15205550123", false},
    {"520-555-0123 x7", "+15205550123", true},
    {"1-800-FLOWERS", "+18003569377", true},
    {"", "+15205550123", false},
    {"0123", "+15205550123", false},
    {"4002", "+6834002", true},
    {"886377", "+3780549886377", true},
    {"22500", "+672322500", true},
};

START_TEST(cheap_rows)
{
    struct cf_phone phone;

    cf_phone_parse(cf_str_of(cheap[_i].e164), NULL, &phone);
    ck_assert_int_eq(phone.status, CF_PHONE_OK);
    ck_assert_int_eq(cf_phone_may_be(cf_str_of(cheap[_i].text), &phone), cheap[_i].may_be);
}
END_TEST

/* A plain +digits text is read without the library's parser where that could find nothing else. A blank
 * behind the plus takes the long way; both must agree, for numbers of all lengths behind all country codes.
 */
START_TEST(short_cut_reads_the_same)
{
    uint64_t seed = 20261122 + (uint64_t)_i;
    char plain[24], blank[32];
    struct cf_phone a, b;

    for (size_t i = 0; i < 400; i++) {
        /* codes 1 to 999, the first digit of the national number now and then a trunk prefix */
        int n = snprintf(plain, sizeof(plain), "+%llu%0*llu", (unsigned long long)(seed % 998 + 1),
                         4 + (int)(seed % 9), (unsigned long long)(seed >> 20) % 10000000000000ULL);

        ck_assert_int_gt(n, 0);
        plain[16] = '\0';
        (void)snprintf(blank, sizeof(blank), "+ %s", plain + 1);
        cf_phone_parse(cf_str_of(plain), "US", &a);
        cf_phone_parse(cf_str_of(blank), "US", &b);
        ck_assert_msg(a.status == b.status && strcmp(a.e164, b.e164) == 0 &&
                          strcmp(a.national, b.national) == 0 && strcmp(a.region, b.region) == 0 &&
                          strcmp(a.country_code, b.country_code) == 0 &&
                          strcmp(a.extension, b.extension) == 0,
                      "%s: %s %s %s, the long way %s %s %s", plain, cf_phone_status_name(a.status), a.e164,
                      a.region, cf_phone_status_name(b.status), b.e164, b.region);
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
    }
}
END_TEST

/* The codes of the short cut, with numbers near those that exist. */
START_TEST(short_cut_reads_the_same_near_numbers)
{
    static const char *const codes[] = {"1",  "20", "31", "32",  "33",  "34", "40",  "41",
                                        "43", "44", "45", "46",  "47",  "48", "49",  "60",
                                        "66", "81", "91", "353", "420", "65", "852", "971"};
    uint64_t seed = 20261122 + (uint64_t)_i;
    char plain[24], blank[32];
    struct cf_phone a, b;

    for (size_t i = 0; i < 200; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (void)snprintf(plain, sizeof(plain), "+%s%010llu", codes[_i],
                       (unsigned long long)(seed >> 8) % 10000000000ULL);
        plain[8 + seed % 8] = '\0';
        (void)snprintf(blank, sizeof(blank), "+ %s", plain + 1);
        cf_phone_parse(cf_str_of(plain), "DE", &a);
        cf_phone_parse(cf_str_of(blank), "DE", &b);
        ck_assert_msg(a.status == b.status && strcmp(a.e164, b.e164) == 0 && strcmp(a.region, b.region) == 0,
                      "%s: %s %s %s, the long way %s %s %s", plain, cf_phone_status_name(a.status), a.e164,
                      a.region, cf_phone_status_name(b.status), b.e164, b.region);
    }
}
END_TEST

/* Numbers that exist, with another digit behind the country code: a trunk prefix that the library takes off.
 */
START_TEST(short_cut_leaves_trunk_prefixes)
{
    struct cf_phone phone, a, b;
    char plain[24], blank[32];

    cf_phone_parse(cf_str_of(numbers[_i].e164), NULL, &phone);
    for (int digit = '0'; digit <= '9'; digit++) {
        (void)snprintf(plain, sizeof(plain), "+%s%c%s", phone.country_code, digit, phone.national);
        (void)snprintf(blank, sizeof(blank), "+ %s", plain + 1);
        cf_phone_parse(cf_str_of(plain), "US", &a);
        cf_phone_parse(cf_str_of(blank), "US", &b);
        ck_assert_msg(a.status == b.status && strcmp(a.e164, b.e164) == 0, "%s: %s %s, the long way %s %s",
                      plain, cf_phone_status_name(a.status), a.e164, cf_phone_status_name(b.status), b.e164);
    }
}
END_TEST

/* Comparing a field is quicker than reading it, with the same result. */
START_TEST(comparing_agrees_with_reading)
{
    struct cf_phone phone;

    cf_phone_parse(cf_str_of(numbers[_i].e164), NULL, &phone);
    for (int k = 0; k < N_NUMBERS; k++) {
        for (size_t i = 0; numbers[k].home[i]; i++) {
            struct cf_str text = cf_str_of(numbers[k].home[i]);

            ck_assert_msg(cf_phone_is(text, numbers[k].region, &phone) ==
                              cf_phone_same(text, numbers[k].region, cf_str_of(phone.e164)),
                          "%s in %s and %s", text.p, numbers[k].region, phone.e164);
            if (cf_phone_may_be(text, &phone))
                ck_assert(cf_phone_is(text, "DE", &phone) ==
                          cf_phone_same(text, "DE", cf_str_of(phone.e164)));
        }
    }
}
END_TEST

/* A pattern of the digits finds all forms of the numbers that say so. */
START_TEST(plain_forms_hold_the_digits)
{
    struct cf_phone phone;
    char forms[20][32];
    size_t n;

    cf_phone_parse(cf_str_of(numbers[_i].e164), NULL, &phone);
    n = cf_phone_forms(&phone, forms, 20);
    for (size_t i = 0; i < n && cf_phone_forms_are_plain(&phone); i++) {
        const char *digits = phone.national;

        for (const char *at = forms[i]; *at && *digits; at++)
            digits += *at == *digits;
        ck_assert_msg(*digits == '\0', "%s in %s", phone.national, forms[i]);
    }
}
END_TEST

START_TEST(extensions)
{
    struct cf_phone line, company;

    cf_phone_parse(CF_STR("+15205550123 x42"), NULL, &line);
    cf_phone_parse(CF_STR("+15205550123"), NULL, &company);
    ck_assert(cf_phone_is(CF_STR("520-555-0123 ext. 42"), "US", &line));
    ck_assert(cf_phone_is(CF_STR("520-555-0123"), "US", &line));
    ck_assert(!cf_phone_is(CF_STR("520-555-0123 ext. 43"), "US", &line));
    ck_assert(cf_phone_is(CF_STR("520-555-0123 ext. 43"), "US", &company));
    ck_assert(!cf_phone_is(CF_STR("anonymous"), "US", &company));
    ck_assert(!cf_phone_is(CF_STR("0123"), "US", &company));
    company.status = CF_PHONE_SHORT;
    ck_assert(!cf_phone_is(CF_STR("+15205550123"), "US", &company));
}
END_TEST

START_TEST(only_so_much_is_read)
{
    struct cf_phone phone;
    char text[1000];

    memset(text, ' ', sizeof(text));
    text[200] = '+';
    memset(text + 201, '5', 11);
    cf_phone_parse((struct cf_str){text, sizeof(text)}, NULL, &phone);
    memset(text, '5', sizeof(text));
    cf_phone_parse((struct cf_str){text, sizeof(text)}, NULL, &phone);
    ck_assert_int_eq(phone.status, CF_PHONE_INVALID);
    memset(text, 0xff, sizeof(text));
    cf_phone_parse((struct cf_str){text, sizeof(text)}, NULL, &phone);
    ck_assert_int_eq(phone.status, CF_PHONE_WITHHELD);
    cf_phone_parse((struct cf_str){0}, "", &phone);
    ck_assert_int_eq(phone.status, CF_PHONE_WITHHELD);
    ck_assert_uint_eq(cf_phone_forms(&phone, (char(*)[32])text, 16), 0);
}
END_TEST

START_TEST(status_names)
{
    ck_assert_str_eq(cf_phone_status_name(CF_PHONE_OK), "ok");
    ck_assert_str_eq(cf_phone_status_name(CF_PHONE_WITHHELD), "withheld");
    ck_assert_str_eq(cf_phone_status_name(CF_PHONE_SHORT), "short");
    ck_assert_str_eq(cf_phone_status_name(CF_PHONE_INVALID), "invalid");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("common.phone");
    TCase *tcase = tcase_create("phone");
    SRunner *runner = srunner_create(suite);
    int failed;

    cf_phone_init(); /* once here, not in each forked test */
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, every_written_form, 0, N_NUMBERS);
    tcase_add_test(tcase, table_is_broad);
    tcase_add_loop_test(tcase, own_forms_are_the_same_number, 0, N_NUMBERS);
    tcase_add_loop_test(tcase, refused_forms, 0, (int)(sizeof(refused) / sizeof(refused[0])));
    tcase_add_test(tcase, regions_of_numbers);
    tcase_add_test(tcase, unassigned_but_plausible_is_a_number);
    tcase_add_test(tcase, different_numbers_are_not_the_same);
    tcase_add_loop_test(tcase, cheap_test_agrees, 0, N_NUMBERS);
    tcase_add_loop_test(tcase, cheap_rows, 0, (int)(sizeof(cheap) / sizeof(cheap[0])));
    tcase_add_loop_test(tcase, short_cut_reads_the_same, 0, 10);
    tcase_add_loop_test(tcase, short_cut_reads_the_same_near_numbers, 0, 24);
    tcase_add_loop_test(tcase, short_cut_leaves_trunk_prefixes, 0, N_NUMBERS);
    tcase_add_loop_test(tcase, comparing_agrees_with_reading, 0, N_NUMBERS);
    tcase_add_loop_test(tcase, plain_forms_hold_the_digits, 0, N_NUMBERS);
    tcase_add_test(tcase, extensions);
    tcase_add_test(tcase, only_so_much_is_read);
    tcase_add_test(tcase, status_names);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

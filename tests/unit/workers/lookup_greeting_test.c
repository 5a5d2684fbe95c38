/* SPDX-License-Identifier: Apache-2.0 */
/* What the caller hears: language, template, hostile names. */
#include <check.h>

#include "lookup_greeting.h"

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static struct cf_arena *arena;

static void setup(void)
{
    arena = cf_arena_new(1 << 20);
}

static void teardown(void)
{
    cf_arena_free(arena);
}

static const struct cf_pair none[] = {{0}};
static const struct cf_pair own[] = {{"en", "Hi {name} of {account}."},
                                     {"en.unknown", "Hi there & welcome."},
                                     {"it", "Buongiorno."},
                                     {"pt-BR.case", "Caso {case}."},
                                     {0}};

enum who { STRANGER, CONTACT, CONTACT_WITH_CASE, ACCOUNT_ALONE, AMBIGUOUS, NAMELESS };

static struct cf_customer customer_of(enum who who, const char *name)
{
    static const struct cf_case one = {.number = {"00001001", 8}};
    struct cf_customer customer = {.status = CF_CUSTOMER_UNMATCHED};

    if (who == STRANGER)
        return customer;
    customer.status = who == AMBIGUOUS ? CF_CUSTOMER_AMBIGUOUS : CF_CUSTOMER_MATCHED;
    customer.account.id = CF_STR("001000000000001");
    if (who != NAMELESS)
        customer.account.name = CF_STR("Acme");
    if (who == CONTACT || who == CONTACT_WITH_CASE || who == AMBIGUOUS) {
        customer.contact.id = CF_STR("003000000000001");
        customer.contact.name = cf_str_of(name);
    }
    if (who == CONTACT_WITH_CASE || who == AMBIGUOUS) {
        customer.cases = &one;
        customer.n_cases = 1;
    }
    return customer;
}

static struct lookup_greeting greet(const struct cf_pair *templates, const char *language, enum who who,
                                    const char *name)
{
    const struct lookup_greeting_opts opts = {templates, "en"};
    struct cf_customer customer = customer_of(who, name);
    struct lookup_greeting greeting;

    lookup_greet(arena, &opts, cf_str_of(language), &customer, &greeting);
    return greeting;
}

static const struct {
    const struct cf_pair *templates;
    const char *language;
    enum who who;
    const char *ret_language, *start;
} rows[] = {
    {none, NULL, CONTACT, "en", "Hello Ana. Thank you"},
    {none, "en", CONTACT_WITH_CASE, "en", "Hello Ana. You are calling about case 00001001?"},
    {none, "en-GB", STRANGER, "en-GB", "Hello, and thank you"},
    {none, "de", CONTACT, "de", "Guten Tag, Ana."},
    {none, "DE-at", CONTACT_WITH_CASE, "DE-at", "Guten Tag, Ana. Geht es um den Vorgang 00001001?"},
    {none, "es", STRANGER, "es", "Hola y gracias"},
    {none, "fr-CA", CONTACT, "fr-CA", "Bonjour Ana."},
    {none, "ja", CONTACT, "en", "Hello Ana."},
    {none, "", CONTACT, "en", "Hello Ana."},
    {none, "e\"n", CONTACT, "en", "Hello Ana."},
    {none, "-", CONTACT, "en", "Hello Ana."},
    {none, "en", ACCOUNT_ALONE, "en", "Hello Acme."},
    {none, "en", AMBIGUOUS, "en", "Hello, and thank you"}, /* may be somebody else: no name, no case */
    {none, "en", NAMELESS, "en", "Hello, and thank you"},
    {own, "en", CONTACT, "en", "Hi Ana of Acme."},
    {own, "en", CONTACT_WITH_CASE, "en", "Hi Ana of Acme."}, /* configured before built in */
    {own, "en", STRANGER, "en", "Hi there & welcome."},
    {own, "en-US", AMBIGUOUS, "en-US", "Hi there & welcome."},
    {own, "it", CONTACT, "it", "Buongiorno."},
    {own, "it-CH", STRANGER, "it-CH", "Buongiorno."},
    {own, "pt-BR", CONTACT_WITH_CASE, "pt-BR", "Caso 00001001."},
    {own, "pt-BR", CONTACT, "en", "Hi Ana of Acme."},
    {own, "pt", CONTACT_WITH_CASE, "en", "Hi Ana of Acme."},
    {NULL, "de", STRANGER, "de", "Guten Tag und vielen Dank"},
};

START_TEST(test_choice)
{
    struct lookup_greeting greeting = greet(rows[_i].templates, rows[_i].language, rows[_i].who, "Ana");

    ck_assert_msg(cf_str_is(greeting.language, rows[_i].ret_language), "%s", greeting.language.p);
    ck_assert_msg(cf_str_starts(greeting.text, cf_str_of(rows[_i].start)), "%s", greeting.text.p);
}
END_TEST

START_TEST(test_ssml)
{
    struct lookup_greeting greeting = greet(none, "en-GB", CONTACT_WITH_CASE, "Ana");

    ck_assert_str_eq(
        greeting.ssml.p,
        "<speak version=\"1.0\" xmlns=\"http://www.w3.org/2001/10/synthesis\" xml:lang=\"en-GB\">Hello "
        "Ana. You are calling about case <say-as interpret-as=\"characters\">00001001</say-as>? We "
        "will be with you in a moment.</speak>");
    greeting = greet(own, "en", STRANGER, "");
    ck_assert_ptr_nonnull(strstr(greeting.ssml.p, ">Hi there &amp; welcome.</speak>"));
}
END_TEST

static const struct {
    const char *name, *text, *ssml;
} hostile[] = {
    {"</speak><audio src='x'/>", "Hi </speak><audio src='x'/> of Acme.",
     ">Hi &lt;/speak&gt;&lt;audio src=&apos;x&apos;/&gt; of Acme.</speak>"},
    {"O'Neil & \"Sons\"", "Hi O'Neil & \"Sons\" of Acme.",
     ">Hi O&apos;Neil &amp; &quot;Sons&quot; of Acme.</speak>"},
    {"{account}{case}{name}", "Hi {account}{case}{name} of Acme.",
     ">Hi {account}{case}{name} of Acme.</speak>"},
    {"a\x01\x1b[2Jb\nc\x7f"
     "d",
     "Hi a  [2Jb c d of Acme.", ">Hi a  [2Jb c d of Acme.</speak>"},
    {"\xe5\xb1\xb1\xe7\x94\xb0 \xf0\x9f\x98\x80 \\",
     "Hi \xe5\xb1\xb1\xe7\x94\xb0 \xf0\x9f\x98\x80 \\ of Acme.",
     ">Hi \xe5\xb1\xb1\xe7\x94\xb0 \xf0\x9f\x98\x80 \\ of Acme.</speak>"},
    {"  spaces  ", "Hi spaces of Acme.", ">Hi spaces of Acme.</speak>"},
};

START_TEST(test_hostile_name)
{
    struct lookup_greeting greeting = greet(own, "en", CONTACT, hostile[_i].name);

    ck_assert_str_eq(greeting.text.p, hostile[_i].text);
    ck_assert_msg(strstr(greeting.ssml.p, hostile[_i].ssml) != NULL, "%s", greeting.ssml.p);
}
END_TEST

/* The longest of everything stays inside the event's limits, and the SSML stays whole. */
START_TEST(test_longest)
{
    char name[256], template[501];
    const struct cf_pair longest[] = {{"en", template}, {0}};
    const struct lookup_greeting_opts opts = {longest, "en"};
    struct lookup_greeting greeting;
    struct cf_err err;

    memset(name, '"', sizeof(name) - 1);
    name[255] = '\0';
    memset(template, '"', 500);
    template[500] = '\0';
    for (size_t i = 0; i < 8; i++)
        memcpy(template + i * 6, i % 2 ? "{name}" : "{case}", 6);
    ck_assert_int_eq(lookup_greeting_check(&opts, &err), 0);
    greeting = greet(longest, "en", CONTACT_WITH_CASE, name);
    ck_assert_uint_le(greeting.text.n, 4096);
    ck_assert_uint_le(greeting.ssml.n, 8192);
    ck_assert_str_eq(greeting.ssml.p + greeting.ssml.n - 8, "</speak>");
}
END_TEST

START_TEST(test_name_is_cut_between_characters)
{
    char name[256];
    struct lookup_greeting greeting;

    memset(name, 'n', sizeof(name) - 1);
    name[255] = '\0';
    memcpy(name + 79, "\xc3\xa9", 2);
    greeting = greet(none, "en", CONTACT, name);
    ck_assert_ptr_null(strchr(greeting.text.p, '\xc3'));
    ck_assert_ptr_nonnull(strstr(greeting.text.p, "n. Thank you"));
}
END_TEST

static char long_text[502];
static const struct {
    const char *key, *text, *language;
    int ret;
} checks[] = {
    {"en", "Hello {name}.", "en", 0},
    {"de-AT.case", "{case}", "de-AT", 0},
    {"en.unknown", "", "en", 0},
    {"en", "Hello {nam}.", "en", -1},
    {"en", "Hello {", "en", -1},
    {"en.vip", "Hello", "en", -1},
    {"e_n", "Hello", "en", -1},
    {".case", "Hello", "en", -1},
    {"en", "{name}{name}{name}{name}{name}{name}{name}{name}{name}", "en", -1},
    {"en", long_text, "en", -1},
    {"en", "Hello", "e\"n", -1},
};

START_TEST(test_check)
{
    const struct cf_pair pairs[] = {{checks[_i].key, checks[_i].text}, {0}};
    const struct lookup_greeting_opts opts = {pairs, checks[_i].language};
    struct cf_err err = {0};

    memset(long_text, 'x', sizeof(long_text) - 1);
    ck_assert_int_eq(lookup_greeting_check(&opts, &err), checks[_i].ret);
    if (checks[_i].ret)
        ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lookup_greeting");
    TCase *tcase = tcase_create("greeting");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_choice, 0, ROWS(rows));
    tcase_add_test(tcase, test_ssml);
    tcase_add_loop_test(tcase, test_hostile_name, 0, ROWS(hostile));
    tcase_add_test(tcase, test_longest);
    tcase_add_test(tcase, test_name_is_cut_between_characters);
    tcase_add_loop_test(tcase, test_check, 0, ROWS(checks));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Who is calling: candidates, the choice among several, the order of cases. */
#include <check.h>

#include "lookup_rules.h"

#define US_NUMBER "+15207739050"
#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static struct cf_arena *arena;
static struct lookup_rules rules;

static void setup(void)
{
    struct cf_err err;

    arena = cf_arena_new(1 << 20);
    ck_assert_int_eq(lookup_rules_parse(CF_STR("open-case,recent-activity,account-tier"), &rules, &err), 0);
}

static void teardown(void)
{
    cf_arena_free(arena);
}

static struct lookup_record contact(const char *id, const char *phone)
{
    struct lookup_record record = {.contact = {.id = cf_str_of(id), .name = CF_STR("A B")},
                                   .account = {.id = CF_STR("001000000000001")},
                                   .active_at = INT64_MIN,
                                   .modified_at = INT64_MIN};

    record.phones[0] = CF_STR("+4930901820"); /* another number in the first field */
    record.phone_fields[0] = "Phone";
    record.phones[1] = cf_str_of(phone);
    record.phone_fields[1] = "MobilePhone";
    return record;
}

static struct lookup_record account(const char *id, const char *phone)
{
    struct lookup_record record = {
        .account = {.id = cf_str_of(id)}, .active_at = INT64_MIN, .modified_at = 5};

    record.phones[0] = cf_str_of(phone);
    record.phone_fields[0] = "Phone";
    return record;
}

static struct cf_customer decide(struct lookup_record *records, size_t n)
{
    struct cf_phone phone;
    const struct lookup_caller caller = {&phone, "US"};
    struct cf_customer customer;

    cf_phone_parse(CF_STR(US_NUMBER), "US", &phone);
    lookup_decide(arena, &rules, &caller, records, n, &customer);
    return customer;
}

/* ---- candidates ---- */

static const struct {
    const char *e164, *region, *written;
    bool same;
} forms[] = {
    {US_NUMBER, "US", "+15207739050", true},
    {US_NUMBER, "US", "(520) 773-9050", true},
    {US_NUMBER, "US", "520.773.9050", true},
    {US_NUMBER, "US", "1-520-773-9050", true},
    {US_NUMBER, "US", "+1 (520) 773-9050 x12", true},
    {US_NUMBER, "DE", "(520) 773-9050", true}, /* the caller's own national format */
    {US_NUMBER, "US", "520-773-9051", false},
    {US_NUMBER, "US", "773-9050", false},
    {US_NUMBER, "US", "15520773905099", false}, /* the LIKE pattern matches, the number does not */
    {US_NUMBER, "US", "", false},
    {"+4930901820", "US", "0049 30 901820", true},
    {"+4930901820", "US", "030/901820", true},
    {"+4930901820", "US", "+49 (0)30 901820", true},
    {"+4930901820", "DE", "030 901821", false},
    /* extensions: a company's number is found with and without, two different ones are two lines */
    {US_NUMBER " x12", "US", "(520) 773-9050", true},
    {US_NUMBER " x12", "US", "(520) 773-9050 ext. 12", true},
    {US_NUMBER " x12", "US", "(520) 773-9050 ext. 13", false},
    /* short and service numbers are nobody's */
    {US_NUMBER, "US", "9050", false},
    {US_NUMBER, "US", "112", false},
    {US_NUMBER, "US", "anonymous", false},
};

START_TEST(test_candidate)
{
    struct cf_phone phone;
    const struct lookup_caller caller = {&phone, forms[_i].region};
    struct lookup_record record = account("001000000000001", forms[_i].written);
    struct cf_customer customer;

    cf_phone_parse(cf_str_of(forms[_i].e164), "US", &phone);
    lookup_decide(arena, &rules, &caller, &record, 1, &customer);
    ck_assert_int_eq(customer.status, forms[_i].same ? CF_CUSTOMER_MATCHED : CF_CUSTOMER_UNMATCHED);
    ck_assert_int_eq(customer.match_count, forms[_i].same);
}
END_TEST

START_TEST(test_contact_before_account)
{
    struct lookup_record records[] = {account("001000000000009", US_NUMBER),
                                      contact("003000000000001", "(520) 773-9050"),
                                      contact("003000000000002", "520 555 0100")};
    struct cf_customer customer = decide(records, 3);

    ck_assert_int_eq(customer.status, CF_CUSTOMER_MATCHED);
    ck_assert(cf_str_is(customer.contact.id, "003000000000001"));
    ck_assert(cf_str_is(customer.account.id, "001000000000001"));
    ck_assert_int_eq(customer.match_count, 1);
    ck_assert_uint_eq(customer.n_candidates, 0);
    ck_assert(cf_str_is(customer.reason, "one contact has this number (MobilePhone)"));
}
END_TEST

START_TEST(test_account_alone)
{
    struct lookup_record records[] = {account("001000000000009", "(520) 773-9050")};
    struct cf_customer customer = decide(records, 1);

    ck_assert_int_eq(customer.status, CF_CUSTOMER_MATCHED);
    ck_assert_ptr_null(customer.contact.id.p);
    ck_assert(cf_str_is(customer.account.id, "001000000000009"));
    ck_assert(cf_str_is(customer.reason, "one account has this number (Phone)"));
}
END_TEST

START_TEST(test_nobody)
{
    struct cf_customer customer = decide(NULL, 0);

    ck_assert_int_eq(customer.status, CF_CUSTOMER_UNMATCHED);
    ck_assert_int_eq(customer.match_count, 0);
    ck_assert_ptr_null(customer.account.id.p);
}
END_TEST

/* ---- the choice ---- */

static struct lookup_case some_case = {.shown = {.id = {"500000000000001", 15}}};

struct trait {
    bool open_case;
    int64_t active_at, modified_at;
    const char *tier;
};

static const struct {
    const char *criteria;
    struct trait a, b; /* ids ...1 and ...2 */
    const char *chosen, *reason;
} choices[] = {
    {"open-case,recent-activity,account-tier",
     {true, 1, 1, ""},
     {false, 9, 9, "Gold"},
     "003000000000001",
     "2 contacts have this number; chosen by its open case (MobilePhone)"},
    {"open-case,recent-activity,account-tier",
     {true, 1, 1, "Gold"},
     {true, 9, 1, ""},
     "003000000000002",
     "2 contacts have this number; chosen by the most recent activity (MobilePhone)"},
    {"open-case,recent-activity,account-tier",
     {false, INT64_MIN, 9, "Gold"},
     {false, 1, 1, ""},
     "003000000000002",
     "2 contacts have this number; chosen by the most recent activity (MobilePhone)"},
    {"open-case,recent-activity,account-tier",
     {false, 1, 1, ""},
     {false, 1, 2, ""},
     "003000000000002",
     "2 contacts have this number; chosen by the most recent activity (MobilePhone)"},
    {"open-case,recent-activity,account-tier",
     {true, 1, 1, "silver"},
     {true, 1, 1, "GOLD"},
     "003000000000002",
     "2 contacts have this number; chosen by the higher account tier (MobilePhone)"},
    {"account-tier,open-case",
     {true, 9, 9, "Silver"},
     {false, 1, 1, "Gold"},
     "003000000000002",
     "2 contacts have this number; chosen by the higher account tier (MobilePhone)"},
    {"recent-activity",
     {true, 1, 1, "Gold"},
     {false, 2, 1, ""},
     "003000000000002",
     "2 contacts have this number; chosen by the most recent activity (MobilePhone)"},
    {"open-case",
     {true, 1, 1, ""},
     {true, 2, 2, "Gold"},
     "003000000000001",
     "2 contacts have this number; chosen by the lowest id, for nothing tells them apart (MobilePhone)"},
    {"",
     {false, 1, 1, ""},
     {true, 2, 2, "Gold"},
     "003000000000001",
     "2 contacts have this number; chosen by the lowest id, for nothing tells them apart (MobilePhone)"},
};

static struct lookup_record with(const char *id, const struct trait *trait)
{
    struct lookup_record record = contact(id, US_NUMBER);

    record.active_at = trait->active_at;
    record.modified_at = trait->modified_at;
    record.account.tier = cf_str_of(trait->tier);
    record.cases = &some_case;
    record.n_cases = trait->open_case;
    return record;
}

static void check_choice(int row, bool swapped)
{
    struct lookup_record a = with("003000000000001", &choices[row].a),
                         b = with("003000000000002", &choices[row].b);
    struct lookup_record records[] = {swapped ? b : a, swapped ? a : b};
    struct cf_customer customer = decide(records, 2);

    ck_assert_int_eq(customer.status, CF_CUSTOMER_AMBIGUOUS);
    ck_assert_int_eq(customer.match_count, 2);
    ck_assert_uint_eq(customer.n_candidates, 2);
    ck_assert(cf_str_is(customer.contact.id, choices[row].chosen));
    ck_assert(cf_str_is(customer.candidates[0].contact.id, choices[row].chosen));
    ck_assert_msg(cf_str_is(customer.reason, choices[row].reason), "%.*s", CF_STR_FMT(customer.reason));
}

START_TEST(test_choice)
{
    struct cf_err err;

    ck_assert_int_eq(lookup_rules_parse(cf_str_of(choices[_i].criteria), &rules, &err), 0);
    check_choice(_i, false);
    check_choice(_i, true); /* the order of the answer does not matter */
}
END_TEST

START_TEST(test_many_candidates_are_bounded)
{
    static struct lookup_record records[200];
    struct cf_customer customer;

    for (size_t i = 0; i < 200; i++)
        records[i] = contact(cf_arena_printf(arena, "003000000000%03zu", i).p, US_NUMBER);
    customer = decide(records, 200);
    ck_assert_int_eq(customer.match_count, 200);
    ck_assert_uint_eq(customer.n_candidates, LOOKUP_MAX_LISTED);
}
END_TEST

START_TEST(test_reason_says_among_how_many)
{
    static const struct trait traits[] = {
        {true, 5, 1, ""}, {true, 7, 1, ""}, {false, 9, 1, ""}, {true, 7, 1, "Gold"}, {false, 1, 1, "Gold"}};
    static const char *const ids[] = {"003000000000001", "003000000000002", "003000000000003",
                                      "003000000000004", "003000000000005"};
    struct lookup_record records[5];
    struct cf_customer customer;

    for (size_t i = 0; i < 5; i++)
        records[i] = with(ids[i], &traits[i]);
    customer = decide(records, 5);
    ck_assert(cf_str_is(customer.contact.id, ids[3]));
    ck_assert_msg(cf_str_is(customer.reason,
                            "5 contacts have this number; chosen by the higher account tier, among 2 "
                            "with equally recent activity (MobilePhone)"),
                  "%.*s", CF_STR_FMT(customer.reason));
    customer = decide(records, 1);
    ck_assert(cf_str_is(customer.reason, "one contact has this number (MobilePhone)"));
}
END_TEST

START_TEST(test_tier_order)
{
    struct lookup_record records[] = {contact("003000000000001", US_NUMBER),
                                      contact("003000000000002", US_NUMBER)};
    struct cf_customer customer;
    struct cf_err err;

    records[0].account.tier = CF_STR("Gold");
    records[1].account.tier = CF_STR("key account");
    ck_assert_int_eq(lookup_rules_tiers(CF_STR("Key Account, Gold"), &rules, &err), 0);
    customer = decide(records, 2);
    ck_assert(cf_str_is(customer.contact.id, "003000000000002"));
    ck_assert_int_eq(lookup_rules_tiers(CF_STR(""), &rules, &err), 0);
    ck_assert_int_eq(lookup_rules_tiers(CF_STR("a,,b"), &rules, &err), -1);
    ck_assert_int_eq(lookup_rules_tiers(CF_STR("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"), &rules, &err), -1);
}
END_TEST

/* ---- kinds ---- */

static struct lookup_record lead(const char *id, const char *phone)
{
    struct lookup_record record = {
        .lead = {.id = cf_str_of(id), .name = CF_STR("L")}, .active_at = INT64_MIN, .modified_at = INT64_MIN};

    record.phones[0] = cf_str_of(phone);
    record.phone_fields[0] = "Phone";
    return record;
}

START_TEST(test_leads_come_last)
{
    struct lookup_record records[] = {lead("00Q000000000001", US_NUMBER),
                                      account("001000000000009", US_NUMBER),
                                      lead("00Q000000000002", US_NUMBER)};
    struct cf_customer customer = decide(records, 3);

    ck_assert(cf_str_is(customer.account.id, "001000000000009"));
    ck_assert_ptr_null(customer.lead.id.p);
    records[0] = lead("00Q000000000001", US_NUMBER);
    records[1] = lead("00Q000000000002", US_NUMBER);
    customer = decide(records, 2);
    ck_assert_int_eq(customer.status, CF_CUSTOMER_AMBIGUOUS);
    ck_assert(cf_str_is(customer.lead.id, "00Q000000000001"));
    ck_assert(cf_str_is(customer.candidates[1].lead.id, "00Q000000000002"));
    ck_assert_ptr_null(customer.account.id.p);
}
END_TEST

START_TEST(test_person_account_is_one)
{
    struct lookup_record person = account("001000000000001", US_NUMBER);
    struct lookup_record records[] = {contact("003000000000001AAA", US_NUMBER), person};
    struct cf_customer customer;

    records[1].contact = (struct cf_contact){.id = CF_STR("003000000000001")};
    customer = decide(records, 2);
    ck_assert_int_eq(customer.status, CF_CUSTOMER_MATCHED);
    ck_assert_int_eq(customer.match_count, 1);
}
END_TEST

/* ---- cases ---- */

static struct lookup_case one_case(const char *id, const char *priority, bool escalated, int64_t created_at)
{
    return (struct lookup_case){.shown = {.id = cf_str_of(id), .priority = cf_str_of(priority)},
                                .escalated = escalated,
                                .created_at = created_at};
}

START_TEST(test_case_order)
{
    struct lookup_case cases[] = {one_case("8", "", false, 1),       one_case("7", "Whatever", false, 0),
                                  one_case("6", "Low", true, 1),     one_case("5", "Medium", false, 1),
                                  one_case("4", "Medium", true, 9),  one_case("3", "High", false, 7),
                                  one_case("2", "high", false, 6),   one_case("1", "High", true, 9),
                                  one_case("0", "Urgent", false, 9), one_case("9", "Whatever", false, 2)};
    static const char *const order[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    struct lookup_record record = contact("003000000000001", US_NUMBER);
    struct cf_customer customer;

    record.cases = cases;
    record.n_cases = 10;
    customer = decide(&record, 1);
    ck_assert_uint_eq(customer.n_cases, 10);
    for (size_t i = 0; i < 10; i++)
        ck_assert_msg(cf_str_is(customer.cases[i].id, order[i]), "place %zu", i);
}
END_TEST

/* ---- configuration ---- */

static const struct {
    const char *text;
    int ret;
    size_t n;
} parses[] = {
    {"", 0, 0},
    {"open-case", 0, 1},
    {" account-tier , open-case ", 0, 2},
    {"recent-activity,open-case,account-tier", 0, 3},
    {"open-case,open-case", -1, 0},
    {"nonsense", -1, 0},
    {"open-case,,account-tier", -1, 0},
    {"open-case,recent-activity,account-tier,open-case", -1, 0},
};

START_TEST(test_parse)
{
    struct lookup_rules parsed;
    struct cf_err err = {0};

    ck_assert_int_eq(lookup_rules_parse(cf_str_of(parses[_i].text), &parsed, &err), parses[_i].ret);
    if (parses[_i].ret == 0)
        ck_assert_uint_eq(parsed.n_criteria, parses[_i].n);
    else
        ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lookup_rules");
    TCase *tcase = tcase_create("rules");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_candidate, 0, ROWS(forms));
    tcase_add_test(tcase, test_contact_before_account);
    tcase_add_test(tcase, test_account_alone);
    tcase_add_test(tcase, test_nobody);
    tcase_add_loop_test(tcase, test_choice, 0, ROWS(choices));
    tcase_add_test(tcase, test_many_candidates_are_bounded);
    tcase_add_test(tcase, test_reason_says_among_how_many);
    tcase_add_test(tcase, test_tier_order);
    tcase_add_test(tcase, test_leads_come_last);
    tcase_add_test(tcase, test_person_account_is_one);
    tcase_add_test(tcase, test_case_order);
    tcase_add_loop_test(tcase, test_parse, 0, ROWS(parses));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

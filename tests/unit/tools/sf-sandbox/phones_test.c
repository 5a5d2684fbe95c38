/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries that the phone lists narrow down find what a reading of all records finds. NOT (NOT (...)) asks the
 * same without the lists, because they say nothing about NOT.
 */
#include "phones.h"
#include "store_rig.h"

#define RECORDS 300
#define QUERIES 200

static struct rig rig;
static uint64_t state;
static char ids[RECORDS][SF_ID_SIZE];

static unsigned pick(unsigned n)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(state >> 33) % n;
}

static const char *const fields[] = {"Phone", "MobilePhone", "HomePhone", "OtherPhone", "AssistantPhone"};

/* Few different numbers in many forms, so that queries meet them. */
static void add_phone(struct cf_buf *out)
{
    char area[8], exchange[8], line[8];

    (void)snprintf(area, sizeof(area), "5%u0", pick(2));
    (void)snprintf(exchange, sizeof(exchange), "77%u", pick(3));
    (void)snprintf(line, sizeof(line), "90%u%u", pick(2), pick(3));
    if (pick(10) == 0) {
        cf_buf_text(out, "call the desk");
        return;
    }
    switch (pick(6)) { /* the format must be known where it is used */
    case 0:
        cf_buf_printf(out, "(%s) %s-%s", area, exchange, line);
        break;
    case 1:
        cf_buf_printf(out, "%s%s%s", area, exchange, line);
        break;
    case 2:
        cf_buf_printf(out, "+1 %s.%s.%s", area, exchange, line);
        break;
    case 3:
        cf_buf_printf(out, "%s/%s %s x12", area, exchange, line);
        break;
    case 4:
        cf_buf_printf(out, "\xef\xbc\x8b%s %s %s", area, exchange, line);
        break;
    default:
        cf_buf_printf(out, "T%s-%s-%s", area, exchange, line);
        break;
    }
}

static void add_pattern(struct cf_buf *out)
{
    char digits[16];

    (void)snprintf(digits, sizeof(digits), "5%u077%u90%u%u", pick(2), pick(3), pick(2), pick(3));
    cf_buf_char(out, '%');
    for (const char *at = digits + pick(3); *at; at++) {
        cf_buf_char(out, *at);
        cf_buf_text(out, pick(8) == 0 ? "_" : "%");
    }
}

static void add_test(struct cf_buf *out)
{
    unsigned kind = pick(20);

    cf_buf_printf(out, "%s ", fields[pick(5)]);
    if (kind < 8) {
        cf_buf_text(out, "LIKE '");
        add_pattern(out);
    } else if (kind < 15) {
        unsigned n = 1 + pick(4);

        cf_buf_text(out, "IN ('");
        for (unsigned i = 0; i < n; i++) {
            cf_buf_text(out, i > 0 ? "','" : "");
            add_phone(out);
        }
        cf_buf_text(out, "')");
        return;
    } else if (kind < 18) {
        cf_buf_text(out, "= '");
        add_phone(out);
    } else {
        cf_buf_text(out, kind == 18 ? "LIKE 't%" : "!= '");
    }
    cf_buf_char(out, '\'');
}

static void add_condition(struct cf_buf *out)
{
    const char *word = pick(3) ? " OR " : " AND ";
    unsigned n = 1 + pick(5);

    for (unsigned i = 0; i < n; i++) {
        cf_buf_text(out, i > 0 ? word : "");
        cf_buf_char(out, '(');
        add_test(out);
        if (pick(4) == 0) {
            cf_buf_text(out, pick(2) ? " AND " : " OR ");
            add_test(out);
        }
        cf_buf_char(out, ')');
    }
}

static json_t *random_body(void)
{
    json_t *body = json_pack("{s:s}", "LastName", "N");

    for (size_t i = 0; i < 5; i++) {
        struct cf_buf phone;

        cf_buf_init(&phone, 100);
        add_phone(&phone);
        if (pick(2))
            json_object_set_new(body, fields[i], json_stringn(phone.p, phone.n));
        else if (pick(2))
            json_object_set_new(body, fields[i], json_null());
        cf_buf_done(&phone);
    }
    return body;
}

static void write_one(size_t i, bool keep)
{
    json_t *body = random_body();

    sf_store_begin(rig.store);
    if (!ids[i][0])
        ck_assert_int_eq(sf_store_create(rig.store, "Contact", body, ids[i], &rig.fail), 0);
    else
        ck_assert_int_eq(sf_store_update(rig.store, "Contact", ids[i], body, &rig.fail), 0);
    json_decref(body);
    if (keep)
        sf_store_commit(rig.store);
    else
        sf_store_rollback(rig.store);
}

static char *ask(const char *condition, bool narrowed)
{
    struct cf_buf soql;
    char *answer;

    cf_buf_init(&soql, 100000);
    cf_buf_printf(
        &soql, narrowed ? "SELECT Id FROM Contact WHERE %s" : "SELECT Id FROM Contact WHERE NOT (NOT (%s))",
        condition);
    cf_buf_char(&soql, '\0');
    answer = rig_query(&rig, soql.p);
    cf_buf_done(&soql);
    return answer;
}

static unsigned compare_all(void)
{
    unsigned found = 0;

    for (unsigned i = 0; i < QUERIES; i++) {
        struct cf_buf condition;
        char *a, *b;

        cf_buf_init(&condition, 50000);
        add_condition(&condition);
        cf_buf_char(&condition, '\0');
        a = ask(condition.p, true);
        b = ask(condition.p, false);
        ck_assert_msg(strcmp(a, b) == 0, "%s\n narrowed %.300s\n all      %.300s", condition.p, a, b);
        found += strncmp(a, "0:", 2) != 0;
        free(a);
        free(b);
        cf_buf_done(&condition);
    }
    return found;
}

static void setup(void)
{
    memset(ids, 0, sizeof(ids));
    rig_open(&rig);
}

static void teardown(void)
{
    rig_close(&rig);
}

START_TEST(narrowed_queries_find_the_same)
{
    state = (uint64_t)_i;
    for (size_t i = 0; i < RECORDS; i++)
        write_one(i, true);
    ck_assert_uint_gt(compare_all(), QUERIES / 10);
    for (size_t i = 0; i < RECORDS; i++)
        write_one(i, pick(2)); /* half of the changes are undone */
    for (size_t i = 0; i < RECORDS; i += 7)
        ck_assert_int_eq(sf_store_delete(rig.store, "Contact", ids[i], &rig.fail), 0);
    ck_assert_uint_gt(compare_all(), QUERIES / 10);
}
END_TEST

/* Many changes of the same phones: the list is made anew, and still knows them. */
START_TEST(lists_are_made_anew)
{
    state = 9;
    for (unsigned round = 0; round < 36; round++) {
        for (size_t i = 0; i < RECORDS; i++)
            write_one(i, true);
    }
    ck_assert_uint_gt(compare_all(), QUERIES / 10);
}
END_TEST

START_TEST(tallies_count_digits)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"(520) 773-9050", "520.773.9050", true},
        {"5207739050", "0509377025", true},
        {"5207739050", "15207739050", false},
        {"", "call", true},
        {"1111111111111111111111111111111111111111", "11111111111111111111111111111111111111111111", true},
    };

    ck_assert_int_eq(sf_phones_tally(cf_str_of(rows[_i].a)) == sf_phones_tally(cf_str_of(rows[_i].b)),
                     rows[_i].equal);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sandbox phones");
    TCase *tc = tcase_create("phones");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, narrowed_queries_find_the_same, 0, 2);
    tcase_add_test(tc, lists_are_made_anew);
    tcase_add_loop_test(tc, tallies_count_digits, 0, 5);
    suite_add_tcase(s, tc);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

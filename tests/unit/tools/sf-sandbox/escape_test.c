/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property of the escapers: whatever a text is, the parser gives it back, and it changes nothing of the
 * statement around it. The parsers are the sandbox's, which nobody wrote for this.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "sf/sf.h"
#include "soql.h"
#include "sosl.h"

#define ROUNDS 20000
#define MAX_PIECES 15U

static const char *const hostile[] = {
    "",
    "'",
    "\\",
    "\\'",
    "\\\\'",
    "' OR Name != '",
    "') OR (Name LIKE '%",
    "%' OR Phone LIKE '%",
    "\\%_",
    "\\u0027 OR Name != \\u0027",
    "O'Neil \"the\" \\ <b>&amp;</b>",
    "a\nb\r\tc\b\f",
    "\x01\x1f\x7f",
    "\xd8\xb4\xd8\xb1\xd9\x83\xd8\xa9 \xe2\x80\xae'gnp.exe\xe2\x80\xac", /* right to left, and an override */
    "\xf0\x9f\x98\x80'\xf0\x9f\x98\x80",
    "} IN ALL FIELDS RETURNING User(Id) LIMIT 1 //{",
    "x OR y* AND NOT z?",
    "@{contacts.records[0].Id}",
};
#define N_HOSTILE (int)(sizeof(hostile) / sizeof(hostile[0]))

static struct cf_arena *arena;

static void setup(void)
{
    arena = cf_arena_new((size_t)1 << 20);
}

static void teardown(void)
{
    cf_arena_free(arena);
}

/* xorshift64: the same texts in every run */
static uint64_t draw(uint64_t *seed, uint64_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % below;
}

static struct cf_str random_text(uint64_t *seed, bool ascii)
{
    static const char *const pieces[] = {"'", "\"", "\\", "%",  "_",   "*",  "?", "{", "}",  "(",
                                         ")", "[",  "]",  "&",  "|",   "!",  "^", "~", ":",  "+",
                                         "-", " ",  "n",  "u",  "0",   "1",  "a", "Z", "or", ".",
                                         "@", ",",  "\n", "\t", "AND", "//", "é", "ش", "😀"};
    size_t n = sizeof(pieces) / sizeof(pieces[0]) - (ascii ? 3 : 0), count = draw(seed, MAX_PIECES);
    struct cf_buf buf;
    struct cf_str text;

    cf_buf_init(&buf, 256);
    for (size_t i = 0; i < count; i++)
        cf_buf_text(&buf, pieces[draw(seed, n)]);
    text = cf_arena_str(arena, cf_buf_view(&buf));
    cf_buf_done(&buf);
    return text;
}

/* ---- SOQL ---- */

/* What LIKE compares with, without its escapes; a bare wildcard may not be there. */
static struct cf_str plain_pattern(struct cf_str pattern)
{
    char *plain = cf_arena_alloc(arena, pattern.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < pattern.n; i++) {
        ck_assert(pattern.p[i] != '%' && pattern.p[i] != '_');
        if (pattern.p[i] == '\\')
            i++;
        ck_assert_uint_lt(i, pattern.n);
        plain[n++] = pattern.p[i];
    }
    return (struct cf_str){plain, n};
}

static void assert_text(struct cf_str is, struct cf_str wanted)
{
    ck_assert_msg(is.n == wanted.n && (is.n == 0 || memcmp(is.p, wanted.p, is.n) == 0),
                  "is \"%.*s\", not \"%.*s\"", (int)is.n, is.p, (int)wanted.n, wanted.p);
}

static void check_soql(struct cf_str text)
{
    struct sf_fail fail = {0};
    struct soql_query *query;
    struct cf_buf soql;

    cf_buf_init(&soql, 4096);
    cf_buf_text(&soql, "SELECT Id FROM Contact WHERE LastName = '");
    cf_soql_escape(&soql, text);
    cf_buf_text(&soql, "' AND FirstName LIKE '");
    cf_soql_escape_like(&soql, text);
    cf_buf_text(&soql, "' AND Phone IN ('");
    cf_soql_escape(&soql, text);
    cf_buf_text(&soql, "','last') LIMIT 1");
    query = soql_parse(arena, cf_buf_view(&soql), 0, &fail);
    ck_assert_msg(query != NULL, "%s: %.*s", fail.message, (int)soql.n, soql.p);
    ck_assert_int_eq(query->where->kind, SOQL_AND);
    ck_assert_uint_eq(query->where->n_arms, 3);
    ck_assert_int_eq((int)query->limit, 1);
    assert_text(query->where->arm[0]->value->text, text);
    ck_assert_int_eq(query->where->arm[1]->op, SOQL_LIKE);
    assert_text(plain_pattern(query->where->arm[1]->value->text), text);
    assert_text(query->where->arm[2]->value->text, text);
    assert_text(query->where->arm[2]->value->next->text, CF_STR("last"));
    ck_assert_ptr_null(query->where->arm[2]->value->next->next);
    cf_buf_done(&soql);
}

START_TEST(soql_hostile)
{
    check_soql(cf_str_of(hostile[_i]));
}
END_TEST

START_TEST(soql_any)
{
    uint64_t seed = 20261122;

    for (size_t i = 0; i < ROUNDS; i++) {
        struct cf_arena *outer = arena;

        arena = cf_arena_new((size_t)1 << 20);
        check_soql(random_text(&seed, false));
        cf_arena_free(arena);
        arena = outer;
    }
}
END_TEST

/* ---- SOSL: text in a quoted phrase, where words are no operators ---- */

/* The words of a text: runs of letters, runs of digits, in lower case, one space behind each. */
static struct cf_str words_of(struct cf_str text)
{
    char *words = cf_arena_alloc(arena, 3 * text.n + 2), last = ' ';
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i], kind = c >= '0' && c <= '9' ? '0' : ' ';

        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c >= 'a' && c <= 'z')
            kind = 'a';
        if (last != ' ' && kind != last)
            words[n++] = ' ';
        if (kind != ' ')
            words[n++] = c;
        last = kind;
    }
    if (last != ' ')
        words[n++] = ' ';
    return (struct cf_str){words, n};
}

static void check_sosl(struct cf_str text)
{
    struct cf_str wanted = words_of(text);
    struct sf_fail fail = {0};
    struct sosl_term *term;
    struct cf_buf sosl, words;

    cf_buf_init(&sosl, 4096);
    cf_buf_init(&words, 4096);
    cf_buf_text(&sosl, "\"zz ");
    cf_sosl_escape(&sosl, text);
    cf_buf_text(&sosl, "\"");
    term = sosl_parse_term(arena, cf_buf_view(&sosl), false, &fail);
    ck_assert_msg(term != NULL, "%s: %.*s", fail.message, (int)sosl.n, sosl.p);
    ck_assert_int_eq(term->kind, SOSL_RUN);
    ck_assert(term->phrase && !term->digits_wildcard);
    for (unsigned i = 1; i < term->n_words; i++) {
        ck_assert(!term->word[i].wildcard);
        cf_buf_printf(&words, "%s ", term->word[i].text);
    }
    assert_text(cf_buf_view(&words), wanted);
    cf_buf_done(&sosl);
    cf_buf_done(&words);
}

/* The whole statement: what follows the braces stays what it is. */
static void check_find(struct sf_store *store, struct cf_str text)
{
    struct sf_fail fail = {0};
    json_t *result = NULL;
    struct cf_buf sosl;

    cf_buf_init(&sosl, 4096);
    cf_buf_text(&sosl, "FIND {\"zz ");
    cf_sosl_escape(&sosl, text);
    cf_buf_text(&sosl, "\"} IN NAME FIELDS RETURNING Contact(Id LIMIT 1)");
    cf_buf_char(&sosl, '\0');
    ck_assert_msg(sf_store_search(store, sosl.p, &result, &fail) == 0, "%s: %s", fail.message, sosl.p);
    json_decref(result);
    cf_buf_done(&sosl);
}

START_TEST(sosl_any)
{
    char err[200];
    struct sf_store *store = sf_store_open(":memory:", err, sizeof(err));
    uint64_t seed = 20261123;

    ck_assert_ptr_nonnull(store);
    for (size_t i = 0; i < ROUNDS; i++) {
        struct cf_arena *outer = arena;
        struct cf_str text;

        arena = cf_arena_new((size_t)1 << 20);
        text = random_text(&seed, true);
        check_sosl(text);
        if (i % 20 == 0)
            check_find(store, text);
        cf_arena_free(arena);
        arena = outer;
    }
    for (int i = 0; i < N_HOSTILE; i++)
        check_find(store, cf_str_of(hostile[i]));
    sf_store_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("escape");
    TCase *tcase = tcase_create("escape");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, soql_hostile, 0, N_HOSTILE);
    tcase_add_test(tcase, soql_any);
    tcase_add_test(tcase, sosl_any);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The Salesforce client's guards, as tables: what a sign means, circuit, window, allocation, records alike.
 */
#include <check.h>
#include <stdlib.h>

#include "sf/sf_guard_priv.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* ---- signs ---- */

static const struct {
    struct sf_sign sign;
    enum sf_health health;
} signs[] = {
    {{.status = 200}, SF_HEALTHY},
    {{.status = 204}, SF_HEALTHY},
    {{.status = 304}, SF_HEALTHY},
    {{.status = 300, .error_code = ""}, SF_HEALTHY},
    {{.status = 302, .error_code = ""}, SF_OUTAGE},
    {{.status = 200, .error_code = "", .not_api = true}, SF_OUTAGE},
    {{.status = 400, .error_code = "REQUIRED_FIELD_MISSING"}, SF_HEALTHY},
    {{.status = 400, .error_code = ""}, SF_OUTAGE},
    {{.status = 401, .error_code = "INVALID_SESSION_ID"}, SF_OUTAGE},
    {{.status = 403, .error_code = "INSUFFICIENT_ACCESS"}, SF_HEALTHY},
    {{.status = 403, .error_code = "REQUEST_LIMIT_EXCEEDED"}, SF_EXHAUSTED},
    {{.status = 403, .error_code = "REQUEST_LIMIT_EXCEEDED", .concurrent = true}, SF_OVERLOADED},
    {{.status = 403, .error_code = "API_DISABLED_FOR_ORG"}, SF_OUTAGE},
    {{.status = 403, .error_code = ""}, SF_OUTAGE},
    {{.status = 404, .error_code = "NOT_FOUND"}, SF_HEALTHY},
    {{.status = 404, .error_code = ""}, SF_OUTAGE},
    {{.status = 429, .error_code = ""}, SF_OVERLOADED},
    {{.status = 503, .error_code = "SERVER_UNAVAILABLE"}, SF_OVERLOADED},
    {{.status = 500, .error_code = "UNKNOWN_EXCEPTION"}, SF_OUTAGE},
    {{.status = 502, .error_code = ""}, SF_OUTAGE},
    {{.status = 0}, SF_OUTAGE},
    {{.timed_out = true, .waited_ms = 2000}, SF_SLOW},
    {{.timed_out = true, .waited_ms = SF_PATIENCE_MS}, SF_OUTAGE},
};

START_TEST(test_sign)
{
    ck_assert_int_eq(sf_health_of(&signs[_i].sign), signs[_i].health);
}
END_TEST

#define SOON 1784563200000 /* Mon, 20 Jul 2026 16:00:00 GMT */

static const struct {
    const char *header;
    uint64_t ms;
} retries[] = {
    {"7", 7000},
    {" 7 ", 7000},
    {"0", 0},
    {"100000", SF_MAX_RETRY_AFTER_MS},
    {"99999999999999999999", 0},
    {"-1", 0},
    {"soon", 0},
    {"", 0},
    {"Mon, 20 Jul 2026 16:01:00 GMT", 60000},
    {"Mon, 20 Jul 2026 15:59:00 GMT", 0},
    {"Tue, 21 Jul 2026 16:00:00 GMT", SF_MAX_RETRY_AFTER_MS},
    {"Mon, 20 Jul 2026 16:01:00 GMT and more", 0},
    {"Mon, 20 Jul 2026 16:01:00 GMT                                      ", 60000},
};

START_TEST(test_retry_after)
{
    ck_assert_uint_eq(sf_retry_after_ms(cf_str_of(retries[_i].header), SOON), retries[_i].ms);
}
END_TEST

START_TEST(test_no_retry_after)
{
    ck_assert_uint_eq(sf_retry_after_ms((struct cf_str){0}, SOON), 0);
}
END_TEST

/* ---- circuit ---- */

/* A story, one letter a step: what happens, at which time, and the state behind it. */
struct step {
    uint64_t at_ms;
    enum { GO, NOTE, STALE, SHUT, PASSES, FORGET, FORCE, CLOSE } what; /* GO: a request goes, NOTE: it ends */
    enum sf_health health;
    uint64_t retry_after_ms;
    enum sf_circuit state;
};

#define END                                                                                                  \
    {                                                                                                        \
        .state = (enum sf_circuit)9                                                                          \
    }
#define FAILS(t, s)                                                                                          \
    {t, GO, 0, 0, SF_CLOSED},                                                                                \
    {                                                                                                        \
        t, NOTE, SF_OUTAGE, 0, s                                                                             \
    }

static const struct step stories[][24] = {
    /* three in a row open it; a probe that works closes it */
    {FAILS(0, SF_CLOSED),
     FAILS(1, SF_CLOSED),
     FAILS(2, SF_OPEN),
     {3, SHUT, 0, 0, SF_OPEN},
     {101, SHUT, 0, 0, SF_OPEN},
     {102, PASSES, 0, 0, SF_HALF_OPEN},
     {102, GO, 0, 0, SF_HALF_OPEN},
     {103, SHUT, 0, 0, SF_HALF_OPEN},
     {150, NOTE, SF_HEALTHY, 0, SF_CLOSED},
     {151, PASSES, 0, 0, SF_CLOSED},
     END},
    /* a success between starts the count again */
    {FAILS(0, SF_CLOSED),
     FAILS(1, SF_CLOSED),
     {2, GO, 0, 0, SF_CLOSED},
     {2, NOTE, SF_HEALTHY, 0, SF_CLOSED},
     FAILS(3, SF_CLOSED),
     FAILS(4, SF_CLOSED),
     FAILS(5, SF_OPEN),
     END},
    /* haste counts half */
    {{0, GO, 0, 0, SF_CLOSED},
     {1, NOTE, SF_SLOW, 0, SF_CLOSED},
     {1, NOTE, SF_SLOW, 0, SF_CLOSED},
     {1, NOTE, SF_SLOW, 0, SF_CLOSED},
     {1, NOTE, SF_SLOW, 0, SF_CLOSED},
     {1, NOTE, SF_SLOW, 0, SF_CLOSED},
     {1, NOTE, SF_SLOW, 0, SF_OPEN},
     END},
    /* a probe that fails doubles the pause, up to the cap */
    {FAILS(0, SF_CLOSED),
     FAILS(0, SF_CLOSED),
     FAILS(0, SF_OPEN),
     {100, GO, 0, 0, SF_HALF_OPEN},
     {110, NOTE, SF_SLOW, 0, SF_OPEN},
     {309, SHUT, 0, 0, SF_OPEN},
     {310, GO, 0, 0, SF_HALF_OPEN},
     {310, NOTE, SF_OUTAGE, 0, SF_OPEN},
     {609, SHUT, 0, 0, SF_OPEN},
     {610, PASSES, 0, 0, SF_HALF_OPEN},
     END},
    /* what was sent before the circuit opened says nothing about it now */
    {{0, GO, 0, 0, SF_CLOSED},
     {0, FORCE, 0, 0, SF_OPEN},
     {1, STALE, SF_HEALTHY, 0, SF_OPEN},
     {100, GO, 0, 0, SF_HALF_OPEN},
     {101, STALE, SF_OUTAGE, 0, SF_HALF_OPEN},
     {101, STALE, SF_HEALTHY, 0, SF_HALF_OPEN},
     {102, NOTE, SF_HEALTHY, 0, SF_CLOSED},
     END},
    /* a probe that is cancelled makes room for another */
    {{0, FORCE, 0, 0, SF_OPEN},
     {100, GO, 0, 0, SF_HALF_OPEN},
     {101, SHUT, 0, 0, SF_HALF_OPEN},
     {102, FORGET, 0, 0, SF_HALF_OPEN},
     {102, PASSES, 0, 0, SF_HALF_OPEN},
     END},
    /* the peer asks to be left alone: at once, and for as long as it says */
    {{0, GO, 0, 0, SF_CLOSED},
     {0, NOTE, SF_OVERLOADED, 7000, SF_OPEN},
     {6999, SHUT, 0, 0, SF_OPEN},
     {7000, PASSES, 0, 0, SF_HALF_OPEN},
     END},
    /* a spent allocation: two in a row, and slow probes */
    {{0, GO, 0, 0, SF_CLOSED},
     {0, NOTE, SF_EXHAUSTED, 0, SF_CLOSED},
     {0, NOTE, SF_EXHAUSTED, 0, SF_OPEN},
     {999, SHUT, 0, 0, SF_OPEN},
     {1000, GO, 0, 0, SF_HALF_OPEN},
     {1000, NOTE, SF_EXHAUSTED, 0, SF_OPEN},
     {2999, SHUT, 0, 0, SF_OPEN},
     {3000, GO, 0, 0, SF_HALF_OPEN},
     {3001, NOTE, SF_HEALTHY, 0, SF_CLOSED},
     END},
    /* a recovery that does not last keeps the longer pauses; one that does starts anew */
    {{0, FORCE, 0, 0, SF_OPEN},
     {100, GO, 0, 0, SF_HALF_OPEN},
     {100, NOTE, SF_HEALTHY, 0, SF_CLOSED},
     FAILS(101, SF_CLOSED),
     FAILS(101, SF_CLOSED),
     FAILS(101, SF_OPEN),
     {300, SHUT, 0, 0, SF_OPEN},
     {301, GO, 0, 0, SF_HALF_OPEN},
     {301, NOTE, SF_HEALTHY, 0, SF_CLOSED},
     {502, GO, 0, 0, SF_CLOSED},
     {502, NOTE, SF_HEALTHY, 0, SF_CLOSED},
     {502, FORCE, 0, 0, SF_OPEN},
     {601, SHUT, 0, 0, SF_OPEN},
     {602, PASSES, 0, 0, SF_HALF_OPEN},
     END},
    /* closed by other knowledge */
    {{0, FORCE, 0, 0, SF_OPEN}, {1, CLOSE, 0, 0, SF_CLOSED}, {1, PASSES, 0, 0, SF_CLOSED}, END},
};

static void play(struct sf_breaker *breaker, const struct step *step, uint64_t *epoch)
{
    /* Random that makes each pause here its longest: -1 in the ranges of 100, 200, 300, 1000, 2000 and 4000
     * ms. */
    const uint64_t longest = (uint64_t)51 * 101 * 151 * 167 * 1001 * 667 - 1;

    switch (step->what) {
    case GO:
        ck_assert(!sf_breaker_is_shut(breaker, step->at_ms));
        *epoch = sf_breaker_take(breaker, step->at_ms);
        break;
    case NOTE:
        sf_breaker_note(breaker, *epoch, step->health, step->retry_after_ms, step->at_ms, longest);
        break;
    case STALE:
        sf_breaker_note(breaker, 0, step->health, step->retry_after_ms, step->at_ms, longest);
        break;
    case SHUT:
    case PASSES:
        ck_assert_int_eq(sf_breaker_is_shut(breaker, step->at_ms), step->what == SHUT);
        break;
    case FORGET:
        sf_breaker_forget(breaker, *epoch);
        break;
    case FORCE:
        sf_breaker_open(breaker, step->at_ms, longest);
        break;
    case CLOSE:
        sf_breaker_close(breaker, step->at_ms);
        break;
    }
}

START_TEST(test_circuit)
{
    const struct sf_breaker_opts opts = {.failures = 3,
                                         .exhausted = 2,
                                         .base_ms = 100,
                                         .cap_ms = 300,
                                         .exhausted_base_ms = 1000,
                                         .exhausted_cap_ms = 4000};
    struct sf_breaker breaker;
    uint64_t epoch = 0;

    sf_breaker_init(&breaker, &opts);
    for (const struct step *step = stories[_i]; (int)step->state != 9; step++) {
        play(&breaker, step, &epoch);
        ck_assert_msg(sf_breaker_state(&breaker, step->at_ms) == step->state, "step %d: state %d",
                      (int)(step - stories[_i]), (int)breaker.state);
    }
}
END_TEST

START_TEST(test_jitter)
{
    const struct sf_breaker_opts opts = {.failures = 1, .base_ms = 1000, .cap_ms = 1000};

    for (uint64_t random = 0; random < 3000; random += 7) {
        struct sf_breaker breaker;

        sf_breaker_init(&breaker, &opts);
        sf_breaker_open(&breaker, 0, random);
        ck_assert_uint_ge(breaker.until_ms, 500);
        ck_assert_uint_le(breaker.until_ms, 1000);
    }
}
END_TEST

START_TEST(test_circuit_off)
{
    const struct sf_breaker_opts opts = {.base_ms = 1000, .cap_ms = 1000};
    struct sf_breaker breaker;

    sf_breaker_init(&breaker, &opts);
    for (int i = 0; i < 1000; i++) {
        sf_breaker_note(&breaker, sf_breaker_take(&breaker, 0), i % 2 ? SF_OUTAGE : SF_EXHAUSTED, 1000, 0, 0);
        ck_assert(!sf_breaker_is_shut(&breaker, 0));
    }
}
END_TEST

/* ---- window ---- */

/* `n` answers, each after `latency_ms`, the window full. Returns the time after them. */
static uint64_t answers(struct sf_window *window, int n, uint64_t from_ms, uint64_t latency_ms)
{
    for (int i = 0; i < n; i++) {
        sf_window_answered(window, from_ms, from_ms + latency_ms, sf_window_size(window));
        from_ms += latency_ms;
    }
    return from_ms;
}

START_TEST(test_window_grows_when_used)
{
    struct sf_window window;
    uint64_t now_ms;

    sf_window_init(&window, 4, 4000);
    ck_assert_uint_eq(sf_window_size(&window), 64);
    now_ms = answers(&window, 64, 1000, 20); /* a round trip doubles it ... */
    ck_assert_uint_eq(sf_window_size(&window), 128);
    sf_window_overload(&window, now_ms, now_ms);
    ck_assert_uint_eq(sf_window_size(&window), 64);
    now_ms = answers(&window, 65, now_ms + 1, 20); /* ... until it was cut once; then it grows by one */
    ck_assert_uint_ge(sf_window_size(&window), 64);
    ck_assert_uint_le(sf_window_size(&window), 66);
    for (int i = 0; i < 1000; i++)
        sf_window_answered(&window, now_ms, now_ms + 20, 3); /* not used, not grown */
    ck_assert_uint_le(sf_window_size(&window), 66);
    (void)answers(&window, 200000, now_ms, 1);
    ck_assert_uint_gt(sf_window_size(&window), 500);
}
END_TEST

START_TEST(test_window_bounds)
{
    struct sf_window window;
    uint64_t now_ms;

    sf_window_init(&window, 4, 4000);
    now_ms = answers(&window, 10000, 1000, 10);
    ck_assert_uint_eq(sf_window_size(&window), 4000);
    for (int i = 0; i < 100; i++, now_ms += 2)
        sf_window_overload(&window, now_ms, now_ms);
    ck_assert_uint_eq(sf_window_size(&window), 4);
    sf_window_init(&window, 1, 3);
    ck_assert_uint_eq(sf_window_size(&window), 3);
}
END_TEST

/* A thousand requests of one burst fail together: that is one cut. */
START_TEST(test_window_one_cut_a_round_trip)
{
    struct sf_window window;

    sf_window_init(&window, 1, 4000);
    answers(&window, 936, 1000, 10);
    ck_assert_uint_eq(sf_window_size(&window), 1000);
    for (uint64_t i = 0; i < 1000; i++)
        sf_window_overload(&window, 20000, 21000 + i);
    ck_assert_uint_eq(sf_window_size(&window), 500);
    sf_window_overload(&window, 21001, 22000);
    ck_assert_uint_eq(sf_window_size(&window), 250);
}
END_TEST

static const struct {
    uint64_t base_ms, then_ms;
    bool cut;
} latencies[] = {
    {5, 900, false},     /* far above in proportion, but no caller minds */
    {5, 1500, true},     /* */
    {250, 1500, false},  /* busy */
    {250, 2500, true},   /* */
    {3000, 8000, false}, /* a slow org is not overloaded by being slow */
    {1000, 20000, true},
};

START_TEST(test_window_latency)
{
    struct sf_window window;
    uint64_t now_ms;
    uint32_t before;

    sf_window_init(&window, 1, 64);
    now_ms = answers(&window, 50, 1000, latencies[_i].base_ms);
    before = sf_window_size(&window);
    answers(&window, 50, now_ms, latencies[_i].then_ms);
    ck_assert_int_eq(sf_window_size(&window) < before, latencies[_i].cut);
}
END_TEST

/* The base is not for ever: an org that has become slower for good is used as it is. */
START_TEST(test_window_base_moves)
{
    struct sf_window window;
    uint64_t now_ms;

    sf_window_init(&window, 1, 1000);
    now_ms = answers(&window, 1000, 1000, 5);
    now_ms = answers(&window, 400, now_ms, 3000);
    ck_assert_uint_lt(sf_window_size(&window), 1000);
    answers(&window, 4000, now_ms, 3000);
    ck_assert(window.base_ms > 2000);
    ck_assert_uint_gt(sf_window_size(&window), 50);
}
END_TEST

START_TEST(test_window_reset)
{
    struct sf_window window;

    sf_window_init(&window, 4, 4000);
    answers(&window, 1000, 1000, 10);
    sf_window_reset(&window, 20000);
    ck_assert_uint_eq(sf_window_size(&window), 64);
    sf_window_overload(&window, 19999, 20001); /* sent before the reset */
    ck_assert_uint_eq(sf_window_size(&window), 64);
}
END_TEST

/* ---- allocation ---- */

static const struct {
    int64_t used;
    bool live, post_call, backfill;
} usages[] = {
    /* in this order, of 1000 */
    {0, false, false, false},  {799, false, false, false}, {800, false, false, true},
    {760, false, false, true}, {749, false, false, false}, {805, false, false, true},
    {950, true, false, true},  {979, true, false, true},   {980, true, true, true},
    {1000, true, true, true},  {1200, true, true, true},   {940, true, true, true},
    {929, true, false, true},  {900, true, false, true},   {899, false, false, true},
    {751, false, false, true}, {3, false, false, false},   {990, true, true, true},
    {2, false, false, false}, /* the day is over */
};

START_TEST(test_classes_stop_and_resume)
{
    const uint32_t stop[SF_CLASSES] = {95, 98, 80};
    struct sf_spend spend;

    sf_spend_init(&spend, stop);
    ck_assert(!sf_spend_any_stopped(&spend));
    for (int i = 0; i < ROWS(usages); i++) {
        sf_spend_note(&spend, (struct cf_sf_budget){usages[i].used, 1000}, (uint64_t)i);
        ck_assert_msg(spend.stopped[CF_SF_LIVE_CALLER] == usages[i].live, "row %d", i);
        ck_assert_msg(spend.stopped[CF_SF_POST_CALL] == usages[i].post_call, "row %d", i);
        ck_assert_msg(spend.stopped[CF_SF_BACKFILL] == usages[i].backfill, "row %d", i);
        ck_assert_int_eq(sf_spend_any_stopped(&spend), usages[i].backfill);
    }
}
END_TEST

START_TEST(test_odd_budgets)
{
    const uint32_t stop[SF_CLASSES] = {100, 0, 80};
    struct sf_spend spend;

    sf_spend_init(&spend, stop);
    sf_spend_note(&spend, (struct cf_sf_budget){-1, -1}, 1);
    ck_assert(!spend.known);
    sf_spend_note(&spend, (struct cf_sf_budget){0, 0}, 1); /* an org that may do nothing */
    ck_assert(spend.stopped[CF_SF_BACKFILL] && !spend.stopped[0] && !spend.stopped[1]);
    sf_spend_note(&spend, (struct cf_sf_budget){5000, 10}, 1);
    ck_assert(spend.stopped[CF_SF_BACKFILL] && !spend.stopped[0] && !spend.stopped[1]);
}
END_TEST

START_TEST(test_how_long_it_lasts)
{
    const uint32_t stop[SF_CLASSES] = {95, 98, 80};
    struct sf_spend spend;

    sf_spend_init(&spend, stop);
    ck_assert_double_eq(sf_spend_lasts_s(&spend), SF_DAY_S);
    for (int64_t i = 0; i <= 100; i++) /* ten a second; the reports are out of step by up to 30 */
        sf_spend_note(&spend, (struct cf_sf_budget){i * 100 + (i % 2) * 30, 100000}, (uint64_t)i * 10000);
    ck_assert_double_ge(sf_spend_lasts_s(&spend), 7000);
    ck_assert_double_le(sf_spend_lasts_s(&spend), 13000);
    sf_spend_note(&spend, (struct cf_sf_budget){5, 100000},
                  1010000); /* the window has moved: no negative rate */
    ck_assert_double_ge(sf_spend_lasts_s(&spend), 7000);
    sf_spend_note(&spend, (struct cf_sf_budget){100000, 100000}, 1010001);
    ck_assert_double_eq(sf_spend_lasts_s(&spend), 0);
}
END_TEST

START_TEST(test_unused_lasts)
{
    const uint32_t stop[SF_CLASSES] = {95, 98, 80};
    struct sf_spend spend;

    sf_spend_init(&spend, stop);
    for (uint64_t i = 0; i < 10; i++)
        sf_spend_note(&spend, (struct cf_sf_budget){7, 100000}, i * 20000);
    ck_assert_double_eq(sf_spend_lasts_s(&spend), SF_DAY_S);
}
END_TEST

/* ---- records alike ---- */

static const struct {
    const char *story; /* a letter: a record refused with that code; '.': one written */
    const char *blame; /* for each: '!' the org, '-' the record */
} alike[] = {
    {"a", "-"},
    {"aa", "--"},
    {"aaaaa", "--!!!"},
    {"aa.aa.aa.a", "-- -- -- -"},
    {"a.a.a.a.a.a", "- - - - - -"},
    {"ababab", "------"}, /* not one cause */
    {"aaabaaa", "--!---!"},
    {"aaa.a", "--! -"},
    {"aaaa.aaa", "--!! --!"},
    {"", ""},
};

START_TEST(test_alike)
{
    struct sf_alike state = {0};

    for (size_t i = 0; alike[_i].story[i]; i++) {
        char code[2] = {alike[_i].story[i], '\0'};

        if (code[0] == '.')
            sf_alike_done(&state);
        else
            ck_assert_msg(sf_alike_failed(&state, code, (struct cf_str){(const char *)&i, sizeof(i)}) ==
                              (alike[_i].blame[i] == '!'),
                          "%s at %zu", alike[_i].story, i);
    }
}
END_TEST

START_TEST(test_alike_without_code)
{
    struct sf_alike state = {0};

    ck_assert(!sf_alike_failed(&state, NULL, CF_STR("a")));
    ck_assert(!sf_alike_failed(&state, "", CF_STR("b")));
    ck_assert(!sf_alike_failed(&state, "", CF_STR("a")));
    ck_assert(sf_alike_failed(&state, NULL, CF_STR("c")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sf_guard");
    TCase *tcase = tcase_create("guard");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tcase, test_sign, 0, ROWS(signs));
    tcase_add_loop_test(tcase, test_retry_after, 0, ROWS(retries));
    tcase_add_test(tcase, test_no_retry_after);
    tcase_add_loop_test(tcase, test_circuit, 0, ROWS(stories));
    tcase_add_test(tcase, test_jitter);
    tcase_add_test(tcase, test_circuit_off);
    tcase_add_test(tcase, test_window_grows_when_used);
    tcase_add_test(tcase, test_window_bounds);
    tcase_add_test(tcase, test_window_one_cut_a_round_trip);
    tcase_add_loop_test(tcase, test_window_latency, 0, ROWS(latencies));
    tcase_add_test(tcase, test_window_base_moves);
    tcase_add_test(tcase, test_window_reset);
    tcase_add_test(tcase, test_classes_stop_and_resume);
    tcase_add_test(tcase, test_odd_budgets);
    tcase_add_test(tcase, test_how_long_it_lasts);
    tcase_add_test(tcase, test_unused_lasts);
    tcase_add_loop_test(tcase, test_alike, 0, ROWS(alike));
    tcase_add_test(tcase, test_alike_without_code);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

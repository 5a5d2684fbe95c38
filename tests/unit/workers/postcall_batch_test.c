/* SPDX-License-Identifier: Apache-2.0 */
/* Which calls share a request, and when it leaves; and turns. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "postcall_batch.h"
#include "postcall_turn.h"

#define LINGER 500
#define MOST 5

static struct postcall_batch *batch;
static struct postcall_item items[400];
static uint64_t due;

static void open_batch(uint32_t most, uint32_t nodes, size_t bytes, uint32_t under_way)
{
    struct postcall_batch_opts opts = {.most = most,
                                       .nodes = nodes,
                                       .bytes = bytes,
                                       .linger_ms = LINGER,
                                       .under_way = under_way,
                                       .backoff = {100, 1000}};

    postcall_batch_free(batch);
    batch = postcall_batch_new(&opts);
    memset(items, 0, sizeof(items));
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
        items[i].nodes = 1;
}

static void setup(void)
{
    open_batch(MOST, 100, 1000000, 3);
}

static void teardown(void)
{
    postcall_batch_free(batch);
    batch = NULL;
}

static struct postcall_item *add(size_t i, const char *parent, uint64_t now_ms)
{
    (void)cf_str_copy(items[i].parents[0], POSTCALL_ID_SIZE, cf_str_of(parent));
    postcall_batch_add(batch, &items[i], now_ms);
    return &items[i];
}

static struct postcall_load *next(uint64_t now_ms)
{
    return postcall_batch_next(batch, now_ms, &due);
}

static void done(struct postcall_load *load, enum postcall_fate fate, uint64_t now_ms)
{
    postcall_batch_done(batch, load, fate, now_ms, UINT64_MAX);
    postcall_load_free(load);
}

/* Its items, as "0 3 4". */
static void is_load(const struct postcall_load *load, const char *want)
{
    char got[400] = "";
    size_t at = 0;

    ck_assert_ptr_nonnull(load);
    for (size_t i = 0; i < load->n; i++)
        at += (size_t)snprintf(got + at, sizeof(got) - at, "%s%td", i > 0 ? " " : "", load->items[i] - items);
    ck_assert_str_eq(got, want);
}

static void none_before(uint64_t now_ms, uint64_t want)
{
    ck_assert_ptr_null(next(now_ms));
    ck_assert_uint_eq(due, want);
}

START_TEST(test_one_alone_leaves_at_once)
{
    struct postcall_load *load;

    none_before(1000, POSTCALL_NEVER);
    add(0, "", 1000);
    load = next(1000);
    is_load(load, "0");
    none_before(1000, POSTCALL_NEVER);
    done(load, POSTCALL_ANSWERED, 1010);
    add(1, "", 1000 + LINGER);
    load = next(1000 + LINGER);
    is_load(load, "1");
    done(load, POSTCALL_ANSWERED, 2000);
}
END_TEST

START_TEST(test_linger)
{
    struct postcall_load *first, *load;

    add(0, "", 1000);
    first = next(1000);
    add(1, "", 1100); /* behind one under way: its own time counts */
    add(2, "", 1200);
    none_before(1200, 1100 + LINGER);
    done(first, POSTCALL_ANSWERED, 1250); /* nothing under way now, but lately there was */
    none_before(1250, 1000 + LINGER);
    load = next(1000 + LINGER);
    is_load(load, "1 2");
    done(load, POSTCALL_ANSWERED, 1600);
    add(3, "", 1700);
    none_before(1700, 1500 + LINGER);
    for (size_t i = 4; i < 3 + MOST; i++)
        add(i, "", 1710);
    load = next(1710); /* full */
    is_load(load, "3 4 5 6 7");
    done(load, POSTCALL_ANSWERED, 1720);
}
END_TEST

/* A pause from outside takes the place of the line's own, and ends when it is said to. */
START_TEST(test_pause)
{
    struct postcall_load *load;

    add(0, "", 1000);
    load = next(1000);
    done(load, POSTCALL_UNSENT, 1010);
    postcall_batch_pause(batch, 50000);
    none_before(20000, 50000);
    postcall_batch_pause(batch, 0);
    load = next(20000);
    is_load(load, "0");
    done(load, POSTCALL_ANSWERED, 20010);
}
END_TEST

START_TEST(test_a_burst)
{
    struct postcall_load *loads[3];

    for (size_t i = 0; i < 12; i++)
        add(i, "", 1000);
    is_load(loads[0] = next(1000), "0 1 2 3 4");
    is_load(loads[1] = next(1000), "5 6 7 8 9");
    none_before(1000, 1000 + LINGER);
    is_load(loads[2] = next(1000 + LINGER), "10 11");
    add(12, "", 3000);
    none_before(4000, POSTCALL_NEVER); /* three are under way */
    ck_assert_uint_eq(postcall_batch_waiting(batch), 1);
    for (size_t i = 0; i < 3; i++)
        done(loads[i], POSTCALL_ANSWERED, 4000);
    is_load(loads[0] = next(4000), "12");
    done(loads[0], POSTCALL_ANSWERED, 4000);
}
END_TEST

START_TEST(test_parents)
{
    struct postcall_load *first, *second;

    add(0, "A", 1000);
    add(1, "A", 1000); /* the same request does them one after the other */
    first = next(1000);
    is_load(first, "0 1");
    add(2, "A", 1100);
    add(3, "B", 1100);
    add(4, "", 1100);
    (void)cf_str_copy(items[4].parents[2], POSTCALL_ID_SIZE, CF_STR("A"));
    second = next(1100 + LINGER);
    is_load(second, "3");
    none_before(5000, POSTCALL_NEVER);
    done(first, POSTCALL_ANSWERED, 5000);
    is_load(first = next(5000), "2 4");
    done(first, POSTCALL_ANSWERED, 5000);
    done(second, POSTCALL_ANSWERED, 5000);
}
END_TEST

START_TEST(test_limits)
{
    struct postcall_load *load;

    open_batch(10, 20, 1000, 9);
    items[0].nodes = 15;
    items[1].nodes = 6;
    items[2].nodes = 30; /* more than a load may have: alone then */
    items[3].bytes = 700;
    items[4].bytes = 400;
    for (size_t i = 0; i < 5; i++)
        add(i, "", 1000);
    is_load(load = next(1000), "0");
    done(load, POSTCALL_ANSWERED, 1000);
    is_load(load = next(1000), "1");
    done(load, POSTCALL_ANSWERED, 1000);
    is_load(load = next(1000), "2");
    done(load, POSTCALL_ANSWERED, 1000);
    is_load(load = next(1000), "3");
    done(load, POSTCALL_ANSWERED, 1000);
    is_load(load = next(1000 + LINGER), "4");
    done(load, POSTCALL_ANSWERED, 1000);
}
END_TEST

START_TEST(test_alone)
{
    struct postcall_load *first, *second;

    add(0, "", 1000);
    items[1].most = 1;
    add(1, "", 1000);
    add(2, "", 1000);
    is_load(first = next(1000), "0 2");
    is_load(second = next(1000), "1"); /* it does not linger: it wants no company */
    done(first, POSTCALL_ANSWERED, 1000);
    done(second, POSTCALL_ANSWERED, 1000);
}
END_TEST

START_TEST(test_not_before)
{
    struct postcall_load *load;

    items[0].not_before_ms = 9000;
    add(0, "", 1000);
    none_before(1000, 9000);
    add(1, "", 1500);
    is_load(load = next(1500), "1");
    done(load, POSTCALL_ANSWERED, 1500);
    none_before(8999, 9000);
    is_load(load = next(9000), "0");
    done(load, POSTCALL_ANSWERED, 9000);
}
END_TEST

/* Away: all wait, one load tries, and after its success the rest leaves in full loads. */
START_TEST(test_away)
{
    struct postcall_load *load, *more;

    for (size_t i = 0; i < 14; i++)
        add(i, "", 1000);
    is_load(load = next(1000), "0 1 2 3 4");
    is_load(more = next(1000), "5 6 7 8 9");
    done(load, POSTCALL_UNSENT, 2000);
    none_before(2000, POSTCALL_NEVER); /* the other is still under way */
    done(more, POSTCALL_UNSENT, 2000);
    ck_assert_uint_eq(postcall_batch_waiting(batch), 14);
    ck_assert_ptr_null(next(2000));
    ck_assert(due > 2000 && due <= 2200);
    for (int i = 0; i < 20; i++) {
        uint64_t now = due;

        load = next(now);
        ck_assert_uint_eq(load->n, MOST);
        ck_assert_ptr_null(next(now));
        done(load, POSTCALL_UNSENT, now);
        ck_assert_ptr_null(next(now));
        ck_assert(due - now <= 1000);
    }
    load = next(due);
    done(load, POSTCALL_ANSWERED, due);
    is_load(load = next(90000), "0 1 2 3 4");
    is_load(more = next(90000), "10 11 12 13");
    done(load, POSTCALL_ANSWERED, 90000);
    done(more, POSTCALL_ANSWERED, 90000);
}
END_TEST

/* A request that is refused as a whole is halved until the culprit is alone. */
START_TEST(test_split)
{
    size_t sizes[10] = {0}, n = 0;
    struct postcall_load *load;

    open_batch(8, 100, 1000000, 1);
    for (size_t i = 0; i < 8; i++)
        add(i, "", 1000);
    while (n < 10 && (load = next(1000)) != NULL) {
        bool bad = false;

        for (size_t i = 0; i < load->n; i++)
            bad = bad || load->items[i] == &items[5];
        sizes[n++] = load->n;
        done(load, bad && load->n > 1 ? POSTCALL_SPLIT : POSTCALL_ANSWERED, 1000);
    }
    ck_assert_uint_eq(postcall_batch_waiting(batch), 0);
    ck_assert_uint_eq(sizes[0], 8);
    ck_assert_uint_eq(sizes[1], 4);
    ck_assert_uint_eq(n, 7); /* 8, 4, 4 with it, 2, 2 with it, 1, 1 */
}
END_TEST

START_TEST(test_leave)
{
    struct postcall_load *load;

    add(0, "A", 1000);
    add(1, "A", 1000);
    add(2, "B", 1000);
    postcall_batch_leave(batch, &items[1]);
    postcall_batch_leave(batch, &items[1]);
    load = next(1000);
    is_load(load, "0 2");
    postcall_batch_leave(batch, &items[0]);
    ck_assert_ptr_null(load->items[0]);
    add(0, "A", 1100);
    none_before(2000, POSTCALL_NEVER); /* its first request may still be at work on A */
    done(load, POSTCALL_UNSENT, 2000);
    ck_assert_uint_eq(postcall_batch_waiting(batch), 2);
    is_load(load = next(9000), "2 0");
    done(load, POSTCALL_ANSWERED, 9000);
}
END_TEST

static uint64_t draw(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

#define PARENTS 12

static void check_loads(struct postcall_load *const loads[4])
{
    int owner[PARENTS];

    for (int p = 0; p < PARENTS; p++)
        owner[p] = -1;
    for (int l = 0; l < 4; l++) {
        for (size_t i = 0; loads[l] && i < loads[l]->n * POSTCALL_PARENTS; i++) {
            const char *id = loads[l]->held[i].id;
            int p = *id ? (int)strtol(id, NULL, 10) : -1;

            ck_assert(p < 0 || owner[p] < 0 || owner[p] == l);
            if (p >= 0)
                owner[p] = l;
        }
    }
}

struct play {
    uint64_t seed, now;
    struct postcall_load *loads[4];
    size_t added, served;
};

static void add_some(struct play *play)
{
    for (size_t n = draw(&play->seed) % 9; n > 0 && play->added < 300; n--) {
        struct postcall_item *item = &items[play->added++];

        item->nodes = 1 + (uint32_t)(draw(&play->seed) % 6);
        item->bytes = draw(&play->seed) % 1500;
        item->not_before_ms = draw(&play->seed) % 10 == 0 ? play->now + 900 : 0;
        for (size_t k = 0; k < POSTCALL_PARENTS; k++) {
            if (draw(&play->seed) % 2)
                (void)snprintf(item->parents[k], POSTCALL_ID_SIZE, "%d", (int)(draw(&play->seed) % PARENTS));
        }
        postcall_batch_add(batch, item, play->now);
    }
}

static void end_one(struct play *play, size_t slot)
{
    struct postcall_load *load = play->loads[slot];
    enum postcall_fate fate = POSTCALL_ANSWERED;

    if (!load)
        return;
    if (draw(&play->seed) % 4 == 0 && load->n > 1)
        fate = POSTCALL_SPLIT;
    else if (draw(&play->seed) % 3 == 0)
        fate = POSTCALL_UNSENT;
    else
        play->served += load->n;
    postcall_batch_done(batch, load, fate, play->now, draw(&play->seed));
    postcall_load_free(load);
    play->loads[slot] = NULL;
}

/* Whatever happens: no parent in two loads, limits kept, nobody lost, everybody served in the end. */
START_TEST(test_property)
{
    struct play play = {.seed = 99 + (uint64_t)_i, .now = 1000};

    open_batch(7, 30, 5000, 4);
    while (play.served < 300) {
        size_t slot = draw(&play.seed) % 4;

        play.now += draw(&play.seed) % 300;
        add_some(&play);
        end_one(&play, slot);
        play.loads[slot] = next(play.now);
        if (play.loads[slot])
            ck_assert_uint_le(play.loads[slot]->n, 7);
        check_loads(play.loads);
        ck_assert_uint_lt(play.now, 10000000);
    }
    ck_assert_uint_eq(postcall_batch_waiting(batch), 0);
}
END_TEST

/* ---- turns ---- */

START_TEST(test_turns)
{
    struct postcall_turns *turns = postcall_turns_new();
    struct postcall_turn a = {0}, b = {0}, c = {0}, d = {0}, other = {0};

    ck_assert(postcall_turn_take(turns, &a, CF_STR("x")));
    ck_assert(postcall_turn_take(turns, &other, CF_STR("y")));
    ck_assert(!postcall_turn_take(turns, &b, CF_STR("x")));
    ck_assert(!postcall_turn_take(turns, &c, CF_STR("x")));
    ck_assert(!postcall_turn_take(turns, &d, CF_STR("x")));
    ck_assert_ptr_null(postcall_turn_leave(turns, &d)); /* the last one gives up waiting */
    ck_assert_ptr_null(postcall_turn_leave(turns, &b));
    ck_assert(!postcall_turn_take(turns, &b, CF_STR("x"))); /* behind c now */
    ck_assert_ptr_eq(postcall_turn_leave(turns, &a), &c);
    ck_assert(c.has && !c.waits && !a.has);
    ck_assert_ptr_eq(postcall_turn_leave(turns, &c), &b);
    ck_assert(!postcall_turn_take(turns, &d, CF_STR("x")));
    ck_assert_ptr_eq(postcall_turn_leave(turns, &b), &d);
    ck_assert_ptr_null(postcall_turn_leave(turns, &d));
    ck_assert_ptr_null(postcall_turn_leave(turns, &d));
    ck_assert_ptr_null(postcall_turn_leave(turns, &other));
    ck_assert(postcall_turn_take(turns, &a, CF_STR("x")));
    postcall_turns_free(turns);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("postcall-batch");
    TCase *tcase = tcase_create("batch");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_one_alone_leaves_at_once);
    tcase_add_test(tcase, test_linger);
    tcase_add_test(tcase, test_a_burst);
    tcase_add_test(tcase, test_pause);
    tcase_add_test(tcase, test_parents);
    tcase_add_test(tcase, test_limits);
    tcase_add_test(tcase, test_alone);
    tcase_add_test(tcase, test_not_before);
    tcase_add_test(tcase, test_away);
    tcase_add_test(tcase, test_split);
    tcase_add_test(tcase, test_leave);
    tcase_add_loop_test(tcase, test_property, 0, 30);
    tcase_add_test(tcase, test_turns);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

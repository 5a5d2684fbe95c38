/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet's cap on slow requests: several clients of one semaphore in a real Redis, and without one. */
#include "unit/common/sf_test_server.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "redis/redis.h"
#include "sf/sf_client_priv.h"

#define KEY "cf:sf:leases:test"
#define CAP 8
#define CLIENTS 3
#define HOLD_MS 60000

static struct cf_redis *redis;
static pid_t redis_pid;
static char redis_path[160];
static struct sf_lease *leases[CLIENTS];
static bool woken;

static void redis_start(void)
{
    char url[176];
    struct cf_err err;

    (void)snprintf(redis_path, sizeof(redis_path), "%s/redis.sock", dir);
    redis_pid = fork();
    ck_assert_int_ge(redis_pid, 0);
    if (redis_pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when a test dies before its teardown */
        (void)execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", redis_path, "--dir", dir,
                     "--save", "", "--appendonly", "no", "--logfile", "/dev/null", (char *)NULL);
        _exit(127);
    }
    (void)snprintf(url, sizeof(url), "unix://%s", redis_path);
    const struct cf_redis_opts opts = {.url = url,
                                       .connect_timeout_ms = 1000,
                                       .call_timeout_ms = 1000,
                                       .max_pending = 100,
                                       .max_reply_bytes = 1 << 20};

    redis = cf_redis_new(loop, &opts, &err);
    ck_assert_ptr_nonnull(redis);
    for (uint64_t until = cf_clock_mono_ms() + 10000; !cf_redis_is_up(redis);) {
        ck_assert_uint_lt(cf_clock_mono_ms(), until);
        turn_ms(5);
    }
}

static void redis_kill(void)
{
    (void)kill(redis_pid, SIGKILL);
    ck_assert_int_eq(waitpid(redis_pid, NULL, 0), redis_pid);
    (void)unlink(redis_path);
    redis_pid = 0;
}

static void on_lease(void *arg)
{
    (void)arg;
    woken = true;
}

static struct sf_lease *lease_new(struct cf_redis *with, uint32_t slow_ms)
{
    const struct sf_lease_opts opts = {
        .loop = loop, .redis = with, .key = KEY, .slow_ms = slow_ms, .cap = CAP};

    return sf_lease_new(&opts, on_lease, NULL);
}

static void lease_setup(void)
{
    setup();
    redis_start();
    for (size_t i = 0; i < CLIENTS; i++)
        leases[i] = lease_new(redis, 100);
}

static void lease_teardown(void)
{
    for (size_t i = 0; i < CLIENTS; i++)
        sf_lease_free(leases[i]);
    turn_ms(20);
    cf_redis_free(redis);
    if (redis_pid > 0)
        redis_kill();
    teardown();
}

/* One lease, or 0 when Redis has refused it. */
static uint64_t get(struct sf_lease *lease, bool live, uint64_t hold_ms)
{
    uint64_t until_ms = cf_clock_mono_ms() + 300, id;

    while ((id = sf_lease_take(lease, live, hold_ms)) == 0 && cf_clock_mono_ms() < until_ms)
        turn_ms(5);
    return id;
}

static size_t get_all(bool live, uint64_t ids[CLIENTS][CAP + 1])
{
    size_t n = 0;

    for (size_t i = 0; i <= CAP; i++) {
        for (size_t k = 0; k < CLIENTS; k++) {
            if (n > CAP)
                return n;
            ids[k][i] = get(leases[k], live, HOLD_MS);
            n += ids[k][i] != 0;
        }
        if (ids[CLIENTS - 1][i] == 0)
            break;
    }
    return n;
}

/* ---- when ---- */

START_TEST(test_needed_while_slow)
{
    struct sf_lease *lease = leases[0];

    for (int i = 0; i < 100; i++)
        sf_lease_note(lease, 50, false);
    ck_assert(!sf_lease_needed(lease));
    sf_lease_note(lease, 0, true);
    ck_assert(!sf_lease_needed(lease)); /* one that got no answer is no pattern */
    for (int i = 0; i < 10; i++)
        sf_lease_note(lease, 0, true);
    ck_assert(sf_lease_needed(lease));
    for (int i = 0; i < 20; i++)
        sf_lease_note(lease, 70, false);
    ck_assert(sf_lease_needed(lease)); /* not at the first better answer */
    for (int i = 0; i < 20; i++)
        sf_lease_note(lease, 20, false);
    ck_assert(!sf_lease_needed(lease));
    for (int i = 0; i < 100; i++)
        sf_lease_note(lease, 120, false);
    ck_assert(sf_lease_needed(lease));
}
END_TEST

START_TEST(test_off)
{
    struct sf_lease *lease = lease_new(redis, 0);

    for (int i = 0; i < 100; i++)
        sf_lease_note(lease, 100000, true);
    ck_assert(!sf_lease_needed(lease));
    sf_lease_free(lease);
}
END_TEST

/* ---- how many ---- */

START_TEST(test_cap_of_the_fleet)
{
    uint64_t ids[CLIENTS][CAP + 1] = {0};

    ck_assert_uint_eq(get_all(true, ids), CAP);
    woken = false;
    ck_assert_uint_eq(get(leases[1], true, HOLD_MS), 0);
    ck_assert(woken); /* it asks again by itself */
    sf_lease_give_back(leases[0], ids[0][0], false);
    ck_assert_uint_ne(get(leases[1], true, HOLD_MS), 0);
    ck_assert_uint_eq(get(leases[2], true, HOLD_MS), 0);
    ck_assert_uint_eq(sf_lease_held(leases[0]) + sf_lease_held(leases[1]) + sf_lease_held(leases[2]), CAP);
}
END_TEST

START_TEST(test_live_callers_have_a_quarter)
{
    uint64_t ids[CLIENTS][CAP + 1] = {0};

    ck_assert_uint_eq(get_all(false, ids), CAP - CAP / 4);
    ck_assert_uint_ne(get(leases[0], true, HOLD_MS), 0);
    ck_assert_uint_ne(get(leases[1], true, HOLD_MS), 0);
    ck_assert_uint_eq(get(leases[2], true, HOLD_MS), 0);
}
END_TEST

/* What the caller gave up on may be worked on still. */
START_TEST(test_abandoned_is_kept)
{
    uint64_t ids[CLIENTS][CAP + 1] = {0};

    ck_assert_uint_eq(get_all(true, ids), CAP);
    sf_lease_give_back(leases[0], ids[0][0], true);
    ck_assert_uint_eq(get(leases[1], true, HOLD_MS), 0);
}
END_TEST

static void on_expired(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    (void)arg;
    (void)reply;
    ck_assert_ptr_null(err);
    cf_loop_stop(loop);
}

/* A dead process's leases end by themselves; time is moved by rewriting the scores. */
START_TEST(test_leases_expire)
{
    static const char age[] = "for _, m in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do "
                              "redis.call('ZADD', KEYS[1], 1, m) end return 0";
    const struct cf_str args[] = {CF_STR(KEY)};
    uint64_t ids[CLIENTS][CAP + 1] = {0};

    ck_assert_uint_eq(get_all(true, ids), CAP);
    cf_redis_eval(redis, age, 1, 1, args, on_expired, NULL);
    cf_loop_run(loop);
    ck_assert_uint_ne(get(leases[0], true, HOLD_MS), 0);
}
END_TEST

START_TEST(test_nobody_waits_any_more)
{
    uint64_t ids[CLIENTS][CAP + 1] = {0};

    ck_assert_uint_eq(sf_lease_take(leases[0], true, HOLD_MS), 0); /* asked for ... */
    turn_ms(50);
    sf_lease_idle(leases[0]); /* ... granted, and not needed */
    ck_assert_uint_eq(get_all(true, ids), CAP);
}
END_TEST

START_TEST(test_free_while_asking)
{
    ck_assert_uint_eq(sf_lease_take(leases[0], true, HOLD_MS), 0);
    sf_lease_free(leases[0]);
    leases[0] = NULL;
    turn_ms(50);
}
END_TEST

/* ---- without Redis ---- */

static void small_share(struct sf_lease *lease)
{
    uint64_t first = sf_lease_take(lease, true, HOLD_MS), second = sf_lease_take(lease, true, HOLD_MS);

    ck_assert(first != 0 && second != 0);
    ck_assert_uint_eq(sf_lease_take(lease, true, HOLD_MS), 0);
    sf_lease_give_back(lease, first, false);
    first = sf_lease_take(lease, true, HOLD_MS);
    ck_assert_uint_ne(first, 0);
    sf_lease_give_back(lease, second, true); /* abandoned */
    ck_assert_uint_eq(sf_lease_take(lease, true, HOLD_MS), 0);
    sf_lease_give_back(lease, first, false);
    ck_assert_uint_eq(sf_lease_held(lease), 0);
}

START_TEST(test_no_redis)
{
    struct sf_lease *lease = lease_new(NULL, 100);

    small_share(lease);
    sf_lease_free(lease);
}
END_TEST

START_TEST(test_redis_is_down)
{
    redis_kill();
    for (uint64_t until = cf_clock_mono_ms() + 10000; cf_redis_is_up(redis);) {
        ck_assert_uint_lt(cf_clock_mono_ms(), until);
        turn_ms(5);
    }
    small_share(leases[0]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sf_lease");
    TCase *tcase = tcase_create("lease");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, lease_setup, lease_teardown);
    tcase_set_timeout(tcase, 40);
    tcase_add_test(tcase, test_needed_while_slow);
    tcase_add_test(tcase, test_off);
    tcase_add_test(tcase, test_cap_of_the_fleet);
    tcase_add_test(tcase, test_live_callers_have_a_quarter);
    tcase_add_test(tcase, test_abandoned_is_kept);
    tcase_add_test(tcase, test_leases_expire);
    tcase_add_test(tcase, test_nobody_waits_any_more);
    tcase_add_test(tcase, test_free_while_asking);
    tcase_add_test(tcase, test_no_redis);
    tcase_add_test(tcase, test_redis_is_down);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

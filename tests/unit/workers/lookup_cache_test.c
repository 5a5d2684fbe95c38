/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept in a real Redis, for how long, and that nobody waits for a Redis that is silent. */
#include "lookup_cache.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "clock/clock.h"
#include "log/log.h"
#include "unit/common/redis_test_client.h"

#define PART(reference, rows)                                                                                \
    "{\"referenceId\":\"" reference "\",\"httpStatusCode\":200,\"body\":{\"records\":[" rows "]}}"
#define ROW(id, phone) "{\"Id\":\"" id "\",\"Phone\":\"" phone "\"}"
#define ANSWER(rows) "{\"compositeResponse\":[" PART("contacts", rows) "," PART("accounts", "") "]}"
#define MINE ROW("003000000000001AAA", "(520) 773-9050")
#define OTHER ROW("003000000000002AAA", "+49 30 901820")
#define SECRET "a secret of the fleet"
#define ORG "https://x\nclient\nuser"

static const struct lookup_query_opts query = {.api_version = "v60.0",
                                               .tier_field = "Tier__c",
                                               .activity = true,
                                               .patterns = true,
                                               .phones = LOOKUP_STANDARD_PHONES};
static const struct lookup_cache_opts usual = {.secret = {SECRET, sizeof(SECRET) - 1},
                                               .org = {ORG, sizeof(ORG) - 1},
                                               .ttl_ms = 60000,
                                               .negative_ttl_ms = 10000,
                                               .stale_ms = 600000,
                                               .wait_ms = 2000};

static struct lookup_cache *cache;
static struct cf_arena *arena;
static struct cf_phone mine, nobodys;

/* What a get said. */
static struct heard {
    bool done, found, fresh, fresh_nobody;
    int64_t at;
    size_t n;
    struct lookup_record *records;
} heard;

static struct lookup_cache *cache_new(struct lookup_cache_opts opts)
{
    opts.query = &query;
    return lookup_cache_new(loop, redis, &opts);
}

static void open_all(void)
{
    struct cf_redis_opts opts;

    cf_log_setup("test", CF_LOG_ERROR);
    redis_server_start(&server, NULL);
    opts = options(url_of("unix://%s", server.socket));
    opts.call_timeout_ms = 10000;
    open_client(&opts);
    wait_up();
    arena = cf_arena_new(1 << 20);
    cache = cache_new(usual);
    cf_phone_parse(CF_STR("+15207739050"), "US", &mine);
    cf_phone_parse(CF_STR("+12125550123"), "US", &nobodys);
}

static void close_all(void)
{
    lookup_cache_free(cache);
    cf_arena_free(arena);
    teardown();
}

static void on_cached(void *arg, const struct lookup_cached *cached)
{
    const struct cf_phone *phone = arg;

    ck_assert(!heard.done);
    heard = (struct heard){.done = true, .found = cached != NULL};
    if (cached) {
        heard.fresh = cached->fresh;
        heard.fresh_nobody = cached->fresh_nobody;
        heard.at = cached->at;
        lookup_query_pick(arena, &query, cached->answer, phone, &heard.records, &heard.n);
    }
    cf_loop_stop(loop);
}

static bool get(struct cf_phone *phone)
{
    heard = (struct heard){0};
    if (!lookup_cache_get(cache, phone, on_cached, phone))
        return false;
    ck_assert(!heard.done); /* never inside the call */
    cf_loop_run(loop);
    return heard.found;
}

static void put(const struct cf_phone *phone, const char *text)
{
    json_t *answer = json_loads(text, 0, NULL);

    ck_assert_ptr_nonnull(answer);
    lookup_cache_put(cache, phone, &query, answer);
    json_decref(answer);
}

/* The one key in Redis; "" when there is none. */
static const char *only_key(void)
{
    static char key[256];
    struct result result = call("KEYS *");

    ck_assert_uint_le(result.n, 1);
    key[0] = '\0';
    if (result.n == 1)
        ck_assert_int_eq(sscanf(result.text, "[ %255s", key), 1);
    return key;
}

static int64_t life_ms(void)
{
    char command[300];

    (void)snprintf(command, sizeof(command), "PTTL %s", only_key());
    return call(command).integer;
}

START_TEST(test_round_trip)
{
    int64_t before = cf_clock_wall_ms();

    ck_assert(!get(&mine));
    put(&mine, ANSWER(OTHER "," MINE));
    ck_assert(get(&mine));
    ck_assert(heard.fresh && heard.fresh_nobody);
    ck_assert_int_ge(heard.at, before);
    ck_assert_int_le(heard.at, cf_clock_wall_ms());
    ck_assert_uint_eq(heard.n, 1); /* others' rows are not kept */
    ck_assert(cf_str_is(heard.records[0].contact.id, "003000000000001AAA"));
    ck_assert(!get(&nobodys));
    ck_assert_uint_eq(lookup_cache_counts(cache).found, 1);
    ck_assert_uint_eq(lookup_cache_counts(cache).missed, 2);
    ck_assert_uint_eq(lookup_cache_counts(cache).put, 1);
}
END_TEST

START_TEST(test_key)
{
    static const char label[] = "callfleet lookup cache 1\0" ORG;
    unsigned char key[32], digest[32];
    char text[80] = "cf:crm:";

    put(&mine, ANSWER(MINE));
    HMAC(EVP_sha256(), SECRET, sizeof(SECRET) - 1, (const unsigned char *)label, sizeof(label) - 1, key,
         NULL);
    HMAC(EVP_sha256(), key, sizeof(key), (const unsigned char *)"+15207739050", 12, digest, NULL);
    for (size_t i = 0; i < 32; i++)
        (void)snprintf(text + 7 + 2 * i, 3, "%02x", digest[i]);
    ck_assert_str_eq(only_key(), text);
}
END_TEST

static const struct {
    uint64_t ttl_ms, negative_ttl_ms, stale_ms;
    bool nobody;
    int64_t life_ms;
} lives[] = {
    {60000, 10000, 600000, false, 600000}, {60000, 10000, 600000, true, 10000},
    {60000, 10000, 0, false, 60000},       {0, 10000, 600000, false, 600000},
    {60000, 0, 600000, true, -1},          {0, 10000, 0, false, -1},
};

START_TEST(test_lives)
{
    struct lookup_cache_opts opts = usual;
    int64_t life;

    opts.ttl_ms = lives[_i].ttl_ms;
    opts.negative_ttl_ms = lives[_i].negative_ttl_ms;
    opts.stale_ms = lives[_i].stale_ms;
    lookup_cache_free(cache);
    cache = cache_new(opts);
    put(&mine, lives[_i].nobody ? ANSWER(OTHER) : ANSWER(MINE));
    if (lives[_i].life_ms < 0) {
        ck_assert_str_eq(only_key(), "");
        return;
    }
    life = life_ms();
    ck_assert_int_le(life, lives[_i].life_ms);
    ck_assert_int_gt(life, lives[_i].life_ms - 9000);
    ck_assert(get(&mine));
    ck_assert_int_eq(heard.fresh, opts.ttl_ms > 0);
    ck_assert_int_eq(heard.fresh_nobody, opts.negative_ttl_ms > 0);
}
END_TEST

/* Puts `v`, `at` and `answer` as they are, in the place of `mine`. */
static void plant(const char *version, int64_t at, const char *answer)
{
    struct result result = {0};
    char text[4096], key[256];
    struct cf_str argv[3] = {CF_STR("SET")};

    put(&mine, ANSWER(MINE));
    (void)snprintf(key, sizeof(key), "%s", only_key());
    if (version)
        (void)snprintf(text, sizeof(text), "{\"v\":\"%s\",\"at\":%lld,\"answer\":%s}", version, (long long)at,
                       answer);
    else
        (void)snprintf(text, sizeof(text), "%s", answer);
    argv[1] = cf_str_of(key);
    argv[2] = cf_str_of(text);
    waiting++;
    cf_redis_call(redis, 3, argv, on_reply, &result);
    cf_loop_run(loop);
    ck_assert_str_eq(result.text, "OK ");
}

static const char *version_of(void)
{
    static char version[17];
    char command[300];

    put(&mine, ANSWER(MINE));
    (void)snprintf(command, sizeof(command), "GET %s", only_key());
    ck_assert_int_eq(sscanf(call(command).text, "{\"v\":\"%16[0-9a-f]\"", version), 1);
    return version;
}

static const struct {
    int64_t age_ms;
    bool found, fresh, fresh_nobody;
} ages[] = {
    {0, true, true, true},         {11000, true, true, false},    {61000, true, false, false},
    {599000, true, false, false},  {601000, false, false, false}, {-30000, true, true, true},
    {-90000, false, false, false},
};

START_TEST(test_ages)
{
    plant(version_of(), cf_clock_wall_ms() - ages[_i].age_ms, ANSWER(MINE));
    ck_assert_int_eq(get(&mine), ages[_i].found);
    ck_assert_int_eq(heard.fresh, ages[_i].fresh);
    ck_assert_int_eq(heard.fresh_nobody, ages[_i].fresh_nobody);
}
END_TEST

static const char *const rubbish[] = {
    "",
    "x",
    "[]",
    "{\"v\":1}",
    "{\"v\":\"0123456789abcdef\",\"at\":1,\"answer\":{}}",
    "{\"v\":\"0123456789abcdef\",\"v\":\"0123456789abcdef\"}",
};

START_TEST(test_rubbish_is_a_miss)
{
    plant(NULL, 0, rubbish[_i]);
    ck_assert(!get(&mine));
    ck_assert_uint_eq(lookup_cache_counts(cache).missed, 1);
    put(&mine, ANSWER(MINE)); /* and is overwritten */
    ck_assert(get(&mine));
}
END_TEST

static const char *const broken[] = {"1", "{}", "{\"compositeResponse\":[" PART("contacts", "") "]}",
                                     "{\"compositeResponse\":{}}"};

START_TEST(test_broken_answers_are_a_miss)
{
    plant(version_of(), cf_clock_wall_ms(), broken[_i]);
    ck_assert(!get(&mine));
}
END_TEST

/* Other fields, another way to match, another org, another secret: none reads what this one wrote. */
START_TEST(test_others_do_not_read_it)
{
    struct lookup_query_opts other = query;
    struct lookup_cache_opts opts = usual;

    put(&mine, ANSWER(MINE));
    ck_assert(get(&mine));
    lookup_cache_free(cache);
    if (_i == 0)
        opts.org = CF_STR("https://y\nclient\nuser");
    if (_i == 1)
        opts.secret = CF_STR("another secret");
    opts.query = &other;
    if (_i == 2)
        other.tier_field = NULL;
    if (_i == 3)
        other.patterns = false;
    cache = lookup_cache_new(loop, redis, &opts);
    ck_assert_int_eq(get(&mine), _i == 4);
}
END_TEST

START_TEST(test_large_answers_are_not_kept)
{
    static char text[LOOKUP_CACHE_VALUE_BYTES + 1000], name[LOOKUP_CACHE_VALUE_BYTES];

    memset(name, 'n', sizeof(name) - 1);
    (void)snprintf(text, sizeof(text), ANSWER("{\"Phone\":\"5207739050\",\"Name\":\"%s\"}"), name);
    put(&mine, text);
    ck_assert_str_eq(only_key(), "");
}
END_TEST

/* ---- Redis in trouble ---- */

START_TEST(test_silent_redis)
{
    struct lookup_cache_opts opts = usual;

    opts.wait_ms = 30;
    lookup_cache_free(cache);
    cache = cache_new(opts);
    put(&mine, ANSWER(MINE));
    ck_assert_str_ne(only_key(), "");
    ck_assert_int_eq(kill(server.pid, SIGSTOP), 0);
    ck_assert(!get(&mine));
    ck_assert_uint_eq(lookup_cache_counts(cache).failed, 1);
    ck_assert_ptr_null(lookup_cache_get(cache, &mine, on_cached, &mine)); /* nobody waits again */
    ck_assert_uint_eq(lookup_cache_counts(cache).skipped, 1);
    ck_assert_int_eq(kill(server.pid, SIGCONT), 0);
    do /* behind the late reply; on a busy machine 30 ms may be too short again */
        ck_assert_str_eq(call("PING").text, "PONG ");
    while (!get(&mine));
}
END_TEST

START_TEST(test_no_redis)
{
    redis_server_kill(&server);
    want_down = true;
    while (cf_redis_is_up(redis))
        cf_loop_run(loop);
    put(&mine, ANSWER(MINE));
    ck_assert(!get(&mine) && !heard.done);
    ck_assert_uint_eq(lookup_cache_counts(cache).skipped, 1);
    ck_assert_uint_eq(lookup_cache_counts(cache).put, 0);
}
END_TEST

START_TEST(test_refusing_redis)
{
    (void)call("ACL SETUSER default resetkeys ~mine");
    put(&mine, ANSWER(MINE)); /* only logged */
    ck_assert(!get(&mine));
    ck_assert(heard.done);
    ck_assert_uint_eq(lookup_cache_counts(cache).failed, 1);
}
END_TEST

START_TEST(test_cancel)
{
    struct lookup_get *first, *second;

    heard = (struct heard){0};
    first = lookup_cache_get(cache, &mine, on_cached, &mine);
    second = lookup_cache_get(cache, &mine, on_cached, &mine);
    (void)lookup_cache_get(cache, &nobodys, on_cached, &nobodys);
    lookup_cache_cancel(second);
    lookup_cache_cancel(first);
    (void)call("PING");
    ck_assert(heard.done); /* the third one */
    heard.done = false;
    (void)call("PING");
    ck_assert(!heard.done);
}
END_TEST

/* Replies that come after the cache has gone find nobody. */
START_TEST(test_free_with_open_gets)
{
    heard = (struct heard){0};
    ck_assert_ptr_nonnull(lookup_cache_get(cache, &mine, on_cached, &mine));
    ck_assert_ptr_nonnull(lookup_cache_get(cache, &nobodys, on_cached, &nobodys));
    lookup_cache_free(cache);
    cache = NULL;
    if (_i == 0)
        (void)call("PING");
    ck_assert(!heard.done);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lookup_cache");
    TCase *tcase = tcase_create("cache");

    tcase_add_checked_fixture(tcase, open_all, close_all);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, test_round_trip);
    tcase_add_test(tcase, test_key);
    tcase_add_loop_test(tcase, test_lives, 0, ROWS(lives));
    tcase_add_loop_test(tcase, test_ages, 0, ROWS(ages));
    tcase_add_loop_test(tcase, test_rubbish_is_a_miss, 0, ROWS(rubbish));
    tcase_add_loop_test(tcase, test_broken_answers_are_a_miss, 0, ROWS(broken));
    tcase_add_loop_test(tcase, test_others_do_not_read_it, 0, 5);
    tcase_add_test(tcase, test_large_answers_are_not_kept);
    tcase_add_test(tcase, test_silent_redis);
    tcase_add_test(tcase, test_no_redis);
    tcase_add_test(tcase, test_refusing_redis);
    tcase_add_test(tcase, test_cancel);
    tcase_add_loop_test(tcase, test_free_with_open_gets, 0, 2);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup_cache.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "log/log.h"
#include "loop/loop.h"
#include "redis/redis.h"

#define FORM "1 " /* of the value; another number when its meaning changes */
#define PREFIX "cf:crm:"
#define KEY_BYTES (sizeof(PREFIX) - 1 + 2 * (size_t)SHA256_DIGEST_LENGTH)
#define VERSION_BYTES 16
#define MAX_PENDING 1024  /* commands that wait in Redis' line; beyond it nothing is put there */
#define MAX_SKEW_MS 60000 /* an entry from further in the future is nobody's truth */
#define LABEL "callfleet lookup cache 1"

struct lookup_get {
    struct lookup_cache *cache;
    struct lookup_get *before, *after; /* who still waits, the longest first */
    lookup_cache_fn *fn;               /* NULL: nobody waits any more */
    void *arg;
    uint64_t due_ms;
};

struct lookup_cache {
    struct cf_loop *loop;
    struct cf_redis *redis;
    struct lookup_cache_opts opts;
    unsigned char key[SHA256_DIGEST_LENGTH];
    char version[VERSION_BYTES + 1];
    struct lookup_get *first, *last;
    struct cf_timer *timer;
    size_t n_asked; /* gets without a reply: they keep this struct */
    bool slow;      /* a get ran out of time and no reply has come since */
    bool closed;
    struct lookup_cache_counts counts;
};

/* ---- keys and versions ---- */

static void to_hex(const unsigned char *bytes, size_t n, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        ret_text[2 * i] = digits[bytes[i] >> 4];
        ret_text[2 * i + 1] = digits[bytes[i] & 15];
    }
}

static void hmac(const void *key, size_t n_key, struct cf_str text, unsigned char *ret_digest)
{
    unsigned n = 0;

    if (n_key > INT32_MAX ||
        !HMAC(EVP_sha256(), key, (int)n_key, (const unsigned char *)text.p, text.n, ret_digest, &n))
        abort(); /* out of memory */
}

/* ret_key: KEY_BYTES */
static struct cf_str key_of(const struct lookup_cache *cache, const struct cf_phone *phone, char *ret_key)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    memcpy(ret_key, PREFIX, sizeof(PREFIX) - 1);
    hmac(cache->key, sizeof(cache->key), cf_str_of(phone->e164), digest);
    to_hex(digest, sizeof(digest), ret_key + sizeof(PREFIX) - 1);
    return (struct cf_str){ret_key, KEY_BYTES};
}

/* The fleet's secret serves other purposes too, so the key is made for this one and this org. */
static void make_key(struct lookup_cache *cache, const struct lookup_cache_opts *opts)
{
    struct cf_buf text;

    cf_buf_init(&text, 65536);
    cf_buf_add(&text, LABEL, sizeof(LABEL)); /* with its NUL */
    cf_buf_str(&text, opts->org);
    hmac(opts->secret.p, opts->secret.n, cf_buf_view(&text), cache->key);
    cf_buf_done(&text);
}

/* Rows that another query found, or that have other fields, are of no use: the version is the digest of what
 * would be asked for some number. */
static void make_version(struct lookup_cache *cache)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct cf_phone phone;
    json_t *body;
    char *text;

    cf_phone_parse(CF_STR("+12025550123"), "US", &phone);
    body = lookup_query_build(cache->opts.query, &phone, 1);
    text = json_dumps(body, JSON_COMPACT);
    if (!text)
        abort(); /* out of memory */
    hmac(FORM, sizeof(FORM), cf_str_of(text), digest);
    to_hex(digest, VERSION_BYTES / 2, cache->version);
    free(text);
    json_decref(body);
}

/* ---- who waits ---- */

static void unlink_get(struct lookup_get *get)
{
    struct lookup_cache *cache = get->cache;

    *(get->before ? &get->before->after : &cache->first) = get->after;
    *(get->after ? &get->after->before : &cache->last) = get->before;
    get->fn = NULL;
}

static void tell(struct lookup_get *get, const struct lookup_cached *cached)
{
    lookup_cache_fn *fn = get->fn;

    assert(fn);
    unlink_get(get);
    fn(get->arg, cached);
}

static void set_timer(struct lookup_cache *cache)
{
    uint64_t now_ms = cf_loop_now_ms(cache->loop);

    if (cache->first && !cf_timer_active(cache->timer))
        cf_timer_start(cache->timer, cache->first->due_ms > now_ms ? cache->first->due_ms - now_ms : 0, 0);
}

static void on_timer(void *arg)
{
    struct lookup_cache *cache = arg;

    while (cache->first && cache->first->due_ms <= cf_loop_now_ms(cache->loop)) {
        if (!cache->slow)
            cf_log_warn("lookup", NULL, "Redis is slow: going on without the cache");
        cache->slow = true;
        cache->counts.failed++;
        tell(cache->first, NULL);
    }
    set_timer(cache);
}

static void release(struct lookup_cache *cache)
{
    if (!cache->closed || cache->n_asked > 0)
        return;
    OPENSSL_cleanse(cache->key, sizeof(cache->key));
    free(cache);
}

/* ---- reading ---- */

static uint64_t longer(uint64_t a_ms, uint64_t b_ms)
{
    return a_ms > b_ms ? a_ms : b_ms;
}

/* False: of no use to us. */
static bool read_value(const struct lookup_cache *cache, const json_t *value,
                       struct lookup_cached *ret_cached)
{
    const json_t *answer = json_object_get(value, "answer"), *at = json_object_get(value, "at");
    const char *version = json_string_value(json_object_get(value, "v"));
    int64_t age_ms = cf_clock_wall_ms() - json_integer_value(at);
    struct lookup_dropped dropped;
    struct cf_err err;
    uint64_t age;

    if (!version || strcmp(version, cache->version) != 0 || !json_is_integer(at) || age_ms < -MAX_SKEW_MS)
        return false;
    age = age_ms > 0 ? (uint64_t)age_ms : 0;
    if (age >= longer(longer(cache->opts.ttl_ms, cache->opts.stale_ms), cache->opts.negative_ttl_ms) ||
        lookup_query_check(cache->opts.query, answer, &dropped, &err) != 0)
        return false;
    *ret_cached = (struct lookup_cached){.answer = answer,
                                         .at = json_integer_value(at),
                                         .fresh = age < cache->opts.ttl_ms,
                                         .fresh_nobody = age < cache->opts.negative_ttl_ms};
    return true;
}

static void tell_reply(struct lookup_get *get, const struct cf_reply *reply)
{
    struct lookup_cache *cache = get->cache;
    struct lookup_cached cached;
    json_t *value = NULL;
    bool found;

    if (reply->type == CF_REPLY_STRING && reply->str.n <= LOOKUP_CACHE_VALUE_BYTES)
        value = json_loadb(reply->str.p, reply->str.n, JSON_REJECT_DUPLICATES, NULL);
    found = value && read_value(cache, value, &cached);
    *(found ? &cache->counts.found : &cache->counts.missed) += 1;
    tell(get, found ? &cached : NULL);
    json_decref(value);
}

static void on_reply(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    struct lookup_get *get = arg;
    struct lookup_cache *cache = get->cache;

    cache->slow = false;
    cache->n_asked--;
    if (get->fn && reply) {
        tell_reply(get, reply);
    } else if (get->fn) {
        cf_log_err(CF_LOG_WARN, "lookup", NULL, "the cache was not read", err);
        cache->counts.failed++;
        tell(get, NULL);
    }
    free(get);
    release(cache);
}

struct lookup_get *lookup_cache_get(struct lookup_cache *cache, const struct cf_phone *phone,
                                    lookup_cache_fn *fn, void *arg)
{
    struct lookup_get *get;
    char key[KEY_BYTES];

    if (cache->slow || !cf_redis_is_up(cache->redis)) {
        cache->counts.skipped++;
        return NULL;
    }
    get = cf_calloc(1, sizeof(*get));
    *get = (struct lookup_get){.cache = cache,
                               .before = cache->last,
                               .fn = fn,
                               .arg = arg,
                               .due_ms = cf_loop_now_ms(cache->loop) + cache->opts.wait_ms};
    *(cache->last ? &cache->last->after : &cache->first) = get;
    cache->last = get;
    cache->n_asked++;
    const struct cf_str argv[] = {CF_STR("GET"), key_of(cache, phone, key)};

    cf_redis_call(cache->redis, 2, argv, on_reply, get);
    set_timer(cache);
    return get;
}

void lookup_cache_cancel(struct lookup_get *get)
{
    unlink_get(get);
}

/* ---- writing ---- */

static size_t count_rows(const json_t *answer)
{
    const json_t *parts = json_object_get(answer, "compositeResponse"), *part;
    size_t n = 0, i;

    json_array_foreach(parts, i, part) n +=
        json_array_size(json_object_get(json_object_get(part, "body"), "records"));
    return n;
}

static void on_put(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    (void)arg, (void)reply;
    if (err)
        cf_log_err(CF_LOG_WARN, "lookup", NULL, "an answer was not kept in the cache", err);
}

static void put_value(struct lookup_cache *cache, const struct cf_phone *phone, const json_t *value,
                      uint64_t life_ms)
{
    char *text = json_dumps(value, JSON_COMPACT), key[KEY_BYTES], life[24];
    struct cf_str argv[5] = {CF_STR("SET"), key_of(cache, phone, key), {0}, CF_STR("PX"), {0}};

    if (!text)
        abort(); /* out of memory */
    (void)snprintf(life, sizeof(life), "%" PRIu64, life_ms);
    argv[2] = cf_str_of(text);
    argv[4] = cf_str_of(life);
    if (argv[2].n <= LOOKUP_CACHE_VALUE_BYTES) {
        cf_redis_call(cache->redis, 5, argv, on_put, NULL);
        cache->counts.put++;
    }
    free(text);
}

void lookup_cache_put(struct lookup_cache *cache, const struct cf_phone *phone,
                      const struct lookup_query_opts *opts, const json_t *answer)
{
    json_t *rows, *value;
    uint64_t life_ms;

    if (cache->slow || !cf_redis_is_up(cache->redis) || cf_redis_pending(cache->redis) > MAX_PENDING)
        return;
    rows = lookup_query_extract(opts, answer, phone);
    life_ms =
        count_rows(rows) ? longer(cache->opts.ttl_ms, cache->opts.stale_ms) : cache->opts.negative_ttl_ms;
    if (life_ms == 0) {
        json_decref(rows);
        return;
    }
    value = json_pack("{s:s, s:I, s:o}", "v", cache->version, "at", (json_int_t)cf_clock_wall_ms(), "answer",
                      rows);
    if (!value)
        abort(); /* out of memory */
    put_value(cache, phone, value, life_ms);
    json_decref(value);
}

/* ---- life ---- */

struct lookup_cache *lookup_cache_new(struct cf_loop *loop, struct cf_redis *redis,
                                      const struct lookup_cache_opts *opts)
{
    struct lookup_cache *cache = cf_calloc(1, sizeof(*cache));

    cache->loop = loop;
    cache->redis = redis;
    cache->opts = *opts;
    cache->opts.secret = cache->opts.org = (struct cf_str){0};
    cache->timer = cf_timer_new(loop, on_timer, cache);
    make_key(cache, opts);
    make_version(cache);
    return cache;
}

void lookup_cache_free(struct lookup_cache *cache)
{
    if (!cache)
        return;
    while (cache->first)
        unlink_get(cache->first);
    cf_timer_free(cache->timer);
    cache->closed = true;
    release(cache);
}

struct lookup_cache_counts lookup_cache_counts(const struct lookup_cache *cache)
{
    return cache->counts;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to log in. One login at a time in this process, and through Redis one in the fleet:
 *
 *   idle -> look (GET key) -> lock (SET NX PX) -> look again -> log in -> share (SET key PX), unlock -> idle
 *              | found           | held by another: look again in SF_LOGIN_POLL_MS
 *              v idle            | Redis does not answer: log in without it, a caller is not held by Redis
 *
 * The shared value is {"token", "instanceUrl"}, or {"refused", "retryAtMs"} after refused credentials, so
 * that sixty workers with one wrong password do not try it sixty times and lock the user.
 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "http/http.h"
#include "log/log.h"
#include "loop/loop.h"
#include "redis/redis.h"
#include "sf/sf_priv.h"

enum state { IDLE, LOOKING, LOCKING, POLLING, LOGGING_IN };

/* One question to Redis. It outlives the token when that is freed while Redis has not answered. */
struct ask {
    struct sf_token *token; /* NULL: nobody waits */
    void (*fn)(struct sf_token *token, const struct cf_reply *reply, const struct cf_err *err);
};

struct sf_token {
    struct cf_loop *loop;
    const struct cf_sf_opts *opts;
    sf_token_fn *fn;
    void *arg;
    enum state state;
    struct sf_session session; /* token NULL: none */
    char *refused_token;       /* what Redis must not give us back */
    uint64_t generations;
    struct ask *ask;
    struct cf_http_call *login;
    struct cf_timer *timer;
    uint64_t not_before_ms; /* monotonic; no login sooner */
    bool refused;           /* why: the credentials */
    uint32_t failures;      /* logins refused, without a session that worked, in a row */
    uint32_t passing;       /* that failed otherwise, in a row */
    uint64_t window_ms;     /* start of the time that `refreshes` counts in */
    uint32_t refreshes;     /* good sessions given up */
    struct cf_err last;     /* why */
    struct sf_token_counts counts;
    char hash[33], key[SF_KEY_BYTES], lock_key[SF_KEY_BYTES + 8], owner[33];
    bool locked;
};

static void look(struct sf_token *token);
static void log_in(struct sf_token *token);

/* ---- Redis ---- */

static void on_reply(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    struct ask *ask = arg;
    struct sf_token *token = ask->token;

    if (token) {
        token->ask = NULL;
        ask->fn(token, reply, err);
    }
    free(ask);
}

static void ask_redis(struct sf_token *token, size_t argc, const struct cf_str *argv,
                      void (*fn)(struct sf_token *, const struct cf_reply *, const struct cf_err *))
{
    struct ask *ask = cf_calloc(1, sizeof(*ask));

    *ask = (struct ask){token, fn};
    token->ask = ask;
    cf_redis_call(token->opts->redis, argc, argv, on_reply, ask);
}

static void unlock(struct sf_token *token)
{
    static const char script[] =
        "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";
    const struct cf_str args[] = {cf_str_of(token->lock_key), cf_str_of(token->owner)};

    if (token->locked)
        cf_redis_eval(token->opts->redis, script, 1, 2, args, NULL, NULL);
    token->locked = false;
}

static void share(struct sf_token *token, json_t *value, uint64_t life_ms)
{
    char *text = json_dumps(value, JSON_COMPACT);
    char life[24];

    if (text && token->locked) {
        (void)snprintf(life, sizeof(life), "%" PRIu64, life_ms);
        const struct cf_str argv[] = {CF_STR("SET"), cf_str_of(token->key), cf_str_of(text), CF_STR("PX"),
                                      cf_str_of(life)};

        cf_redis_call(token->opts->redis, 5, argv, NULL, NULL);
    }
    sf_wipe_text(text);
    json_decref(value);
}

/* ---- the end of an attempt ---- */

static void drop_session(struct sf_token *token)
{
    sf_wipe_text(token->session.token);
    free(token->session.instance_url);
    token->session = (struct sf_session){0};
}

static void succeed(struct sf_token *token, const char *text, const char *instance_url, bool fresh)
{
    drop_session(token);
    token->session = (struct sf_session){
        .generation = ++token->generations,
        .token = cf_strdup(text),
        .instance_url = cf_strdup(instance_url),
        .fresh = fresh,
    };
    token->state = IDLE;
    token->counts.refused_now = false;
    token->passing = 0;
    unlock(token);
    token->fn(token->arg, NULL);
}

static void give_up(struct sf_token *token, bool refused, uint64_t wait_ms)
{
    token->state = IDLE;
    token->counts.refused_now = refused;
    if (refused)
        token->counts.refused++;
    else
        token->counts.failed++;
    token->not_before_ms = cf_clock_mono_ms() + wait_ms;
    token->refused = refused;
    unlock(token);
    cf_log_err(refused ? CF_LOG_ERROR : CF_LOG_WARN, "sf", NULL, "no Salesforce session", &token->last);
    token->fn(token->arg, &token->last);
}

/* Doubled by every further refusal. The whole of it: jitter could make it short, and the contract says never
 * sooner. */
static uint64_t wait_after_refusal(struct sf_token *token)
{
    const struct cf_sf_opts *opts = token->opts;
    uint64_t wait_ms = opts->login_backoff_ms;

    token->failures++;
    for (uint32_t i = 1; i < token->failures && wait_ms < opts->login_backoff_cap_ms / 2; i++)
        wait_ms *= 2;
    return wait_ms;
}

/* The token endpoint is away or busy. Short, because all requests wait for it, and bounded, because the
 * length of an outage must not decide how late its end is noticed. */
static uint64_t wait_after_failure(struct sf_token *token)
{
    uint64_t random = 0, wait_ms = SF_LOGIN_RETRY_MS;

    token->passing++;
    for (uint32_t i = 1; i < token->passing && wait_ms < SF_LOGIN_RETRY_CAP_MS; i++)
        wait_ms *= 2;
    if (wait_ms > SF_LOGIN_RETRY_CAP_MS)
        wait_ms = SF_LOGIN_RETRY_CAP_MS;
    if (RAND_bytes((unsigned char *)&random, sizeof(random)) != 1)
        random = 0;
    return wait_ms / 2 + random % (wait_ms / 2 + 1);
}

static void login_failed(struct sf_token *token, bool slow)
{
    uint64_t wait_ms = slow ? wait_after_refusal(token) : wait_after_failure(token);

    if (slow) {
        json_int_t until = cf_clock_wall_ms() + (int64_t)wait_ms;

        share(token, json_pack("{s:s, s:I}", "refused", token->last.text, "retryAtMs", until), wait_ms);
    }
    give_up(token, slow, wait_ms);
}

/* ---- logging in ---- */

static void on_login(void *arg, const struct cf_http_response *res, const struct cf_err *err)
{
    struct sf_token *token = arg;
    struct sf_grant grant = {0};
    bool slow = false;

    token->login = NULL;
    if (err) {
        token->last = *err;
        login_failed(token, false);
        return;
    }
    if (sf_login_reply(token->opts, cf_http_status(res), cf_http_body(res), &grant, &slow, &token->last)) {
        login_failed(token, slow);
        return;
    }
    share(token, json_pack("{s:s, s:s}", "token", grant.token, "instanceUrl", grant.instance_url),
          SF_TOKEN_SHARE_MS);
    token->counts.ok++;
    cf_log_info("sf", NULL, "logged in to Salesforce");
    succeed(token, grant.token, grant.instance_url, true);
    sf_grant_done(&grant);
}

static void log_in(struct sf_token *token)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
                                          "Accept: application/json", NULL};
    struct cf_buf form, url;
    struct cf_http_request request = {
        .method = "POST", .headers = headers, .timeout_ms = SF_LOGIN_TIMEOUT_MS};

    token->state = LOGGING_IN;
    if (sf_login_form(token->opts, cf_clock_wall_ms(), &form, &token->last)) {
        /* A secret's file may be in the middle of a rotation: wait, do not end the process. */
        token->last.kind = CF_ERR_TRANSIENT;
        login_failed(token, false);
        return;
    }
    cf_buf_init(&url, SF_MAX_URL_BYTES + 64);
    cf_buf_text(&url, token->opts->login_url);
    cf_buf_str(&url, CF_STR("/services/oauth2/token"));
    cf_buf_char(&url, '\0');
    request.url = url.p;
    request.body = cf_buf_view(&form);
    token->login = cf_http_send(token->opts->http, &request, on_login, token);
    cf_buf_done(&url);
    sf_wipe(&form);
}

/* ---- the shared token ---- */

static const char *shared_text(const json_t *value, const char *key)
{
    return json_string_value(json_object_get(value, key));
}

/* Takes over what another process left. False: nothing of use. */
static bool adopt(struct sf_token *token, const struct cf_reply *reply)
{
    json_t *value = reply->type == CF_REPLY_STRING && reply->str.n < 2 * SF_MAX_TOKEN_BYTES
                        ? json_loadb(reply->str.p, reply->str.n, 0, NULL)
                        : NULL;
    const char *text = shared_text(value, "token"), *url = shared_text(value, "instanceUrl");
    int64_t wait_ms = json_integer_value(json_object_get(value, "retryAtMs")) - cf_clock_wall_ms();
    bool adopted = true;

    if (text && url && sf_url_is_sound(token->opts->login_url, cf_str_of(url)) &&
        !(token->refused_token && strcmp(token->refused_token, text) == 0)) {
        succeed(token, text, url, false);
    } else if (shared_text(value, "refused") && wait_ms > 0 && wait_ms <= token->opts->login_backoff_cap_ms) {
        cf_err_set(&token->last, CF_ERR_TRANSIENT, "sf", 0, "login refused to another worker: %s",
                   shared_text(value, "refused"));
        give_up(token, true, (uint64_t)wait_ms);
    } else {
        adopted = false;
    }
    json_decref(value);
    return adopted;
}

static void on_timer(void *arg)
{
    look(arg);
}

static void on_locked(struct sf_token *token, const struct cf_reply *reply, const struct cf_err *err)
{
    if (err) {
        log_in(token);
    } else if (reply->type == CF_REPLY_NIL) {
        token->state = POLLING;
        cf_timer_start(token->timer, SF_LOGIN_POLL_MS, 0);
    } else {
        token->locked = true;
        look(token); /* the last holder may have left a token between our look and our lock */
    }
}

static void lock(struct sf_token *token)
{
    const struct cf_str argv[] = {
        CF_STR("SET"), cf_str_of(token->lock_key), cf_str_of(token->owner), CF_STR("NX"),
        CF_STR("PX"),  CF_STR(SF_LOGIN_LOCK_MS)};

    token->state = LOCKING;
    ask_redis(token, 6, argv, on_locked);
}

static void on_looked(struct sf_token *token, const struct cf_reply *reply, const struct cf_err *err)
{
    if (!err && adopt(token, reply))
        return;
    if (cf_clock_mono_ms() < token->not_before_ms) {
        token->state = IDLE;
        token->fn(token->arg, &token->last);
    } else if (err || token->locked)
        log_in(token);
    else
        lock(token);
}

static void look(struct sf_token *token)
{
    const struct cf_str argv[] = {CF_STR("GET"), cf_str_of(token->key)};

    token->state = LOOKING;
    ask_redis(token, 2, argv, on_looked);
}

/* ---- interface ---- */

static void add_hex(char *dst, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)snprintf(dst + 2 * i, 3, "%02x", bytes[i]);
}

/* Tokens of another org, client or user are another key. */
static void name_keys(struct sf_token *token)
{
    const struct cf_sf_opts *opts = token->opts;
    unsigned char hash[EVP_MAX_MD_SIZE], random[16] = {0};
    struct cf_buf text;

    cf_buf_init(&text, 8192);
    cf_buf_printf(&text, "%s\n%s\n%s\n%d", opts->login_url, opts->client_id,
                  opts->username ? opts->username : "", (int)opts->grant);
    if (EVP_Digest(text.p, text.n, hash, NULL, EVP_sha256(), NULL) != 1 || RAND_bytes(random, 16) != 1)
        abort();
    cf_buf_done(&text);
    add_hex(token->hash, hash, 16);
    sf_token_name_key(token, "token", token->key);
    (void)snprintf(token->lock_key, sizeof(token->lock_key), "%s:lock", token->key);
    add_hex(token->owner, random, 16);
}

void sf_token_name_key(const struct sf_token *token, const char *what, char ret_key[SF_KEY_BYTES])
{
    (void)snprintf(ret_key, SF_KEY_BYTES, "%.*ssf:%s:%s", CF_STR_FMT(token->opts->redis_prefix), what,
                   token->hash);
}

struct sf_token *sf_token_new(struct cf_loop *loop, const struct cf_sf_opts *opts, sf_token_fn *fn, void *arg)
{
    struct sf_token *token = cf_calloc(1, sizeof(*token));

    token->loop = loop;
    token->opts = opts;
    token->fn = fn;
    token->arg = arg;
    token->timer = cf_timer_new(loop, on_timer, token);
    name_keys(token);
    return token;
}

void sf_token_free(struct sf_token *token)
{
    if (!token)
        return;
    if (token->ask)
        token->ask->token = NULL;
    if (token->login)
        cf_http_cancel(token->login);
    unlock(token);
    cf_timer_free(token->timer);
    drop_session(token);
    sf_wipe_text(token->refused_token);
    free(token);
}

const struct sf_session *sf_token_session(const struct sf_token *token)
{
    return token->session.token ? &token->session : NULL;
}

void sf_token_want(struct sf_token *token)
{
    bool redis = token->opts->redis && cf_redis_is_up(token->opts->redis);
    bool waits = cf_clock_mono_ms() < token->not_before_ms;

    if (token->state != IDLE || token->session.token)
        return;
    if (waits && (token->refused || !redis))
        token->fn(token->arg, &token->last);
    else if (redis)
        look(token); /* while it waits, too: another worker may have had more luck */
    else
        log_in(token);
}

/* Nobody has used this session with success: the user may not use the API, or it died at once. Another login
 * would give the same, so it waits; meanwhile the session stays, for it may only be one resource that refuses
 * it. */
static bool waits_with_unproven(struct sf_token *token, uint64_t now_ms)
{
    struct sf_session *session = &token->session;

    if (session->keep_until_ms == 0) {
        session->keep_until_ms = now_ms + wait_after_refusal(token);
        cf_log_warn("sf", NULL,
                    "Salesforce refuses the session it has just given: may the user use the API?");
        token->counts.refused_now = true;
    }
    return now_ms < session->keep_until_ms;
}

/* A session that worked has ended, as sessions do. But a resource that refuses every session while others
 * accept it must not cost a login each time. */
static bool waits_with_proven(struct sf_token *token, uint64_t now_ms)
{
    if (now_ms - token->window_ms > token->opts->login_backoff_ms) {
        token->window_ms = now_ms;
        token->refreshes = 0;
    }
    return ++token->refreshes > SF_MAX_REFRESHES;
}

bool sf_token_refused(struct sf_token *token, uint64_t generation)
{
    struct sf_session *session = &token->session;
    uint64_t now_ms = cf_clock_mono_ms();

    if (!session->token || session->generation != generation)
        return true; /* there is another one by now, or will be */
    if (session->fresh &&
        (session->proven ? waits_with_proven(token, now_ms) : waits_with_unproven(token, now_ms)))
        return false;
    sf_wipe_text(token->refused_token);
    token->refused_token = session->token;
    session->token = NULL;
    drop_session(token);
    return true;
}

void sf_token_proved(struct sf_token *token, uint64_t generation)
{
    if (token->session.generation != generation)
        return;
    token->session.proven = true;
    token->failures = 0;
    token->counts.refused_now = false;
}

const struct sf_token_counts *sf_token_counts(const struct sf_token *token)
{
    return &token->counts;
}

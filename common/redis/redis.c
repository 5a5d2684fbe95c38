/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts: an EVAL that follows a NOSCRIPT answer goes to the end of the line, so calls sent meanwhile run
 * before it; and it has a deadline of its own.
 */
#include "redis/redis.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "redis/redis_priv.h"

#define SMALL_ARGC 16U

struct redis_eval {
    const char *script;
    size_t argc;          /* of EVAL: command, script and number of keys included */
    struct cf_str argv[]; /* the copies' bytes follow */
};

/* ---- lines ---- */

static void line_init(struct redis_line *line)
{
    line->first = NULL;
    line->last = &line->first;
}

static void line_add(struct redis_line *line, struct redis_call *call)
{
    call->next = NULL;
    *line->last = call;
    line->last = &call->next;
}

static struct redis_call *line_take(struct redis_line *line)
{
    struct redis_call *call = line->first;

    line->first = call->next;
    if (!line->first)
        line->last = &line->first;
    return call;
}

/* ---- ends of a call ---- */

struct redis_call *cf_redis_call_new(cf_redis_fn *fn, void *arg, struct cf_str command)
{
    struct redis_call *call = cf_calloc(1, sizeof(*call));

    call->fn = fn;
    call->arg = arg;
    (void)cf_str_copy(call->command, sizeof(call->command), command);
    return call;
}

static void call_end(struct cf_redis *redis, struct redis_call *call, const struct cf_reply *reply,
                     const struct cf_err *err)
{
    bool nested = redis->in_callback;

    redis->in_callback = true;
    if (call->fn)
        call->fn(call->arg, err ? NULL : reply, err);
    redis->in_callback = nested;
    free(call->eval);
    free(call->failed);
    free(call);
}

static void fail_later(struct cf_redis *redis, struct redis_call *call, const struct cf_err *err)
{
    call->failed = cf_calloc(1, sizeof(*err));
    *call->failed = *err;
    line_add(&redis->failed, call);
    cf_timer_start(redis->fail_timer, 0, 0);
}

/* One turn's worth: a callback that calls again is served on the next turn. */
static void on_fail_timer(void *arg)
{
    struct cf_redis *redis = arg;
    struct redis_line line = redis->failed;

    if (line.first == NULL)
        return;
    line_init(&redis->failed);
    while (line.first) {
        struct redis_call *call = line_take(&line);

        call_end(redis, call, NULL, call->failed);
    }
}

void cf_redis_fail_pending(struct cf_redis *redis, const struct cf_err *err)
{
    struct redis_line line = redis->pending;

    cf_timer_stop(redis->call_timer);
    if (line.first == NULL)
        return;
    line_init(&redis->pending);
    redis->n_pending = 0;
    while (line.first)
        call_end(redis, line_take(&line), NULL, err);
}

/* ---- deadlines ---- */

static void on_call_timer(void *arg)
{
    struct cf_redis *redis = arg;
    const struct redis_call *first = redis->pending.first;
    uint64_t now = cf_loop_now_ms(redis->loop);
    struct cf_err err;

    if (!first)
        return;
    if (first->deadline_ms > now) { /* the call it was set for has its answer */
        cf_timer_start(redis->call_timer, first->deadline_ms - now, 0);
        return;
    }
    /* Answers come in order: what is behind this call can not be answered either. */
    (void)cf_err_set(&err, CF_ERR_TRANSIENT, "redis", 0, "no answer to %s within %u ms", first->command,
                     redis->opts.call_timeout_ms);
    cf_redis_session_lost(redis, &err);
}

/* ---- sending ---- */

int cf_redis_push(struct cf_redis *redis, struct redis_call *call, size_t argc, const struct cf_str *argv)
{
    const char *small_text[SMALL_ARGC], **text = small_text;
    size_t small_size[SMALL_ARGC] = {0}, *size = small_size, total = 0;
    char *command = NULL;
    int n = -1;

    if (argc > SMALL_ARGC) {
        text = cf_calloc(argc, sizeof(*text));
        size = cf_calloc(argc, sizeof(*size));
    }
    for (size_t i = 0; i < argc; i++) {
        text[i] = argv[i].p ? argv[i].p : "";
        size[i] = argv[i].n;
        total = argv[i].n > REDIS_MAX_OUT_BYTES ? REDIS_MAX_OUT_BYTES : total + argv[i].n;
    }
    if (total < REDIS_MAX_OUT_BYTES)
        n = redisFormatCommandArgv(&command, (int)argc, text, size);
    if (text != small_text) {
        free(text);
        free(size);
    }
    if (n >= 0 && cf_redis_conn_write(redis->conn, command, (size_t)n) != 0)
        n = -1;
    if (command)
        redisFreeCommand(command);
    if (n < 0) {
        free(call);
        return -1;
    }
    call->deadline_ms = cf_loop_now_ms(redis->loop) + redis->opts.call_timeout_ms;
    line_add(&redis->pending, call);
    redis->n_pending++;
    if (!cf_timer_active(redis->call_timer))
        cf_timer_start(redis->call_timer, redis->opts.call_timeout_ms, 0);
    return 0;
}

static void send_or_fail(struct cf_redis *redis, struct redis_call *call, size_t argc,
                         const struct cf_str *argv)
{
    struct cf_err err = redis->last_err;
    struct redis_call copy = *call;

    if (redis->state == REDIS_UP && redis->n_pending >= redis->opts.max_pending) {
        (void)cf_err_set(&err, CF_ERR_THROTTLED, "redis", 0, "%u calls are unanswered already",
                         redis->n_pending);
    } else if (redis->state == REDIS_UP) {
        if (cf_redis_push(redis, call, argc, argv) == 0)
            return;
        call = cf_redis_call_new(copy.fn, copy.arg, argv[0]);
        call->eval = copy.eval;
        (void)cf_err_set(&err, CF_ERR_THROTTLED, "redis", 0, "more than %lu bytes wait to be sent",
                         REDIS_MAX_OUT_BYTES);
    }
    fail_later(redis, call, &err);
}

void cf_redis_call(struct cf_redis *redis, size_t argc, const struct cf_str *argv, cf_redis_fn *fn, void *arg)
{
    assert(argc >= 1 && argc <= 1024UL * 1024);
    send_or_fail(redis, cf_redis_call_new(fn, arg, argv[0]), argc, argv);
}

/* ---- scripts ---- */

static const char *script_sha(struct cf_redis *redis, const char *script, char scratch[41])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t i;

    for (i = 0; i < redis->n_scripts; i++) {
        if (redis->scripts[i].script == script)
            return redis->scripts[i].sha;
    }
    if (EVP_Digest(script, strlen(script), digest, NULL, EVP_sha1(), NULL) != 1)
        abort(); /* out of memory */
    for (size_t k = 0; k < 20; k++) {
        scratch[2 * k] = hex[digest[k] >> 4];
        scratch[2 * k + 1] = hex[digest[k] & 15];
    }
    scratch[40] = '\0';
    if (i == REDIS_MAX_SCRIPTS)
        return scratch;
    redis->scripts[i].script = script;
    memcpy(redis->scripts[i].sha, scratch, sizeof(redis->scripts[i].sha));
    redis->n_scripts++;
    return redis->scripts[i].sha;
}

/* EVAL's arguments with copies of `args`. */
static struct redis_eval *eval_new(const char *script, size_t keys, size_t argc, const struct cf_str *args)
{
    size_t head = sizeof(struct redis_eval) + (argc + 3) * sizeof(struct cf_str), bytes = 24;
    struct redis_eval *eval;
    char *at;

    for (size_t i = 0; i < argc; i++)
        bytes += args[i].n;
    eval = cf_calloc(1, head + bytes);
    at = (char *)eval + head;
    eval->script = script;
    eval->argc = argc + 3;
    eval->argv[0] = CF_STR("EVAL");
    eval->argv[1] = cf_str_of(script);
    eval->argv[2] = (struct cf_str){at, (size_t)snprintf(at, 24, "%zu", keys)};
    at += 24;
    for (size_t i = 0; i < argc; i++) {
        eval->argv[i + 3] = (struct cf_str){at, args[i].n};
        if (args[i].n > 0)
            memcpy(at, args[i].p, args[i].n);
        at += args[i].n;
    }
    return eval;
}

/* NOLINTNEXTLINE(readability-function-size): one parameter more, as everywhere in Redis' own EVAL */
void cf_redis_eval(struct cf_redis *redis, const char *script, size_t keys, size_t argc,
                   const struct cf_str *args, cf_redis_fn *fn, void *arg)
{
    struct redis_call *call = cf_redis_call_new(fn, arg, CF_STR("EVALSHA"));
    struct redis_eval *eval = eval_new(script, keys, argc, args);
    char scratch[41];

    assert(argc < 1024UL * 1024 && keys <= argc);
    call->eval = eval;
    eval->argv[0] = CF_STR("EVALSHA");
    eval->argv[1] = cf_str_of(script_sha(redis, script, scratch));
    send_or_fail(redis, call, eval->argc, eval->argv);
}

/* The server does not know the script (a restart, SCRIPT FLUSH): once more with its text. */
static void eval_again(struct cf_redis *redis, struct redis_call *call)
{
    struct redis_eval *eval = call->eval;

    call->eval = NULL; /* NOSCRIPT in answer to EVAL would be an error like others */
    eval->argv[0] = CF_STR("EVAL");
    eval->argv[1] = cf_str_of(eval->script);
    send_or_fail(redis, call, eval->argc, eval->argv);
    free(eval);
}

/* ---- answers ---- */

static void answer(struct cf_redis *redis, const struct cf_reply *reply)
{
    struct redis_call *call = line_take(&redis->pending);
    struct cf_err err;

    redis->n_pending--;
    if (reply->type != CF_REPLY_ERROR) {
        call_end(redis, call, reply, NULL);
    } else if (call->eval && cf_redis_error_is(reply, "NOSCRIPT")) {
        eval_again(redis, call);
    } else {
        bool demoted = redis->state == REDIS_UP && cf_redis_error_is(reply, "READONLY");

        cf_redis_error_of(reply, call->command, &err);
        call_end(redis, call, NULL, &err);
        if (demoted) /* after a failover the address may lead to the new primary */
            cf_redis_session_lost(redis, &err);
    }
}

void cf_redis_on_data(void *arg, const char *data, size_t n)
{
    struct cf_redis *redis = arg;
    const struct cf_reply *reply = NULL;
    struct cf_err err;
    int rc = cf_redis_parser_feed(&redis->parser, data, n, &err);

    if (rc == 0)
        rc = cf_redis_parser_next(&redis->parser, &reply, &err);
    while (rc == 1 && reply && redis->pending.first) {
        answer(redis, reply);
        if (redis->state == REDIS_DOWN) /* lost by the answer */
            return;
        rc = cf_redis_parser_next(&redis->parser, &reply, &err);
    }
    if (rc == 1)
        rc = cf_err_set(&err, CF_ERR_TRANSIENT, "redis", 0, "a reply that nobody asked for");
    if (rc < 0)
        cf_redis_session_lost(redis, &err);
}

/* ---- the client ---- */

static int check(const struct cf_redis_opts *opts, struct cf_err *err)
{
    const char *bad = NULL;

    if (!opts->url)
        bad = "no redis_url";
    else if (opts->connect_timeout_ms < 1 || opts->connect_timeout_ms > 60000)
        bad = "connect_timeout_ms must be 1..60000";
    else if (opts->call_timeout_ms < 1 || opts->call_timeout_ms > 60000)
        bad = "call_timeout_ms must be 1..60000";
    else if (opts->max_pending < 1)
        bad = "max_pending must be at least 1";
    else if (opts->max_reply_bytes < 1024 || opts->max_reply_bytes > 1024UL * 1024 * 1024)
        bad = "max_reply_bytes must be 1 KiB..1 GiB";
    else if (!opts->cert_file != !opts->key_file)
        bad = "redis_cert_file and redis_key_file belong together";
    return bad ? cf_err_set(err, CF_ERR_CONFIG, "redis", 0, "%s", bad) : 0;
}

/* Reads every file once, so that a wrong path is known at the start. */
static int check_files(const struct cf_redis_opts *opts, const struct redis_url *url, struct cf_err *err)
{
    struct redis_tls *tls;
    char *secret = NULL;

    if (opts->username && !opts->password_file && !url->password)
        return cf_err_set(err, CF_ERR_CONFIG, "redis", 0, "redis_username needs a password");
    if (opts->password_file && cf_redis_read_secret(opts->password_file, &secret, err) != 0)
        return -1;
    cf_redis_free_secret(secret);
    if (!url->tls)
        return 0;
    tls = cf_redis_tls_new(opts, url->host, err);
    cf_redis_tls_free(tls);
    return tls ? 0 : -1;
}

static void own_texts(struct cf_redis *redis)
{
    const char **texts[] = {&redis->opts.username, &redis->opts.password_file, &redis->opts.ca_file,
                            &redis->opts.cert_file, &redis->opts.key_file};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = redis->owned[i] = *texts[i] ? cf_strdup(*texts[i]) : NULL;
    redis->opts.url = NULL; /* taken apart, and it may hold a password */
}

struct cf_redis *cf_redis_new(struct cf_loop *loop, const struct cf_redis_opts *opts, struct cf_err *err)
{
    struct cf_redis *redis;
    struct redis_url url;

    if (check(opts, err) != 0 || cf_redis_url_parse(opts->url, &url, err) != 0)
        return NULL;
    if (check_files(opts, &url, err) != 0) {
        cf_redis_url_done(&url);
        return NULL;
    }
    redis = cf_calloc(1, sizeof(*redis));
    redis->loop = loop;
    redis->opts = *opts;
    redis->url = url;
    own_texts(redis);
    line_init(&redis->pending);
    line_init(&redis->failed);
    (void)cf_err_set(&redis->last_err, CF_ERR_TRANSIENT, "redis", 0, "not connected yet");
    redis->conn = cf_redis_conn_new(loop, &redis->url, &redis->opts, &cf_redis_session_events, redis);
    cf_redis_parser_init(&redis->parser, redis->opts.max_reply_bytes);
    redis->call_timer = cf_timer_new(loop, on_call_timer, redis);
    redis->fail_timer = cf_timer_new(loop, on_fail_timer, redis);
    redis->session_timer = cf_timer_new(loop, cf_redis_session_timer, redis);
    cf_redis_session_start(redis);
    return redis;
}

void cf_redis_free(struct cf_redis *redis)
{
    struct cf_err err;

    if (!redis)
        return;
    assert(!redis->in_callback);
    (void)cf_err_set(&err, CF_ERR_TRANSIENT, "redis", 0, "closed");
    redis->change_fn = NULL;
    cf_redis_session_lost(redis, &err);
    while (redis->failed.first)
        on_fail_timer(redis);
    cf_redis_conn_free(redis->conn);
    cf_redis_parser_done(&redis->parser);
    cf_timer_free(redis->call_timer);
    cf_timer_free(redis->fail_timer);
    cf_timer_free(redis->session_timer);
    cf_redis_url_done(&redis->url);
    for (size_t i = 0; i < sizeof(redis->owned) / sizeof(redis->owned[0]); i++)
        free(redis->owned[i]);
    free(redis);
}

bool cf_redis_is_up(const struct cf_redis *redis)
{
    return redis->state == REDIS_UP;
}

uint32_t cf_redis_pending(const struct cf_redis *redis)
{
    return redis->n_pending;
}

void cf_redis_on_change(struct cf_redis *redis, void (*fn)(void *arg, bool up), void *arg)
{
    redis->change_fn = fn;
    redis->change_arg = arg;
}

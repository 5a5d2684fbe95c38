/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis - the fleet's Redis connection: commands with a deadline, on the loop, over TCP, unix socket or TLS.
 *
 * Own transport (non-blocking sockets, OpenSSL for rediss://) with hiredis' formatter and reply reader:
 * Debian's hiredis has no TLS and its libuv adapter swallows errors.
 *
 * Vocabulary: a *call* is one command and its reply.   Lifecycle: new -> (connecting <-> up <-> down)* ->
 * free. Promise: each call's callback runs exactly once, never inside cf_redis_call(), with a reply or an
 * error; it reconnects by itself with backoff; while down, calls fail at once rather than pile up. Replies
 * are RESP2. Callbacks of pending calls run (with an error) from cf_redis_free().
 */
#ifndef CF_REDIS_H
#define CF_REDIS_H

#include <stdbool.h>
#include <stdint.h>

#include "err/err.h"
#include "str/str.h"

struct cf_loop;
struct cf_redis;

struct cf_redis_opts {
    const char *url; /* redis://[user[:password]@]host[:port][/db] | rediss://... | unix:///path[?db=N] */
    const char *username;      /* NULL: from the URL or none */
    const char *password_file; /* NULL: from the URL or none; read again at each connect, so rotation needs no
                                  restart */
    const char *ca_file;       /* rediss: NULL = the system's trust store */
    const char *cert_file;     /* rediss: client certificate and key, NULL = none */
    const char *key_file;
    uint32_t connect_timeout_ms; /* 1..60000 */
    uint32_t call_timeout_ms;    /* 1..60000; a call that passes it fails and the connection is re-made */
    uint32_t max_pending;        /* calls sent and unanswered; more fail with kind THROTTLED */
    size_t max_reply_bytes;
};

enum cf_reply_type {
    CF_REPLY_NIL,
    CF_REPLY_STRING,
    CF_REPLY_STATUS,
    CF_REPLY_INTEGER,
    CF_REPLY_ARRAY,
    CF_REPLY_ERROR
};

/* Only ERROR elements inside an array appear as CF_REPLY_ERROR; a top-level error reply becomes a cf_err. */
struct cf_reply {
    enum cf_reply_type type;
    int64_t integer;
    struct cf_str str; /* STRING, STATUS, ERROR */
    size_t n;          /* ARRAY */
    const struct cf_reply *elements;
};

/* `reply` is valid during the callback only. Error replies: NOSCRIPT, LOADING, READONLY, OOM, CLUSTERDOWN,
 * MASTERDOWN, TRYAGAIN, BUSY, MISCONF, NOREPLICAS are TRANSIENT; WRONGPASS, NOAUTH, NOPERM, MOVED, ASK are
 * CONFIG; the others REJECTED. After READONLY the connection is made again: a failover may have moved the
 * primary. While down, calls fail with what the last attempt to connect failed with. err->text starts with
 * the server's error word ("NOSCRIPT"), followed by no user data. */
typedef void cf_redis_fn(void *arg, const struct cf_reply *reply, const struct cf_err *err);

/** Starts connecting. Copies `opts`. NULL and `err` (kind CONFIG) when the URL or an option is no good. */
CF_CHECKED struct cf_redis *cf_redis_new(struct cf_loop *loop, const struct cf_redis_opts *opts,
                                         struct cf_err *err);
void cf_redis_free(struct cf_redis *redis);

/** Sends one command of `argc` (1..1024*1024) arguments, copied. `fn` may be NULL: the reply is dropped. */
void cf_redis_call(struct cf_redis *redis, size_t argc, const struct cf_str *argv, cf_redis_fn *fn,
                   void *arg);
/** EVALSHA with an EVAL fallback on NOSCRIPT. `script` is a static string. `args`: keys first, then
 * arguments. */
void cf_redis_eval(struct cf_redis *redis, const char *script, size_t keys, size_t argc,
                   const struct cf_str *args, cf_redis_fn *fn, void *arg);
bool cf_redis_is_up(const struct cf_redis *redis);
/** Calls sent and unanswered. */
uint32_t cf_redis_pending(const struct cf_redis *redis);
/** `fn(arg)` runs at each change between up and down; one listener. */
void cf_redis_on_change(struct cf_redis *redis, void (*fn)(void *arg, bool up), void *arg);

#endif

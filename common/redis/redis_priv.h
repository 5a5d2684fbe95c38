/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_priv - what the files of redis share.
 *
 *   redis_url.c      the URL, and the secrets' file
 *   redis_tls.c      TLS over memory buffers: no socket inside, so nothing in it can block
 *   redis_conn.c     one connection: look up, connect, handshake, bytes in and out
 *   redis_reply.c    bytes to cf_reply, and what an error reply means
 *   redis_session.c  log in, up and down, try again
 *   redis.c          calls and their deadlines
 */
#ifndef CF_REDIS_PRIV_H
#define CF_REDIS_PRIV_H

#include <hiredis/hiredis.h>

#include "arena/arena.h"
#include "loop/loop.h"
#include "redis/redis.h"

#define REDIS_MAX_OUT_BYTES (64UL * 1024 * 1024) /* commands not yet taken by the socket */
#define REDIS_TLS_CHUNK_BYTES 16384

/* ---- URL ---- */

struct redis_url {
    bool tls;
    char *host; /* NULL: a unix socket */
    char *path; /* of the unix socket */
    char *username, *password;
    uint16_t port;
    uint32_t db;
};

CF_CHECKED int cf_redis_url_parse(const char *text, struct redis_url *ret_url, struct cf_err *err);
void cf_redis_url_done(struct redis_url *url);
/** The file's text without one trailing line break. The caller clears and frees it. */
CF_CHECKED int cf_redis_read_secret(const char *path, char **ret_secret, struct cf_err *err);
void cf_redis_free_secret(char *secret);

/* ---- TLS ---- */

struct redis_tls;

/** Reads the certificate files. `host` is what the peer's certificate must name. */
CF_CHECKED struct redis_tls *cf_redis_tls_new(const struct cf_redis_opts *opts, const char *host,
                                              struct cf_err *err);
void cf_redis_tls_free(struct redis_tls *tls);
/** Bytes from the socket. */
void cf_redis_tls_feed(struct redis_tls *tls, const void *data, size_t n);
/** 1: done, 0: needs more bytes, -1. */
CF_CHECKED int cf_redis_tls_handshake(struct redis_tls *tls, struct cf_err *err);
/** Plain bytes: > 0, 0: needs more from the socket, -1: closed or broken. */
CF_CHECKED int cf_redis_tls_read(struct redis_tls *tls, void *buf, size_t size, struct cf_err *err);
CF_CHECKED int cf_redis_tls_write(struct redis_tls *tls, const void *data, size_t n, struct cf_err *err);
/** Moves what has to go to the socket to the end of `wire`. */
void cf_redis_tls_pull(struct redis_tls *tls, struct cf_buf *wire);

/* ---- connection ---- */

struct redis_conn;
struct redis_conn_events {
    void (*ready)(void *arg);                            /* connected, TLS included */
    void (*data)(void *arg, const char *data, size_t n); /* may close the connection */
    void (*lost)(void *arg, const struct cf_err *err);   /* the connection is closed already */
};

struct redis_conn *cf_redis_conn_new(struct cf_loop *loop, const struct redis_url *url,
                                     const struct cf_redis_opts *opts, const struct redis_conn_events *events,
                                     void *arg);
void cf_redis_conn_free(struct redis_conn *conn);
/** Starts over. Every outcome comes as an event, later. `attempt` 0.. picks among addresses. */
void cf_redis_conn_open(struct redis_conn *conn, uint32_t attempt);
/** Drops the connection and what was not sent; no event. */
void cf_redis_conn_close(struct redis_conn *conn);
/** Takes all of it or nothing: -1 when more than REDIS_MAX_OUT_BYTES would wait. Sent from the next turn on.
 */
CF_CHECKED int cf_redis_conn_write(struct redis_conn *conn, const void *data, size_t n);

/* ---- replies ---- */

struct redis_parser {
    redisReader *reader;
    struct cf_arena *arena; /* of the reply that is being read */
    size_t max_reply_bytes;
    size_t fed;      /* bytes since the last whole reply */
    size_t elements; /* of the reply that is being read */
};

void cf_redis_parser_init(struct redis_parser *parser, size_t max_reply_bytes);
void cf_redis_parser_done(struct redis_parser *parser);
/** Forgets what was read: for a new connection. */
void cf_redis_parser_reset(struct redis_parser *parser);
CF_CHECKED int cf_redis_parser_feed(struct redis_parser *parser, const char *data, size_t n,
                                    struct cf_err *err);
/** 1 and a reply (valid until the next call), 0: needs more bytes, -1: not the protocol, or over a limit. */
CF_CHECKED int cf_redis_parser_next(struct redis_parser *parser, const struct cf_reply **ret_reply,
                                    struct cf_err *err);
/** The error of an error reply to `command`. */
void cf_redis_error_of(const struct cf_reply *reply, const char *command, struct cf_err *ret_err);
/** Whether the error reply's first word is `word`. */
bool cf_redis_error_is(const struct cf_reply *reply, const char *word);

/* ---- calls ---- */

struct redis_eval; /* what a NOSCRIPT answer needs to send the script itself */

struct redis_call {
    struct redis_call *next;
    cf_redis_fn *fn;
    void *arg;
    uint64_t deadline_ms;
    struct redis_eval *eval; /* NULL: a plain command */
    struct cf_err *failed;   /* set in the line of calls that failed before they were sent */
    char command[16];        /* the command's name, for error texts */
};

struct redis_line { /* first in, first out */
    struct redis_call *first, **last;
};

enum redis_state { REDIS_DOWN, REDIS_CONNECTING, REDIS_UP };

#define REDIS_MAX_SCRIPTS 16

struct cf_redis {
    struct cf_loop *loop;
    struct cf_redis_opts opts; /* its texts are owned[] */
    char *owned[5];
    struct redis_url url;
    struct redis_conn *conn;
    struct redis_parser parser;
    enum redis_state state;
    struct redis_line pending; /* sent, in the order of their answers */
    struct redis_line failed;  /* not sent; their callbacks run from fail_timer */
    uint32_t n_pending;
    struct cf_timer *call_timer; /* deadline of the first pending call: answers come in order */
    struct cf_timer *fail_timer;
    struct cf_timer *session_timer; /* DOWN: when to try again; CONNECTING: how long it may take */
    uint32_t attempts;              /* since it was up for a while */
    uint64_t up_since_ms;
    struct cf_err last_err; /* why it is not up */
    void (*change_fn)(void *arg, bool up);
    void *change_arg;
    struct {
        const char *script;
        char sha[41];
    } scripts[REDIS_MAX_SCRIPTS];
    size_t n_scripts;
    bool in_callback;
};

/* redis_session.c */
extern const struct redis_conn_events cf_redis_session_events;
void cf_redis_session_start(struct cf_redis *redis);
void cf_redis_session_timer(void *arg);
/** Closes, fails all pending calls with `err`, and plans the next attempt. */
void cf_redis_session_lost(void *arg, const struct cf_err *err);

/* redis.c */
/** Puts a command on the connection whatever the state; -1 when the write buffer is full. */
CF_CHECKED int cf_redis_push(struct cf_redis *redis, struct redis_call *call, size_t argc,
                             const struct cf_str *argv);
struct redis_call *cf_redis_call_new(cf_redis_fn *fn, void *arg, struct cf_str command);
/** Fails all pending calls. */
void cf_redis_fail_pending(struct cf_redis *redis, const struct cf_err *err);
/** The connection's bytes: replies to the oldest calls. */
void cf_redis_on_data(void *arg, const char *data, size_t n);

#endif

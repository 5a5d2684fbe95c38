/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sf_priv - the parts of the Salesforce client, seen by its own files and their tests.
 *
 *   sf_token.c  when to log in: single flight here and, through Redis, in the fleet; backoff
 *   sf_login.c  what to send to the token endpoint and what its answer means
 *   sf_jwt.c    the signed assertion of the JWT bearer grant
 *   sf_reply.c  what an answer of the REST API means
 *   sf_json.c   bodies: text to jansson trees and back
 *   sf_line.c   calls in a ring
 *   sf_errors.c kinds, sf_limits.c Sforce-Limit-Info, sf_escape.c SOQL and SOSL text
 *
 * The client itself is in sf_client_priv.h, its guards in sf_guard_priv.h.
 */
#ifndef CF_SF_PRIV_H
#define CF_SF_PRIV_H

#include "sf/sf.h"

#define SF_EXHAUSTED_RUN 3        /* REQUEST_LIMIT_EXCEEDED in a row: the day's allocation is spent indeed */
#define SF_EXHAUSTED_CAP_TIMES 10 /* the longest pause after that, in limit_pause_ms */
#define SF_KEY_BYTES 160
#define SF_MAX_WAITING 10000                /* calls waiting in line; more are THROTTLED */
#define SF_MAX_TOKEN_BYTES ((size_t)4096)   /* of an access token */
#define SF_MAX_URL_BYTES 512                /* of an instance URL */
#define SF_MAX_BODY_BYTES ((size_t)8 << 20) /* of a request */
#define SF_SECRET_BUF_BYTES 8192            /* a login form, a bearer header */
#define SF_LOGIN_TIMEOUT_MS 10000           /* of one login */
#define SF_LOGIN_LOCK_MS "15000" /* a dead holder keeps the fleet from logging in no longer than this */
#define SF_LOGIN_POLL_MS 100     /* between looks while another process logs in */
/* After a login that failed for a passing reason: the first wait, doubled up to the cap; each between half
 * and all of it. */
#define SF_LOGIN_RETRY_MS 1000
#define SF_LOGIN_RETRY_CAP_MS 15000
#define SF_MAX_REFRESHES 3 /* good sessions given up within login_backoff_ms */
#define SF_TOKEN_SHARE_MS                                                                                    \
    ((uint64_t)3600000) /* how long a shared token is offered; 401 tells when it dies sooner */

/* ---- sf_token.c ---- */
struct sf_session {
    uint64_t generation;
    char *token, *instance_url;
    uint64_t keep_until_ms; /* refused, unproven: no other before then */
    bool fresh;             /* this process logged in for it, nobody had it before */
    bool proven;            /* a request with it was not refused */
};

struct sf_token;
/* There is a session now, or (`err`) there will be none for a while. Never called inside sf_token_want()
 * unless a login was refused lately. */
typedef void sf_token_fn(void *arg, const struct cf_err *err);

/** `opts` must stay valid. */
struct sf_token *sf_token_new(struct cf_loop *loop, const struct cf_sf_opts *opts, sf_token_fn *fn,
                              void *arg);
void sf_token_free(struct sf_token *token);
/** NULL: none, ask for one with sf_token_want(). */
const struct sf_session *sf_token_session(const struct sf_token *token);
/** Gets a session unless that is under way; `fn` tells. */
void sf_token_want(struct sf_token *token);
/** A request with that generation's token was refused (401). Whether it may be sent again, with the session
 * that there is or will be; false: the session stays, because a login now would not help. */
CF_CHECKED bool sf_token_refused(struct sf_token *token, uint64_t generation);
void sf_token_proved(struct sf_token *token, uint64_t generation);
/* Attempts by their end, a refusal that another process met included. */
struct sf_token_counts {
    uint64_t ok, failed, refused;
    bool refused_now; /* the last one was, or the session itself is refused */
};
const struct sf_token_counts *sf_token_counts(const struct sf_token *token);
/** "<prefix>sf:<what>:<hash of login URL, client, user and grant>". */
void sf_token_name_key(const struct sf_token *token, const char *what, char ret_key[SF_KEY_BYTES]);

/* ---- sf_login.c ---- */
struct sf_grant {
    char *token, *instance_url; /* caller frees with sf_grant_done() */
};
void sf_grant_done(struct sf_grant *grant);
/** The form to post. Reads the secrets' files; wipe `ret_form` after use with sf_wipe(). */
CF_CHECKED int sf_login_form(const struct cf_sf_opts *opts, int64_t now_wall_ms, struct cf_buf *ret_form,
                             struct cf_err *err);
/** What the token endpoint answered. On failure `ret_slow` tells whether a retry must wait long: the
 * credentials were refused, and trying again can lock the user. */
CF_CHECKED int sf_login_reply(const struct cf_sf_opts *opts, int status, struct cf_str body,
                              struct sf_grant *ret_grant, bool *ret_slow, struct cf_err *err);
/** "https://host[:port]", nothing behind it, printable; https when the login URL is https. */
bool sf_url_is_sound(const char *login_url, struct cf_str url);
/** A buf with room for SF_SECRET_BUF_BYTES: it does not move, and leave copies behind, while it grows to
 * that.
 */
void sf_secret_buf(struct cf_buf *buf, size_t limit_bytes);
/** Clears and frees. */
void sf_wipe(struct cf_buf *buf);
void sf_wipe_text(char *text);

/* ---- sf_jwt.c ---- */
struct sf_claims {
    const char *issuer, *subject, *audience;
    int64_t expires_s;
};
/** Appends header.claims.signature, RS256. */
CF_CHECKED int sf_jwt_sign(struct cf_str pem, const struct sf_claims *claims, struct cf_buf *out,
                           struct cf_err *err);

/* ---- sf_reply.c ---- */
struct sf_reply {
    struct cf_str body;
    struct cf_str content_type;
    int status;
    bool write; /* the method was no GET or HEAD */
};
/** Reads an answer. 0: `ret_json` is the body (NULL: none), caller owns it. -1: `ret_failure` says why. */
CF_CHECKED int sf_reply_read(const struct sf_reply *reply, json_t **ret_json,
                             struct cf_sf_failure *ret_failure);
/** Whether it says that too many requests run at once (and not: too many a day). */
bool sf_reply_is_concurrent(const struct sf_reply *reply);
/** Whether the answer says that the session is no good and a new login may help. */
bool sf_reply_refuses_session(const struct sf_reply *reply);

/* ---- sf_json.c ---- */
/** NULL: not JSON, or with the same key twice in an object. Any value is a document. Caller owns the tree. */
CF_CHECKED json_t *sf_json_read(struct cf_str text);
/** Caller frees the text. */
CF_CHECKED char *sf_json_write(const json_t *value);

/* ---- sf_line.c ---- */
/* A ring of calls; the line itself is one more link. */
struct sf_link {
    struct sf_link *prev, *next;
};
void sf_line_init(struct sf_link *line);
void sf_line_put_first(struct sf_link *line, struct sf_link *link);
void sf_line_put_last(struct sf_link *line, struct sf_link *link);
void sf_line_remove(struct sf_link *link);
/** NULL: the line is empty / `link` was the last. */
struct sf_link *sf_line_first(const struct sf_link *line);
struct sf_link *sf_line_behind(const struct sf_link *line, const struct sf_link *link);

/* ---- sf_limits.c ---- */
/** Reads "api-usage=18/15000; per-app-api-usage=...". False, and `ret_budget` untouched, when it is not that.
 */
CF_CHECKED bool sf_limits_parse(struct cf_str header, struct cf_sf_budget *ret_budget);

#endif

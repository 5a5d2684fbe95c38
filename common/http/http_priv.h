/* SPDX-License-Identifier: Apache-2.0 */
/* http_priv - what http.c, http_multi.c and http_error.c share. */
#ifndef CF_HTTP_PRIV_H
#define CF_HTTP_PRIV_H

#include <curl/curl.h>

#include "http/http.h"
#include "loop/loop.h"

/* Which limit a response has passed, seen first by a curl callback, which can only say "stop". */
enum http_excess { HTTP_WITHIN, HTTP_EXCESS_BODY, HTTP_EXCESS_HEADERS };

/* libcurl finds a free connection by walking all of a multi handle's: beyond this many there is another multi
 * handle. Each has its own copy of the trust store, so they should not be small either. */
#define HTTP_SHARD_CONNECTIONS 256U

/* A multi handle: its connections are its own. */
struct http_shard {
    struct cf_http *http;
    CURLM *multi;
    struct cf_timer *timer; /* curl's one timer */
    uint32_t n_calls, max_calls;
    bool in_timer, due; /* due: curl wants its timer to run at once */
};

struct http_sock;

struct cf_http {
    struct cf_loop *loop;
    struct http_shard *shards;
    uint32_t n_shards;
    CURLSH *names;            /* looked up once for all shards */
    struct http_sock **socks; /* by descriptor: those that curl has open */
    size_t n_socks;
    struct cf_http_opts opts; /* its texts are the next three */
    char *ca_file, *proxy, *user_agent;
    struct cf_http_call *active;            /* doubly linked */
    struct cf_http_call *line, **last_line; /* those of them that wait for a connection */
    struct cf_http_call *idle; /* singly linked by `next`: handles to use again, at most max_connections */
    uint32_t n_active, n_idle;
    bool in_callback;
};

struct cf_http_call {
    struct cf_http *http;
    struct cf_http_call *next, *prev;
    struct cf_http_call *line_next, **line_link; /* NULL: not in the line */
    struct http_shard *shard;                    /* NULL: not in curl's hands */
    CURL *easy;
    struct cf_timer
        *timer; /* the total deadline, waiting in line included; for a refused request: right away */
    struct curl_slist *headers;
    cf_http_fn *fn;
    void *arg;
    uint64_t started_ms;
    uint32_t timeout_ms;
    CURLcode refused; /* not CURLE_OK: never given to curl, the timer only reports this */
    bool safe_method; /* GET or HEAD: curl may send it again on a fresh connection */
    bool sent;        /* a connection was ready and the request was about to go out */
    enum http_excess excess;
    struct cf_buf request;    /* its body */
    struct cf_buf head, body; /* of the response */
    char curl_text[CURL_ERROR_SIZE];
};

struct cf_http_response {
    const struct cf_http_call *call;
    int status;
    uint64_t elapsed_ms;
};

/** Makes the shards. http_multi.c calls cf_http_finish() for each call that curl ends. */
void cf_http_multi_open(struct cf_http *http);
/** Closes all connections; no call may be in curl's hands any more. */
void cf_http_multi_close(struct cf_http *http);
/** So that http_multi.c knows the sockets of the call's connections. */
void cf_http_multi_own_sockets(struct cf_http_call *call);
/** Gives the call to curl; false: there is no room for it now. */
CF_CHECKED bool cf_http_multi_start(struct cf_http_call *call);
/** Takes it back. */
void cf_http_multi_stop(struct cf_http_call *call);
/** Takes the call from curl, runs its callback, and puts it aside for the next one. */
void cf_http_finish(struct cf_http_call *call, CURLcode code);
/** The error of a call that ended with `code`. */
void cf_http_error_of(const struct cf_http_call *call, CURLcode code, struct cf_err *ret_err);

#endif

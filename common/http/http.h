/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http - the fleet's HTTP client: many requests at once on the loop (libcurl multi_socket).
 *
 * Vocabulary: a *request* is what is asked, a *call* is one request under way, a *response* is what came
 * back. Promise: each call's callback runs exactly once, never inside cf_http_send(), with a response (any
 * status) or an error; after cf_http_cancel() it does not run. Nothing is unbounded: total deadline, connect
 * deadline, low speed, body and header sizes, connections. Redirects are never followed, only http and https
 * are spoken, TLS is 1.2 or newer and verified, proxy and .netrc settings of the environment are not read.
 */
#ifndef CF_HTTP_H
#define CF_HTTP_H

#include <stdint.h>

#include "err/err.h"
#include "str/str.h"

struct cf_loop;
struct cf_http;
struct cf_http_call;
struct cf_http_response;

struct cf_http_opts {
    uint32_t max_connections;    /* open at once, all hosts together; more calls wait in line. 1..10000 */
    uint32_t connect_timeout_ms; /* 1..60000 */
    uint32_t low_speed_ms;       /* give up when under 10 bytes/s for this long; 0 = never */
    size_t max_body_bytes;       /* of a response */
    size_t max_header_bytes;     /* of a response, all headers together */
    const char *ca_file;         /* NULL: the system's trust store */
    const char *proxy;           /* NULL: none */
    const char *user_agent;
};

struct cf_http_request {
    const char *method;         /* "GET", "POST", "PATCH", "DELETE"; any token */
    const char *url;            /* http:// or https:// */
    const char *const *headers; /* "Name: value", NULL-terminated; NULL = none. CR, LF or NUL inside: error */
    struct cf_str body;         /* copied */
    uint32_t timeout_ms;        /* total, from now to the last byte */
};

/* `res` is valid during the callback only. Error kinds: TRANSIENT (connect, reset, timeout, low speed, too
 * much waiting), CONFIG (TLS verification, bad URL), REJECTED (response beyond a size limit). err->code is
 * the CURLcode. `err->text` never contains the URL's query or a body. */
typedef void cf_http_fn(void *arg, const struct cf_http_response *res, const struct cf_err *err);

/** Copies `opts`. NULL and `err` (kind CONFIG) when an option is out of range. */
CF_CHECKED struct cf_http *cf_http_new(struct cf_loop *loop, const struct cf_http_opts *opts,
                                       struct cf_err *err);
/** Cancels every call under way (their callbacks do not run). NULL is fine. */
void cf_http_free(struct cf_http *http);

/** Starts a request; copies what it needs. The handle is valid until the callback runs or it is cancelled. */
struct cf_http_call *cf_http_send(struct cf_http *http, const struct cf_http_request *request, cf_http_fn *fn,
                                  void *arg);
void cf_http_cancel(struct cf_http_call *call);
/** Calls not finished yet. */
uint32_t cf_http_in_flight(const struct cf_http *http);

/** 100..599. */
int cf_http_status(const struct cf_http_response *res);
struct cf_str cf_http_body(const struct cf_http_response *res);
/** First header of that name (without case), p = NULL when absent. */
struct cf_str cf_http_header(const struct cf_http_response *res, const char *name);
/** Milliseconds from send to the last byte, waiting in line included. */
uint64_t cf_http_elapsed_ms(const struct cf_http_response *res);
/** Whether any byte of the request may have reached the peer: an error after that leaves the outcome unknown.
 */
bool cf_http_error_is_unknown_outcome(const struct cf_err *err);
/** Whether the request went out and no complete answer came in time. */
bool cf_http_error_is_timeout(const struct cf_err *err);

/** Percent-encodes everything but RFC 3986 unreserved characters. */
void cf_http_escape(struct cf_buf *buf, struct cf_str text);

#endif

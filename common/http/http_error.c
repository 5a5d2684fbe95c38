/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_error - what a CURLcode means for the caller: the one table.
 *
 * The rule of the unknown outcome: an error says "nothing was sent" only by one of the codes marked so
 * below; with every other code bytes of the request may have reached the peer. cf_http_error_of() keeps the
 * code honest: curl's prereq callback, which runs when the connection (TLS and proxy tunnel included) is
 * ready and before the first byte goes out, tells whether the line was crossed. A timeout before that becomes
 * CURLE_COULDNT_CONNECT, and a "nothing was sent" code after it becomes CURLE_RECV_ERROR.
 */
#include "http/http_priv.h"

static const struct {
    CURLcode code;
    bool unsent; /* the code alone means that no byte of the request has gone out */
    enum cf_err_kind kind;
} table[] = {
    {CURLE_UNSUPPORTED_PROTOCOL, true, CF_ERR_CONFIG},
    {CURLE_URL_MALFORMAT, true, CF_ERR_CONFIG},
    {CURLE_BAD_FUNCTION_ARGUMENT, true, CF_ERR_CONFIG}, /* ours: bad method or header */
    {CURLE_COULDNT_RESOLVE_PROXY, true, CF_ERR_TRANSIENT},
    {CURLE_COULDNT_RESOLVE_HOST, true, CF_ERR_TRANSIENT},
    {CURLE_COULDNT_CONNECT, true, CF_ERR_TRANSIENT},
    {CURLE_PROXY, true, CF_ERR_TRANSIENT},
    {CURLE_SSL_CONNECT_ERROR, true, CF_ERR_TRANSIENT},
    {CURLE_PEER_FAILED_VERIFICATION, true, CF_ERR_CONFIG},
    {CURLE_SSL_CERTPROBLEM, true, CF_ERR_CONFIG},
    {CURLE_SSL_CIPHER, true, CF_ERR_CONFIG},
    {CURLE_SSL_CACERT_BADFILE, true, CF_ERR_CONFIG},
    {CURLE_SSL_ISSUER_ERROR, true, CF_ERR_CONFIG},
    {CURLE_SSL_INVALIDCERTSTATUS, true, CF_ERR_CONFIG},
    {CURLE_LOGIN_DENIED, true, CF_ERR_CONFIG}, /* a user name inside the URL */
    {CURLE_FILESIZE_EXCEEDED, false, CF_ERR_REJECTED},
    {CURLE_OUT_OF_MEMORY, false, CF_ERR_REJECTED}, /* curl's own limit of 100 KB for one header line */
};

static bool is_unsent(CURLcode code)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].code == code)
            return table[i].unsent;
    }
    return false;
}

static enum cf_err_kind kind_of(CURLcode code)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].code == code)
            return table[i].kind;
    }
    return CF_ERR_TRANSIENT;
}

bool cf_http_error_is_unknown_outcome(const struct cf_err *err)
{
    return !is_unsent((CURLcode)err->code);
}

bool cf_http_error_is_timeout(const struct cf_err *err)
{
    return err->code == CURLE_OPERATION_TIMEDOUT;
}

static void timed_out(const struct cf_http_call *call, struct cf_err *ret_err)
{
    if (call->sent)
        (void)cf_err_set(ret_err, CF_ERR_TRANSIENT, "http", CURLE_OPERATION_TIMEDOUT,
                         "no complete answer within %u ms", call->timeout_ms);
    else
        (void)cf_err_set(ret_err, CF_ERR_TRANSIENT, "http", CURLE_COULDNT_CONNECT,
                         "not sent within %u ms: no connection in time", call->timeout_ms);
}

void cf_http_error_of(const struct cf_http_call *call, CURLcode code, struct cf_err *ret_err)
{
    const struct cf_http_opts *opts = &call->http->opts;

    if (call->excess != HTTP_WITHIN) {
        bool body = call->excess == HTTP_EXCESS_BODY;

        (void)cf_err_set(ret_err, CF_ERR_REJECTED, "http", (int)code, "the response's %s passed %zu bytes",
                         body ? "body" : "headers", body ? opts->max_body_bytes : opts->max_header_bytes);
        return;
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        timed_out(call, ret_err);
        return;
    }
    if (code == CURLE_ABORTED_BY_CALLBACK) { /* on_ready() in http.c */
        (void)cf_err_set(ret_err, CF_ERR_TRANSIENT, "http", (int)code,
                         "a kept connection broke before the answer");
        return;
    }
    if (call->sent && is_unsent(code)) /* for example HTTP/0.9, or curl's second connection for a GET */
        code = CURLE_RECV_ERROR;
    else if (!call->sent && !is_unsent(code))
        code = CURLE_COULDNT_CONNECT;
    /* Before the request is out curl's own text names host, port or certificate at most. */
    (void)cf_err_set(ret_err, kind_of(code), "http", (int)code, "%s%s%s", curl_easy_strerror(code),
                     !call->sent && call->curl_text[0] ? ": " : "", call->sent ? "" : call->curl_text);
}

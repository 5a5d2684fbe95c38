/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http.h"

#include <assert.h>
#include <stdlib.h>

#include "http/http_priv.h"

#define LOW_SPEED_BYTES_PER_S 10L
#define CA_CACHE_S 60L        /* a rotated CA file is read again after this; curl's default is a day */
#define KEEP_BUF_BYTES 65536U /* a pooled call gives larger buffers back */

/* Names and methods: RFC 9110 token. */
static bool is_token(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!letter && !(c >= '0' && c <= '9') && !strchr("!#$%&'*+-.^_`|~", c))
            return false;
    }
    return n > 0;
}

static bool is_header(const char *line)
{
    const char *colon = strchr(line, ':');

    return colon && is_token(line, (size_t)(colon - line)) && !strpbrk(line, "\r\n");
}

static bool is_url(const char *url)
{
    for (const char *p = url; *p; p++) {
        if (*p <= ' ' || *p > '~')
            return false;
    }
    return *url != '\0';
}

static bool has_name(const char *line, const char *name)
{
    size_t n = strlen(name);

    return cf_str_eq_nocase((struct cf_str){line, strnlen(line, n)}, cf_str_of(name)) && line[n] == ':';
}

/* ---- what curl calls ---- */

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct cf_http_call *call = arg;

    cf_buf_add(&call->body, data, size * n);
    if (!call->body.full)
        return size * n;
    call->excess = HTTP_EXCESS_BODY;
    return 0;
}

static size_t on_head(char *data, size_t size, size_t n, void *arg)
{
    struct cf_http_call *call = arg;

    if (size * n >= 5 && memcmp(data, "HTTP/", 5) == 0)
        cf_buf_clear(&call->head); /* what came before was an interim response */
    cf_buf_add(&call->head, data, size * n);
    if (!call->head.full)
        return size * n;
    call->excess = HTTP_EXCESS_HEADERS;
    return 0;
}

/* Runs when the connection is ready and the request is about to go out. curl silently repeats a request of
 * any method when a kept connection dies without an answer; for anything but GET and HEAD that could write
 * twice, so the second time is stopped here and reported as an error with unknown outcome. */
/* NOLINTNEXTLINE(readability-non-const-parameter): curl's type */
static int on_ready(void *arg, char *peer_ip, char *local_ip, int peer_port, int local_port)
{
    struct cf_http_call *call = arg;

    (void)peer_ip;
    (void)local_ip;
    (void)peer_port;
    (void)local_port;
    if (call->sent && !call->safe_method)
        return CURL_PREREQFUNC_ABORT;
    call->sent = true;
    return CURL_PREREQFUNC_OK;
}

/* ---- calls ---- */

static void on_deadline(void *arg)
{
    struct cf_http_call *call = arg;

    cf_http_finish(call, call->refused != CURLE_OK ? call->refused : CURLE_OPERATION_TIMEDOUT);
}

static void set_callbacks(struct cf_http_call *call)
{
    CURL *easy = call->easy;

    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_text);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_ready);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
}

static void set_limits(CURL *easy, const struct cf_http_opts *opts)
{
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)opts->connect_timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)opts->max_body_bytes);
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    /* One request at a time on a connection: max_connections is then also what the peer sees at once, and an
     * error belongs to one request only. */
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Otherwise a call cancelled while its name is looked up would block the loop until the answer. */
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    (void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    if (opts->low_speed_ms > 0) {
        (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES_PER_S);
        (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, ((long)opts->low_speed_ms + 999) / 1000);
    }
}

static void set_trust(CURL *easy, const struct cf_http_opts *opts)
{
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_S);
    if (opts->ca_file) {
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, opts->ca_file);
        (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* the file alone, not the system's as well */
    }
    /* Set, even when empty: then the environment's http_proxy and no_proxy are not read. */
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, opts->proxy ? opts->proxy : "");
    (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, opts->proxy ? "" : "*");
    (void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, opts->user_agent);
}

static struct cf_http_call *call_new(struct cf_http *http)
{
    struct cf_http_call *call = http->idle;

    if (call) {
        http->idle = call->next;
        http->n_idle--;
        return call;
    }
    call = cf_calloc(1, sizeof(*call));
    call->http = http;
    call->easy = curl_easy_init();
    if (!call->easy)
        abort(); /* out of memory */
    call->timer = cf_timer_new(http->loop, on_deadline, call);
    cf_buf_init(&call->request, SIZE_MAX);
    cf_buf_init(&call->head, http->opts.max_header_bytes);
    cf_buf_init(&call->body, http->opts.max_body_bytes);
    set_callbacks(call);
    cf_http_multi_own_sockets(call);
    set_limits(call->easy, &http->opts);
    set_trust(call->easy, &http->opts);
    return call;
}

static void call_free(struct cf_http_call *call)
{
    if (call->shard)
        cf_http_multi_stop(call);
    curl_slist_free_all(call->headers);
    curl_easy_cleanup(call->easy);
    cf_timer_free(call->timer);
    cf_buf_done(&call->request);
    cf_buf_done(&call->head);
    cf_buf_done(&call->body);
    free(call);
}

static void call_link(struct cf_http_call *call)
{
    struct cf_http *http = call->http;

    call->prev = NULL;
    call->next = http->active;
    if (call->next)
        call->next->prev = call;
    http->active = call;
    http->n_active++;
}

static void line_enter(struct cf_http_call *call)
{
    struct cf_http *http = call->http;

    call->line_next = NULL;
    call->line_link = http->last_line;
    *http->last_line = call;
    http->last_line = &call->line_next;
}

static void line_leave(struct cf_http_call *call)
{
    struct cf_http *http = call->http;

    *call->line_link = call->line_next;
    if (call->line_next)
        call->line_next->line_link = call->line_link;
    else
        http->last_line = call->line_link;
    call->line_link = NULL;
}

/* A connection has become free. */
static void line_advance(struct cf_http *http)
{
    struct cf_http_call *first = http->line;

    if (first && cf_http_multi_start(first))
        line_leave(first);
}

/* Out of curl's hands and of the active list; its response can still be read. */
static void call_stop(struct cf_http_call *call)
{
    struct cf_http *http = call->http;

    if (call->shard) {
        cf_http_multi_stop(call);
        line_advance(http);
    } else if (call->line_link) {
        line_leave(call);
    }
    cf_timer_stop(call->timer);
    if (call->next)
        call->next->prev = call->prev;
    if (call->prev)
        call->prev->next = call->next;
    else
        http->active = call->next;
    http->n_active--;
}

static void call_recycle(struct cf_http_call *call)
{
    struct cf_http *http = call->http;

    (void)curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, NULL);
    (void)curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, NULL);
    curl_slist_free_all(call->headers);
    call->headers = NULL;
    call->fn = NULL;
    if (http->n_idle >= http->opts.max_connections) {
        call_free(call);
        return;
    }
    if (call->body.size > KEEP_BUF_BYTES)
        cf_buf_done(&call->body);
    if (call->request.size > KEEP_BUF_BYTES)
        cf_buf_done(&call->request);
    cf_buf_clear(&call->request);
    cf_buf_clear(&call->body);
    cf_buf_clear(&call->head);
    call->next = http->idle;
    http->idle = call;
    http->n_idle++;
}

void cf_http_finish(struct cf_http_call *call, CURLcode code)
{
    struct cf_http *http = call->http;
    struct cf_http_response res = {.call = call};
    struct cf_err err = {0};
    long status = 0;

    call_stop(call);
    res.elapsed_ms = cf_loop_now_ms(http->loop) - call->started_ms;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && (status < 100 || status > 599))
        code = CURLE_WEIRD_SERVER_REPLY;
    res.status = (int)status;
    if (code != CURLE_OK)
        cf_http_error_of(call, code, &err);
    http->in_callback = true;
    call->fn(call->arg, code == CURLE_OK ? &res : NULL, code == CURLE_OK ? NULL : &err);
    http->in_callback = false;
    call_recycle(call);
}

static void add_header(struct cf_http_call *call, const char *line)
{
    struct curl_slist *list = curl_slist_append(call->headers, line);

    if (!list)
        abort(); /* out of memory */
    call->headers = list;
}

static CURLcode set_headers(struct cf_http_call *call, const char *const *headers)
{
    bool typed = false;

    for (; headers && *headers; headers++) {
        if (!is_header(*headers))
            return CURLE_BAD_FUNCTION_ARGUMENT;
        typed = typed || has_name(*headers, "content-type");
        add_header(call, *headers);
    }
    /* curl would add a form's content type, and wait for "100 Continue" with a large body. */
    if (!typed)
        add_header(call, "Content-Type:");
    add_header(call, "Expect:");
    return curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static CURLcode set_request(struct cf_http_call *call, const struct cf_http_request *request)
{
    CURL *easy = call->easy;
    CURLcode code;
    bool get = strcmp(request->method, "GET") == 0, head = strcmp(request->method, "HEAD") == 0;

    call->safe_method = get || head;
    if (!is_token(request->method, strlen(request->method)))
        return CURLE_BAD_FUNCTION_ARGUMENT;
    if (!is_url(request->url))
        return CURLE_URL_MALFORMAT;
    code = curl_easy_setopt(easy, CURLOPT_URL, request->url);
    if (code != CURLE_OK)
        return code;
    /* The handle was used before: each of these undoes what an earlier method left. */
    (void)curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_NOBODY, head ? 1L : 0L);
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, get || head ? NULL : request->method);
    if (request->body.n > 0 || (!call->safe_method && strcmp(request->method, "DELETE") != 0)) {
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
        cf_buf_str(&call->request, request->body);
        code = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.n ? call->request.p : "");
        if (get || head)
            (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
    return code != CURLE_OK ? code : set_headers(call, request->headers);
}

struct cf_http_call *cf_http_send(struct cf_http *http, const struct cf_http_request *request, cf_http_fn *fn,
                                  void *arg)
{
    struct cf_http_call *call = call_new(http);

    call->fn = fn;
    call->arg = arg;
    call->started_ms = cf_loop_now_ms(http->loop);
    call->timeout_ms = request->timeout_ms;
    call->sent = false;
    call->excess = HTTP_WITHIN;
    call->curl_text[0] = '\0';
    call->refused = set_request(call, request);
    call_link(call);
    if (call->refused == CURLE_OK && (http->line || !cf_http_multi_start(call)))
        line_enter(call);
    cf_timer_start(call->timer, call->refused == CURLE_OK ? request->timeout_ms : 0, 0);
    return call;
}

void cf_http_cancel(struct cf_http_call *call)
{
    assert(call->fn);
    call_stop(call);
    call_recycle(call);
}

uint32_t cf_http_in_flight(const struct cf_http *http)
{
    return http->n_active;
}

/* ---- the client ---- */

static int check(const struct cf_http_opts *opts, struct cf_err *err)
{
    const char *bad = NULL;

    if (opts->max_connections < 1 || opts->max_connections > 10000)
        bad = "max_connections must be 1..10000";
    else if (opts->connect_timeout_ms < 1 || opts->connect_timeout_ms > 60000)
        bad = "connect_timeout_ms must be 1..60000";
    else if (opts->max_body_bytes < 1 || opts->max_header_bytes < 1)
        bad = "max_body_bytes and max_header_bytes must be set";
    else if (opts->user_agent && strpbrk(opts->user_agent, "\r\n"))
        bad = "user_agent must be one line";
    return bad ? cf_err_set(err, CF_ERR_CONFIG, "http", 0, "%s", bad) : 0;
}

static char *copy(const char *text)
{
    return text ? cf_strdup(text) : NULL;
}

struct cf_http *cf_http_new(struct cf_loop *loop, const struct cf_http_opts *opts, struct cf_err *err)
{
    struct cf_http *http;

    if (check(opts, err) != 0)
        return NULL;
    http = cf_calloc(1, sizeof(*http));
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort(); /* out of memory */
    http->loop = loop;
    http->opts = *opts;
    http->opts.ca_file = http->ca_file = copy(opts->ca_file);
    http->opts.proxy = http->proxy = copy(opts->proxy);
    http->opts.user_agent = http->user_agent = copy(opts->user_agent);
    http->last_line = &http->line;
    cf_http_multi_open(http);
    return http;
}

static void free_list(struct cf_http_call *call)
{
    while (call) {
        struct cf_http_call *next = call->next;

        call_free(call);
        call = next;
    }
}

void cf_http_free(struct cf_http *http)
{
    if (!http)
        return;
    assert(!http->in_callback);
    free_list(http->active);
    free_list(http->idle);
    cf_http_multi_close(http);
    free(http->ca_file);
    free(http->proxy);
    free(http->user_agent);
    free(http);
    curl_global_cleanup();
}

/* ---- responses ---- */

int cf_http_status(const struct cf_http_response *res)
{
    return res->status;
}

struct cf_str cf_http_body(const struct cf_http_response *res)
{
    return cf_buf_view(&res->call->body);
}

struct cf_str cf_http_header(const struct cf_http_response *res, const char *name)
{
    struct cf_str head = cf_buf_view(&res->call->head), want = cf_str_of(name);

    while (head.n > 0) {
        const char *end = memchr(head.p, '\n', head.n);
        struct cf_str line = {head.p, end ? (size_t)(end - head.p) : head.n};

        if (line.n > want.n && line.p[want.n] == ':' &&
            cf_str_eq_nocase((struct cf_str){line.p, want.n}, want))
            return cf_str_trim((struct cf_str){line.p + want.n + 1, line.n - want.n - 1});
        head.p += line.n + (end ? 1 : 0);
        head.n -= line.n + (end ? 1 : 0);
    }
    return (struct cf_str){0};
}

uint64_t cf_http_elapsed_ms(const struct cf_http_response *res)
{
    return res->elapsed_ms;
}

static bool is_unreserved(unsigned char c)
{
    static const bool table[256] = {
        ['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true, ['5'] = true, ['6'] = true,
        ['7'] = true, ['8'] = true, ['9'] = true, ['-'] = true, ['.'] = true, ['_'] = true, ['~'] = true,
        ['A'] = true, ['B'] = true, ['C'] = true, ['D'] = true, ['E'] = true, ['F'] = true, ['G'] = true,
        ['H'] = true, ['I'] = true, ['J'] = true, ['K'] = true, ['L'] = true, ['M'] = true, ['N'] = true,
        ['O'] = true, ['P'] = true, ['Q'] = true, ['R'] = true, ['S'] = true, ['T'] = true, ['U'] = true,
        ['V'] = true, ['W'] = true, ['X'] = true, ['Y'] = true, ['Z'] = true, ['a'] = true, ['b'] = true,
        ['c'] = true, ['d'] = true, ['e'] = true, ['f'] = true, ['g'] = true, ['h'] = true, ['i'] = true,
        ['j'] = true, ['k'] = true, ['l'] = true, ['m'] = true, ['n'] = true, ['o'] = true, ['p'] = true,
        ['q'] = true, ['r'] = true, ['s'] = true, ['t'] = true, ['u'] = true, ['v'] = true, ['w'] = true,
        ['x'] = true, ['y'] = true, ['z'] = true,
    };

    return table[c];
}

/* A whole run of unreserved characters at once: a query is tens of thousands of bytes of them. */
void cf_http_escape(struct cf_buf *buf, struct cf_str text)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t start = 0;

    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (is_unreserved(c))
            continue;
        cf_buf_add(buf, text.p + start, i - start);
        cf_buf_add(buf, (const char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
        start = i + 1;
    }
    cf_buf_add(buf, text.p + start, text.n - start);
}

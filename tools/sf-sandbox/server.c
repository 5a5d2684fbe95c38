/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "clock/clock.h"
#include "exchange.h"
#include "gzip.h"
#include "router.h"

#define THREADS 2
#define IDLE_TIMEOUT_S 300U
#define STOP_WAIT_MS 3000U
#define BACKLOG 4096

struct sb_server {
    struct sandbox *sandbox;
    struct MHD_Daemon *daemon;
    int listener;
    uint16_t port;
    _Atomic int64_t suspended;
    _Atomic bool stopping;
};

void sb_server_suspend(struct sb_exchange *exchange)
{
    atomic_fetch_add(&exchange->server->suspended, 1);
    MHD_suspend_connection(exchange->connection);
}

void sb_server_resume(struct sb_exchange *exchange)
{
    struct MHD_Connection *connection = exchange->connection;

    atomic_fetch_sub(&exchange->server->suspended, 1);
    /* From here on the exchange belongs to the server's thread again. */
    MHD_resume_connection(connection);
}

bool sb_server_stopping(const struct sb_server *server)
{
    return atomic_load(&server->stopping);
}

static void on_due(void *arg)
{
    sb_server_resume(arg);
}

void sb_server_park(struct sb_exchange *exchange, uint64_t until_ns)
{
    sb_server_suspend(exchange);
    sb_timers_add(exchange->context.sandbox->timers, until_ns, on_due, exchange);
}

static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct sb_server *server = cls;
    struct sb_exchange *exchange = cf_calloc(1, sizeof(*exchange));
    struct cf_arena *arena = cf_arena_new(SB_ARENA_MAX_BYTES);

    exchange->server = server;
    exchange->connection = connection;
    exchange->uri = cf_arena_str(arena, cf_str_of(uri));
    exchange->context = (struct sb_context){.sandbox = server->sandbox,
                                            .arena = arena,
                                            .received_ns = cf_clock_mono_ns(),
                                            .wall_ms = cf_clock_wall_ms()};
    cf_buf_init(&exchange->body, SB_BODY_MAX_BYTES);
    return exchange;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode code)
{
    struct sb_exchange *exchange = *con_cls;

    (void)cls;
    (void)connection;
    if (!exchange)
        return;
    /* libmicrohttpd looks at a suspended connection when its time has come, and finds that nobody is there.
     */
    if (!exchange->recorded && exchange->stage != SB_STAGE_RECEIVING &&
        (exchange->stage == SB_STAGE_AFTER || code != MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN))
        sb_exchange_abandoned(exchange);
    if (exchange->recorded && !exchange->cut && code != MHD_REQUEST_TERMINATED_COMPLETED_OK)
        sb_history_undelivered(exchange->context.sandbox->history, exchange->context.request_no);
    sb_reply_done(&exchange->reply);
    json_decref(exchange->context.commits);
    cf_buf_done(&exchange->body);
    cf_arena_free(exchange->context.arena);
    free(exchange);
    *con_cls = NULL;
}

static enum MHD_Result add_header_size(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
    size_t *total = cls;

    (void)kind;
    *total += strlen(key) + (value ? strlen(value) : 0) + 4;
    return MHD_YES;
}

/* Salesforce's limits on URI and headers; the reply is filled when one is passed. */
static void check_sizes(struct sb_exchange *exchange)
{
    size_t total = exchange->uri.n;

    (void)MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, add_header_size, &total);
    if (exchange->uri.n > SB_URI_MAX_BYTES)
        sb_reply_error(&exchange->reply, 414, "URI_TOO_LONG", "The URI is longer than %d bytes",
                       SB_URI_MAX_BYTES);
    else if (total > SB_HEADER_MAX_BYTES)
        sb_reply_error(&exchange->reply, 431, "REQUEST_HEADER_FIELDS_TOO_LARGE",
                       "URI and headers together are longer than %d bytes", SB_HEADER_MAX_BYTES);
}

static const char *header_of(const void *arg, const char *name)
{
    const struct sb_exchange *exchange = arg;

    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

/* A gzip body takes the place of the packed one. */
static bool unpack(struct sb_exchange *exchange)
{
    const char *encoding = header_of(exchange, "Content-Encoding");
    struct cf_buf plain;

    if (!encoding || strcasecmp(encoding, "gzip") != 0 || exchange->body.n == 0)
        return true;
    cf_buf_init(&plain, SB_BODY_MAX_BYTES);
    if (sb_gunzip(cf_buf_view(&exchange->body), &plain) != 0) {
        cf_buf_done(&plain);
        return false;
    }
    cf_buf_done(&exchange->body);
    exchange->body = plain;
    return true;
}

/* All of the request is here. */
static void begin(struct sb_exchange *exchange, const char *method)
{
    struct sb_request *request = &exchange->request;
    int bad = sb_request_init(request, exchange->context.arena, method, exchange->uri);
    bool unpacked = unpack(exchange);

    request->body = cf_buf_view(&exchange->body);
    request->header = header_of;
    request->header_arg = exchange;
    exchange->context.commits = json_array();
    if (exchange->body.full)
        sb_reply_error(&exchange->reply, 413, "REQUEST_TOO_LARGE", "The body is longer than %zu bytes",
                       SB_BODY_MAX_BYTES);
    else if (bad)
        sb_reply_error(&exchange->reply, 400, "BAD_REQUEST", "The URI is not valid");
    else if (!unpacked)
        sb_reply_error(&exchange->reply, 400, "BAD_REQUEST", "The body is not gzip, or too large");
    if (exchange->reply.status == 0)
        sb_router_prepare(&exchange->context, request, &exchange->reply);
    if (exchange->context.request_no == 0 &&
        !(exchange->context.route && exchange->context.route->class == SB_CLASS_admin))
        exchange->context.request_no = atomic_fetch_add(&exchange->context.sandbox->requests, 1) + 1;
}

/* Runs the request when it is time to; false when it has to wait first. */
static bool proceed(struct sb_exchange *exchange)
{
    struct sb_context *context = &exchange->context;
    uint64_t before_ns = context->received_ns + context->fate.delay_before_ms * 1000000U;

    if (exchange->stage == SB_STAGE_RECEIVING) {
        exchange->stage = SB_STAGE_BEFORE;
        if (context->fate.delay_before_ms > 0) {
            sb_server_park(exchange, before_ns);
            return false;
        }
    }
    if (exchange->stage == SB_STAGE_BEFORE) {
        exchange->stage = SB_STAGE_AFTER;
        context->now_ns = context->fate.delay_before_ms > 0 ? cf_clock_mono_ns() : context->received_ns;
        context->ready_ns = context->now_ns;
        sb_router_run(context, &exchange->request, &exchange->reply);
        if (context->ready_ns > context->now_ns && context->ready_ns > cf_clock_mono_ns()) {
            sb_server_park(exchange, context->ready_ns);
            return false;
        }
    }
    return true;
}

/* libmicrohttpd's signature. */
/* NOLINTNEXTLINE(readability-function-size) */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **con_cls)
{
    struct sb_exchange *exchange = *con_cls;

    (void)cls;
    (void)connection;
    (void)url;
    (void)version;
    if (!exchange->seen) {
        exchange->seen = true;
        check_sizes(exchange);
        return MHD_YES;
    }
    if (*data_size > 0) {
        cf_buf_add(&exchange->body, data, *data_size);
        *data_size = 0;
        return MHD_YES;
    }
    if (exchange->stage == SB_STAGE_RECEIVING)
        begin(exchange, method);
    if (!proceed(exchange))
        return MHD_YES;
    return sb_exchange_answer(exchange) ? MHD_YES : MHD_NO;
}

static void on_log(void *cls, const char *fmt, va_list args)
{
    /* libmicrohttpd reports here what clients do wrong (resets, cut requests): with faults that is every day.
     */
    (void)cls;
    (void)fmt;
    (void)args;
}

static struct MHD_Daemon *start_daemon(struct sb_server *server, const struct sb_server_opts *opts)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_KEY, 0, NULL},
                                   {MHD_OPTION_HTTPS_MEM_CERT, 0, NULL},
                                   {MHD_OPTION_HTTPS_PRIORITIES, 0, NULL},
                                   {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    char *cert = opts->tls_cert ? cf_strdup(opts->tls_cert) : NULL;
    char *key = opts->tls_key ? cf_strdup(opts->tls_key) : NULL;
    char priorities[] = "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1";
    struct MHD_Daemon *daemon;

    if (cert && key) {
        flags |= MHD_USE_TLS;
        tls[0].ptr_value = key;
        tls[1].ptr_value = cert;
        tls[2].ptr_value = priorities;
    }
    daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, server->listener,
        MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_uri, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
        MHD_OPTION_CONNECTION_LIMIT, SB_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)SB_CONNECTION_MEMORY_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, MHD_OPTION_ARRAY,
        cert && key ? tls : none, MHD_OPTION_END);
    free(cert);
    free(key);
    return daemon;
}

/* A listening socket, -1 with errno when there is none. */
static int listen_on(const struct sockaddr_in *address, uint16_t *ret_port)
{
    struct sockaddr_in bound = {0};
    socklen_t size = sizeof(bound);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &size) != 0) {
        int problem = errno;

        (void)close(fd);
        errno = problem;
        return -1;
    }
    *ret_port = ntohs(bound.sin_port);
    return fd;
}

struct sb_server *sb_server_open(const struct sb_server_opts *opts, struct cf_err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(opts->port)};
    struct sb_server *server;
    uint16_t port = 0;
    int fd;

    if (inet_pton(AF_INET, opts->host, &address.sin_addr) != 1) {
        (void)cf_err_set(err, CF_ERR_CONFIG, "server", 0, "--host: '%s' is no IPv4 address", opts->host);
        return NULL;
    }
    fd = listen_on(&address, &port);
    if (fd < 0) {
        (void)cf_err_set(err, CF_ERR_CONFIG, "server", errno, "cannot listen on %s port %u (error %d)",
                         opts->host, opts->port, errno);
        return NULL;
    }
    server = cf_calloc(1, sizeof(*server));
    server->listener = fd;
    server->port = port;
    return server;
}

int sb_server_start(struct sb_server *server, struct sandbox *sandbox, const struct sb_server_opts *opts,
                    struct cf_err *err)
{
    server->sandbox = sandbox;
    server->daemon = start_daemon(server, opts);
    if (!server->daemon)
        return cf_err_set(err, CF_ERR_CONFIG, "server", 0, "cannot serve: are the TLS files in order?");
    return 0;
}

uint16_t sb_server_port(const struct sb_server *server)
{
    return server->port;
}

void sb_server_stop(struct sb_server *server)
{
    uint64_t until_ms = cf_clock_mono_ms() + STOP_WAIT_MS;

    atomic_store(&server->stopping, true);
    if (server->daemon) {
        (void)MHD_quiesce_daemon(server->daemon);
        sb_timers_stop(server->sandbox->timers);
        /* libmicrohttpd must not be stopped while a connection is suspended. */
        while (atomic_load(&server->suspended) > 0 && cf_clock_mono_ms() < until_ms)
            usleep(1000);
        MHD_stop_daemon(server->daemon);
    }
    (void)close(server->listener);
    free(server);
}

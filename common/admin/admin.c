/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/admin.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop.h"

#define MAX_PAGE_BYTES (4UL * 1024 * 1024)
#define MAX_CONNECTIONS 32U
#define CONNECTION_TIMEOUT_S 10U
#define CONNECTION_MEMORY_BYTES 16384UL /* a request's head must fit */
/* libmicrohttpd's own deadline counts from the last byte that moved: it ends an idle client, this tick looks
 * for one. */
#define TICK_MS 1000U

struct cf_admin {
    struct cf_loop *loop;
    struct MHD_Daemon *daemon;
    struct cf_fd *watch; /* the daemon's epoll descriptor */
    struct cf_timer *timer;
    const struct cf_admin_page *pages;
    void *arg;
    struct cf_buf body;
    uint16_t port;
};

/* ---- requests ---- */

static enum MHD_Result answer(struct MHD_Connection *connection, int status, const char *content_type,
                              struct cf_str body)
{
    union { /* MHD_RESPMEM_MUST_COPY only reads it */
        const char *given;
        void *wanted;
    } data = {body.n > 0 ? body.p : ""};
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.n, data.wanted, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    if (!response)
        abort(); /* out of memory */
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    result = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, int status, const char *text)
{
    return answer(connection, status, "text/plain; charset=utf-8", cf_str_of(text));
}

static enum MHD_Result answer_page(struct cf_admin *admin, const struct cf_admin_page *page,
                                   struct MHD_Connection *connection)
{
    const char *content_type = "text/plain; charset=utf-8";
    int status;

    cf_buf_clear(&admin->body);
    status = page->fn(admin->arg, &admin->body, &content_type);
    if (admin->body.full)
        return answer_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "the page passed its size limit\n");
    return answer(connection, status, content_type, cf_buf_view(&admin->body));
}

/* libmicrohttpd calls it with the head, once more per piece of a body, and at the end. */
/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd's type */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    static int seen;
    struct cf_admin *admin = arg;

    (void)version;
    (void)upload;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
    if (!*state || *upload_size > 0) { /* a body is read over */
        *state = &seen;
        *upload_size = 0;
        return MHD_YES;
    }
    for (const struct cf_admin_page *page = admin->pages; page->path; page++) {
        if (strcmp(url, page->path) == 0)
            return answer_page(admin, page, connection);
    }
    return answer_text(connection, MHD_HTTP_NOT_FOUND, "no such page\n");
}

/* ---- the loop ---- */

static void run(struct cf_admin *admin)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    uint64_t delay = TICK_MS;

    (void)MHD_run(admin->daemon);
    if (MHD_get_timeout(admin->daemon, &wait_ms) == MHD_YES && wait_ms < delay)
        delay = wait_ms > 0 ? wait_ms : 1;
    cf_timer_start(admin->timer, delay, 0);
}

static void on_readable(void *arg, int events)
{
    (void)events;
    run(arg);
}

static void on_timer(void *arg)
{
    run(arg);
}

/* ---- listening ---- */

/* "127.0.0.1:0", "[::1]:9100", ":9100" (every address). */
static int parse_address(const char *text, struct sockaddr_storage *ret_address, struct cf_err *err)
{
    const char *colon = strrchr(text, ':');
    struct sockaddr_in *in4 = (struct sockaddr_in *)ret_address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_address;
    struct cf_str host = {text, colon ? (size_t)(colon - text) : 0};
    char name[64];
    uint64_t port;

    memset(ret_address, 0, sizeof(*ret_address));
    if (!colon || !cf_str_u64(cf_str_of(colon + 1), &port) || port > 65535)
        return cf_err_set(err, CF_ERR_CONFIG, "admin", 0, "admin_listen must be ADDRESS:PORT");
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = (struct cf_str){host.p + 1, host.n - 2};
    if (cf_str_copy(name, sizeof(name), host.n > 0 ? host : CF_STR("0.0.0.0")) &&
        inet_pton(AF_INET, name, &in4->sin_addr) == 1) {
        in4->sin_family = AF_INET;
        in4->sin_port = htons((uint16_t)port);
        return 0;
    }
    if (inet_pton(AF_INET6, name, &in6->sin6_addr) != 1)
        return cf_err_set(err, CF_ERR_CONFIG, "admin", 0, "admin_listen needs a numeric address");
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons((uint16_t)port);
    return 0;
}

static int listen_on(const struct sockaddr_storage *address, struct cf_err *err)
{
    socklen_t size = address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, number;

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(fd, (const struct sockaddr *)address, size) == 0 && listen(fd, (int)MAX_CONNECTIONS) == 0)
        return fd;
    number = errno;
    if (fd >= 0)
        (void)close(fd);
    return cf_err_set(err, CF_ERR_CONFIG, "admin", number, "admin_listen: %s", strerror(number));
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    } address = {0};
    socklen_t size = sizeof(address);

    if (getsockname(fd, &address.any, &size) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET ? address.in4.sin_port : address.in6.sin6_port);
}

static struct MHD_Daemon *start_daemon(struct cf_admin *admin, int fd)
{
    return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, admin, /* */
                            MHD_OPTION_LISTEN_SOCKET, fd,                    /* */
                            MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS,    /* */
                            MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_TIMEOUT_S,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_BYTES, MHD_OPTION_END);
}

struct cf_admin *cf_admin_new(struct cf_loop *loop, const char *address, const struct cf_admin_page *pages,
                              void *arg, struct cf_err *err)
{
    const union MHD_DaemonInfo *info;
    struct sockaddr_storage where;
    struct cf_admin *admin;
    int fd;

    if (parse_address(address, &where, err) != 0 || (fd = listen_on(&where, err)) < 0)
        return NULL;
    admin = cf_calloc(1, sizeof(*admin));
    admin->loop = loop;
    admin->pages = pages;
    admin->arg = arg;
    admin->port = port_of(fd);
    cf_buf_init(&admin->body, MAX_PAGE_BYTES);
    admin->daemon = start_daemon(admin, fd);
    if (!admin->daemon) {
        (void)close(fd);
        free(admin);
        (void)cf_err_set(err, CF_ERR_FATAL, "admin", 0, "libmicrohttpd does not start");
        return NULL;
    }
    info = MHD_get_daemon_info(admin->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    assert(info);
    admin->timer = cf_timer_new(loop, on_timer, admin);
    admin->watch = cf_fd_add(loop, info->epoll_fd, CF_LOOP_READ, on_readable, admin);
    cf_timer_start(admin->timer, TICK_MS, 0);
    return admin;
}

uint16_t cf_admin_port(const struct cf_admin *admin)
{
    return admin->port;
}

void cf_admin_free(struct cf_admin *admin)
{
    if (!admin)
        return;
    cf_fd_del(admin->watch);
    cf_timer_free(admin->timer);
    MHD_stop_daemon(admin->daemon); /* closes the listening socket, too */
    cf_buf_done(&admin->body);
    free(admin);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "redis/redis_priv.h"

#define READ_BYTES 65536
#define READS_A_TURN 16 /* then others on the loop have their turn */

enum phase { CLOSED, LOOKING_UP, CONNECTING, SHAKING_HANDS, OPEN };

struct redis_conn {
    struct cf_loop *loop;
    const struct redis_url *url;      /* borrowed, as long as the connection */
    const struct cf_redis_opts *opts; /* borrowed */
    const struct redis_conn_events *events;
    void *arg;
    enum phase phase;
    uint32_t generation; /* counts openings: tells a caller deep in the stack that "its" connection is gone */
    int fd;
    struct cf_fd *watch;
    struct cf_resolve *resolve;
    struct redis_tls *tls;
    struct cf_buf out;  /* commands; `out_sent` bytes of it are gone */
    struct cf_buf wire; /* TLS records on their way; `wire_sent` bytes of it are gone */
    size_t out_sent, wire_sent;
    struct cf_timer *later; /* reports a failure to open, which must not happen inside the call */
    struct cf_err later_err;
};

static void lost(struct redis_conn *conn, const struct cf_err *err)
{
    struct cf_err copy = *err;

    cf_redis_conn_close(conn);
    conn->events->lost(conn->arg, &copy);
}

static void lost_errno(struct redis_conn *conn, const char *what, int number)
{
    struct cf_err err = {0};

    (void)cf_err_set(&err, CF_ERR_TRANSIENT, "redis", number, "%s: %s", what, strerror(number));
    lost(conn, &err);
}

static void on_later(void *arg)
{
    struct redis_conn *conn = arg;

    lost(conn, &conn->later_err);
}

struct redis_conn *cf_redis_conn_new(struct cf_loop *loop, const struct redis_url *url,
                                     const struct cf_redis_opts *opts, const struct redis_conn_events *events,
                                     void *arg)
{
    struct redis_conn *conn = cf_calloc(1, sizeof(*conn));

    conn->loop = loop;
    conn->url = url;
    conn->opts = opts;
    conn->events = events;
    conn->arg = arg;
    conn->fd = -1;
    conn->later = cf_timer_new(loop, on_later, conn);
    cf_buf_init(&conn->out, REDIS_MAX_OUT_BYTES);
    cf_buf_init(&conn->wire, REDIS_MAX_OUT_BYTES);
    return conn;
}

void cf_redis_conn_close(struct redis_conn *conn)
{
    conn->phase = CLOSED;
    conn->generation++;
    cf_timer_stop(conn->later);
    if (conn->resolve)
        cf_resolve_cancel(conn->resolve);
    conn->resolve = NULL;
    cf_fd_del(conn->watch);
    conn->watch = NULL;
    if (conn->fd >= 0)
        (void)close(conn->fd);
    conn->fd = -1;
    cf_redis_tls_free(conn->tls);
    conn->tls = NULL;
    cf_buf_done(&conn->out);
    cf_buf_done(&conn->wire);
    conn->out_sent = conn->wire_sent = 0;
}

void cf_redis_conn_free(struct redis_conn *conn)
{
    if (!conn)
        return;
    cf_redis_conn_close(conn);
    cf_timer_free(conn->later);
    free(conn);
}

/* ---- out ---- */

static bool has_output(const struct redis_conn *conn)
{
    return conn->wire.n > conn->wire_sent || (conn->phase == OPEN && conn->out.n > conn->out_sent);
}

/* Sends from `buf` what the socket takes. 1: all gone, 0: the socket is full, -1: errno. */
static int drain(struct redis_conn *conn, struct cf_buf *buf, size_t *sent)
{
    while (*sent < buf->n) {
        ssize_t n = send(conn->fd, buf->p + *sent, buf->n - *sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        *sent += (size_t)n;
    }
    cf_buf_clear(buf);
    *sent = 0;
    return 1;
}

/* Turns the next piece of `out` into TLS records. */
static int encrypt(struct redis_conn *conn, struct cf_err *err)
{
    size_t n = conn->out.n - conn->out_sent;

    if (n > REDIS_TLS_CHUNK_BYTES)
        n = REDIS_TLS_CHUNK_BYTES;
    if (cf_redis_tls_write(conn->tls, conn->out.p + conn->out_sent, n, err) != 0)
        return -1;
    conn->out_sent += n;
    if (conn->out_sent == conn->out.n) {
        cf_buf_clear(&conn->out);
        conn->out_sent = 0;
    }
    cf_redis_tls_pull(conn->tls, &conn->wire);
    return 0;
}

static void flush(struct redis_conn *conn)
{
    struct cf_err err;
    int rc = 1;

    while (rc == 1 && has_output(conn)) {
        if (!conn->tls) {
            rc = drain(conn, &conn->out, &conn->out_sent);
            continue;
        }
        if (conn->wire.n == conn->wire_sent && encrypt(conn, &err) != 0) {
            lost(conn, &err);
            return;
        }
        rc = drain(conn, &conn->wire, &conn->wire_sent);
    }
    if (rc < 0) {
        lost_errno(conn, "write", errno);
        return;
    }
    cf_fd_set(conn->watch, has_output(conn) ? CF_LOOP_READ | CF_LOOP_WRITE : CF_LOOP_READ);
}

int cf_redis_conn_write(struct redis_conn *conn, const void *data, size_t n)
{
    assert(conn->phase == OPEN);
    if (conn->out_sent > 0 && conn->out_sent >= conn->out.n / 2) {
        conn->out.n -= conn->out_sent;
        memmove(conn->out.p, conn->out.p + conn->out_sent, conn->out.n);
        conn->out_sent = 0;
    }
    if (n > conn->out.limit - conn->out.n)
        return -1;
    cf_buf_add(&conn->out, data, n);
    cf_fd_set(conn->watch, CF_LOOP_READ | CF_LOOP_WRITE); /* one send for all calls of this turn */
    return 0;
}

/* ---- in ---- */

static void become_open(struct redis_conn *conn)
{
    conn->phase = OPEN;
    conn->events->ready(conn->arg);
}

static void shake_hands(struct redis_conn *conn)
{
    struct cf_err err;
    int rc = cf_redis_tls_handshake(conn->tls, &err);

    cf_redis_tls_pull(conn->tls, &conn->wire);
    if (rc < 0) {
        lost(conn, &err);
        return;
    }
    cf_fd_set(conn->watch, conn->wire.n > 0 ? CF_LOOP_READ | CF_LOOP_WRITE : CF_LOOP_READ);
    if (rc == 1)
        become_open(conn);
}

static void take_tls(struct redis_conn *conn, const char *data, size_t n)
{
    uint32_t generation = conn->generation;
    char plain[REDIS_TLS_CHUNK_BYTES];
    struct cf_err err;
    int got = 1;

    cf_redis_tls_feed(conn->tls, data, n);
    if (conn->phase == SHAKING_HANDS)
        shake_hands(conn);
    while (conn->generation == generation && conn->phase == OPEN && got > 0) {
        got = cf_redis_tls_read(conn->tls, plain, sizeof(plain), &err);
        if (got > 0)
            conn->events->data(conn->arg, plain, (size_t)got);
        else if (got < 0)
            lost(conn, &err);
    }
}

static void take(struct redis_conn *conn, const char *data, size_t n)
{
    if (conn->tls)
        take_tls(conn, data, n);
    else
        conn->events->data(conn->arg, data, n);
}

static void receive(struct redis_conn *conn)
{
    static const struct cf_err closed = {CF_ERR_TRANSIENT, 0, "redis", "the server closed the connection"};
    uint32_t generation = conn->generation;
    char data[READ_BYTES];

    for (int i = 0; i < READS_A_TURN && conn->generation == generation; i++) {
        ssize_t n = recv(conn->fd, data, sizeof(data), 0);

        if (n > 0) {
            take(conn, data, (size_t)n);
        } else if (n == 0) {
            lost(conn, &closed);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            lost_errno(conn, "read", errno);
        }
    }
}

/* ---- opening ---- */

static void on_connected(struct redis_conn *conn)
{
    socklen_t size = sizeof(int);
    int error = 0;

    if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error) {
        lost_errno(conn, "connect", error);
        return;
    }
    cf_fd_set(conn->watch, CF_LOOP_READ);
    if (conn->tls) {
        conn->phase = SHAKING_HANDS;
        shake_hands(conn);
    } else {
        become_open(conn);
    }
}

static void on_fd(void *arg, int events)
{
    struct redis_conn *conn = arg;
    uint32_t generation = conn->generation;

    if (conn->phase == CONNECTING) {
        on_connected(conn);
        return;
    }
    if (events & (CF_LOOP_READ | CF_LOOP_ERROR))
        receive(conn);
    if (conn->generation != generation)
        return;
    if (events & CF_LOOP_ERROR) { /* the loop has stopped watching, and reading told nothing */
        lost_errno(conn, "socket", ECONNRESET);
        return;
    }
    if (events & CF_LOOP_WRITE)
        flush(conn);
}

/* The event of a failed opening must not come inside the call that opens. */
static void lost_later(struct redis_conn *conn, const struct cf_err *err)
{
    conn->later_err = *err;
    cf_timer_start(conn->later, 0, 0);
}

static void connect_to(struct redis_conn *conn, const struct sockaddr *address, socklen_t size)
{
    struct cf_err err = {0};
    int on = 1;

    conn->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (conn->fd < 0 || (connect(conn->fd, address, size) != 0 && errno != EINPROGRESS)) {
        (void)cf_err_set(&err, CF_ERR_TRANSIENT, "redis", errno, "connect: %s", strerror(errno));
        lost_later(conn, &err);
        return;
    }
    if (address->sa_family != AF_UNIX) {
        (void)setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        (void)setsockopt(conn->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    }
    conn->phase = CONNECTING;
    conn->watch = cf_fd_add(conn->loop, conn->fd, CF_LOOP_WRITE, on_fd, conn);
}

static void connect_address(struct redis_conn *conn, const char *text)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(conn->url->port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(conn->url->port)};
    struct cf_err err = {0};

    if (inet_pton(AF_INET, text, &in4.sin_addr) == 1) {
        connect_to(conn, (const struct sockaddr *)&in4, sizeof(in4));
    } else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
        connect_to(conn, (const struct sockaddr *)&in6, sizeof(in6));
    } else { /* a link-local address with its interface */
        (void)cf_err_set(&err, CF_ERR_CONFIG, "redis", 0, "redis_url: address cannot be used");
        lost_later(conn, &err);
    }
}

static void on_resolved(void *arg, const char *address, const struct cf_err *err)
{
    struct redis_conn *conn = arg;

    conn->resolve = NULL;
    if (address)
        connect_address(conn, address);
    else
        lost(conn, err);
}

static void connect_path(struct redis_conn *conn)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)cf_str_copy(address.sun_path, sizeof(address.sun_path), cf_str_of(conn->url->path));
    connect_to(conn, (const struct sockaddr *)&address, sizeof(address));
}

void cf_redis_conn_open(struct redis_conn *conn, uint32_t attempt)
{
    const struct redis_url *url = conn->url;
    struct cf_err err;

    cf_redis_conn_close(conn);
    conn->phase = LOOKING_UP;
    if (url->tls && !(conn->tls = cf_redis_tls_new(conn->opts, url->host, &err)))
        lost_later(conn, &err);
    else if (url->path)
        connect_path(conn);
    else if (strcmp(url->host, "localhost") == 0) /* servers listen on one of the two only */
        connect_address(conn, attempt % 2 == 0 ? "127.0.0.1" : "::1");
    else
        conn->resolve = cf_loop_resolve(conn->loop, url->host, on_resolved, conn);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_test_server - an HTTP/1.1 peer for the tests of common/http: raw sockets, one thread per connection,
 * and a script by path that does what a healthy server never would.
 */
#ifndef CF_HTTP_TEST_SERVER_H
#define CF_HTTP_TEST_SERVER_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER_MAX_CONNECTIONS 1024

struct server_conn {
    struct server *server;
    pthread_t thread;
    int fd;
    SSL *tls;
    unsigned served;
    char request[128 * 1024];
};

struct server {
    int fd, stop_fd;
    uint16_t port;
    SSL_CTX *tls;
    pthread_t thread;
    struct server_conn *conns[SERVER_MAX_CONNECTIONS];
    atomic_uint connections, requests, open, most_open;
};

static bool server_send(struct server_conn *conn, const void *data, size_t n)
{
    const char *p = data;

    while (n > 0) {
        ssize_t sent = conn->tls ? SSL_write(conn->tls, p, (int)n) : send(conn->fd, p, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool server_text(struct server_conn *conn, const char *text)
{
    return server_send(conn, text, strlen(text));
}

/* False when the server is stopping. */
static bool server_wait(struct server_conn *conn, int ms)
{
    struct pollfd stop = {.fd = conn->server->stop_fd, .events = POLLIN};

    return poll(&stop, 1, ms) == 0;
}

static void server_reset(struct server_conn *conn)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

/* Reads one request: its head and what Content-Length announces. */
static bool server_read(struct server_conn *conn)
{
    size_t have = 0, want = 0;

    for (;;) {
        size_t room = sizeof(conn->request) - 1 - have;
        ssize_t got = conn->tls ? SSL_read(conn->tls, conn->request + have, (int)room)
                                : recv(conn->fd, conn->request + have, room, 0);
        char *end, *length;

        if (got <= 0)
            return false;
        have += (size_t)got;
        conn->request[have] = '\0';
        end = strstr(conn->request, "\r\n\r\n");
        if (!end)
            continue;
        length = strcasestr(conn->request, "content-length:");
        want =
            (size_t)(end + 4 - conn->request) + (length && length < end ? strtoul(length + 15, NULL, 10) : 0);
        if (have >= want)
            return true;
    }
}

static bool serve_echo(struct server_conn *conn)
{
    char head[128];
    size_t n = strlen(conn->request);

    (void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
    return server_text(conn, head) && server_send(conn, conn->request, n);
}

static bool serve_huge(struct server_conn *conn, const char *head)
{
    char block[4096];

    memset(block, 'x', sizeof(block));
    if (!server_text(conn, head))
        return false;
    while (server_send(conn, block, sizeof(block)))
        ;
    return false;
}

static bool serve_endless_headers(struct server_conn *conn)
{
    if (!server_text(conn, "HTTP/1.1 200 OK\r\n"))
        return false;
    while (server_text(
        conn, "X-More: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"))
        ;
    return false;
}

static bool serve_loris(struct server_conn *conn)
{
    if (!server_text(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"))
        return false;
    while (server_wait(conn, 300) && server_text(conn, "x"))
        ;
    return false;
}

/* 100,000 times 'a' in 133 bytes, all zeros but these. */
static bool serve_bomb(struct server_conn *conn)
{
    static const unsigned char start[] = {0x1f, 0x8b, 8,    0,    0,    0,    0,    0,    2,
                                          3,    0xed, 0xc1, 0x31, 1,    0,    0,    0,    0xc2,
                                          0xa0, 0xac, 0xeb, 0x5f, 0xc2, 0x1a, 0x1e, 0x40, 1};
    static const unsigned char end[] = {0xaf, 6, 0x87, 0xfa, 0xe2, 0x1b, 0xa0, 0x86, 1, 0};
    unsigned char bomb[133] = {0};

    memcpy(bomb, start, sizeof(start));
    memcpy(bomb + sizeof(bomb) - sizeof(end), end, sizeof(end));
    return server_text(conn, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 133\r\n\r\n") &&
           server_send(conn, bomb, sizeof(bomb));
}

static bool serve_gzip(struct server_conn *conn)
{
    static const unsigned char body[] = {0x1f, 0x8b, 8,    0,    0,    0,    0,    0,    2,    3,    0xcb,
                                         0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0x48, 0xaf, 0xca, 0x2c, 0,
                                         0,    0x4a, 0x9b, 0xb1, 0x5c, 0x0b, 0,    0,    0};

    return server_text(conn, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 31\r\n\r\n") &&
           server_send(conn, body, sizeof(body));
}

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One:  first \r\nx-one: second\r\n\r\nhello"

static const struct {
    const char *path, *reply;
    bool keep;
} server_replies[] = {
    {"/ok", OK_REPLY, true},
    {"/interim", "HTTP/1.1 103 Early Hints\r\nX-One: early\r\n\r\n" OK_REPLY, true},
    {"/204", "HTTP/1.1 204 No Content\r\n\r\n", true},
    {"/500", "HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\noops", true},
    {"/redirect", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n", true},
    {"/half", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.", false},
    {"/half-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nten bytes.", false},
    {"/announced", "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\nx", false},
    {"/old", "hello without any head", false},
    {"/status", "HTTP/1.1 999 Strange\r\nContent-Length: 0\r\n\r\n", false},
    {"/silent", "", false},
};

static bool server_reply(struct server_conn *conn)
{
    char path[64] = "";

    (void)sscanf(conn->request, "%*s %63[^ ?]", path);
    for (size_t i = 0; i < sizeof(server_replies) / sizeof(server_replies[0]); i++) {
        if (strcmp(path, server_replies[i].path) == 0)
            return server_text(conn, server_replies[i].reply) && server_replies[i].keep;
    }
    if (strcmp(path, "/reset") == 0)
        server_reset(conn);
    else if (strcmp(path, "/once") == 0) /* the second request on a connection gets no answer */
        return conn->served == 1 && server_text(conn, OK_REPLY);
    else if (strncmp(path, "/delay/", 7) == 0)
        return server_wait(conn, (int)strtol(path + 7, NULL, 10)) && server_text(conn, OK_REPLY);
    else if (strcmp(path, "/echo") == 0)
        return serve_echo(conn);
    else if (strcmp(path, "/huge") == 0)
        return serve_huge(conn, "HTTP/1.1 200 OK\r\n\r\n");
    else if (strcmp(path, "/long-line") == 0)
        return serve_huge(conn, "HTTP/1.1 200 OK\r\nX-Long: ");
    else if (strcmp(path, "/headers") == 0)
        return serve_endless_headers(conn);
    else if (strcmp(path, "/loris") == 0)
        return serve_loris(conn);
    else if (strcmp(path, "/bomb") == 0)
        return serve_bomb(conn);
    else if (strcmp(path, "/gzip") == 0)
        return serve_gzip(conn);
    return false;
}

static void *server_conn_main(void *arg)
{
    struct server_conn *conn = arg;
    struct server *server = conn->server;
    unsigned open = atomic_fetch_add(&server->open, 1) + 1, most = atomic_load(&server->most_open);

    while (open > most && !atomic_compare_exchange_weak(&server->most_open, &most, open))
        ;
    if (server->tls) {
        conn->tls = SSL_new(server->tls);
        (void)SSL_set_fd(conn->tls, conn->fd);
    }
    if (!conn->tls || SSL_accept(conn->tls) == 1) {
        while (server_read(conn)) {
            (void)atomic_fetch_add(&server->requests, 1);
            conn->served++;
            if (!server_reply(conn))
                break;
        }
    }
    SSL_free(conn->tls);
    (void)atomic_fetch_sub(&server->open, 1);
    (void)close(conn->fd);
    conn->fd = -1;
    return NULL;
}

static void *server_main(void *arg)
{
    struct server *server = arg;

    for (unsigned i = 0; i < SERVER_MAX_CONNECTIONS; i++) {
        int fd = accept(server->fd, NULL, NULL);
        struct server_conn *conn;

        if (fd < 0)
            break;
        conn = calloc(1, sizeof(*conn));
        ck_assert_ptr_nonnull(conn);
        conn->server = server;
        conn->fd = fd;
        server->conns[i] = conn;
        (void)atomic_fetch_add(&server->connections, 1);
        ck_assert_int_eq(pthread_create(&conn->thread, NULL, server_conn_main, conn), 0);
    }
    return NULL;
}

/** `cert` NULL: plain HTTP. */
static struct server *server_start(const char *cert, const char *key)
{
    struct server *server = calloc(1, sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    ck_assert_ptr_nonnull(server);
    if (cert) {
        server->tls = SSL_CTX_new(TLS_server_method());
        ck_assert_int_eq(SSL_CTX_use_certificate_file(server->tls, cert, SSL_FILETYPE_PEM), 1);
        ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(server->tls, key, SSL_FILETYPE_PEM), 1);
    }
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(server->fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(server->fd, SERVER_MAX_CONNECTIONS), 0);
    ck_assert_int_eq(getsockname(server->fd, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, server_main, server), 0);
    return server;
}

static void server_stop(struct server *server)
{
    (void)eventfd_write(server->stop_fd, 1);
    (void)shutdown(server->fd, SHUT_RDWR);
    (void)pthread_join(server->thread, NULL);
    for (unsigned i = 0; i < SERVER_MAX_CONNECTIONS && server->conns[i]; i++) {
        struct server_conn *conn = server->conns[i];

        (void)pthread_join(conn->thread, NULL);
        free(conn);
    }
    SSL_CTX_free(server->tls);
    (void)close(server->fd);
    (void)close(server->stop_fd);
    free(server);
}

#endif

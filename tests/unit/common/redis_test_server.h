/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_test_server - a real redis-server in a directory of its own, for the tests of common/redis.
 */
#ifndef CF_REDIS_TEST_SERVER_H
#define CF_REDIS_TEST_SERVER_H

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_certs.h"

struct redis_server {
    pid_t pid;
    char dir[64], socket[96];
    uint16_t port, tls_port;
    struct test_certs certs;
    bool has_certs;
};

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static void add_arg(char (*args)[96], int *n, const char *name, const char *value)
{
    (void)snprintf(args[(*n)++], sizeof(args[0]), "%s", name);
    if (value)
        (void)snprintf(args[(*n)++], sizeof(args[0]), "%s", value);
}

/** Listens on a unix socket and a port, and with certificates on a TLS port that wants one of its clients. */
static void redis_server_run(struct redis_server *server)
{
    char args[24][96], *argv[25] = {NULL};
    int n = 0;

    add_arg(args, &n, "redis-server", NULL);
    add_arg(args, &n, "--save", "");
    add_arg(args, &n, "--dir", server->dir);
    add_arg(args, &n, "--bind", "127.0.0.1");
    add_arg(args, &n, "--unixsocket", server->socket);
    (void)snprintf(args[n++], sizeof(args[0]), "--port");
    (void)snprintf(args[n++], sizeof(args[0]), "%u", server->port);
    if (server->has_certs) {
        add_arg(args, &n, "--tls-ca-cert-file", server->certs.ca);
        add_arg(args, &n, "--tls-cert-file", server->certs.cert);
        add_arg(args, &n, "--tls-key-file", server->certs.key);
        (void)snprintf(args[n++], sizeof(args[0]), "--tls-port");
        (void)snprintf(args[n++], sizeof(args[0]), "%u", server->tls_port);
    }
    for (int i = 0; i < n; i++)
        argv[i] = args[i];
    server->pid = fork();
    ck_assert_int_ge(server->pid, 0);
    if (server->pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(null, STDOUT_FILENO);
        (void)execvp(argv[0], argv);
        _exit(127);
    }
}

static void redis_server_kill(struct redis_server *server)
{
    if (server->pid > 0) {
        (void)kill(server->pid, SIGKILL);
        (void)waitpid(server->pid, NULL, 0);
    }
    server->pid = 0;
}

static void redis_server_start(struct redis_server *server, const char *cert_names)
{
    memset(server, 0, sizeof(*server));
    (void)snprintf(server->dir, sizeof(server->dir), "/tmp/cf-redis-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(server->dir));
    (void)snprintf(server->socket, sizeof(server->socket), "%s/redis.sock", server->dir);
    server->port = free_port();
    if (cert_names) {
        test_certs_make(&server->certs, cert_names);
        server->has_certs = true;
        server->tls_port = free_port();
    }
    redis_server_run(server);
}

static void redis_server_stop(struct redis_server *server)
{
    redis_server_kill(server);
    if (server->has_certs)
        test_certs_remove(&server->certs);
    (void)unlink(server->socket);
    (void)rmdir(server->dir);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* redis_test_fake - a peer that answers the log-in and then what the test says. */
#ifndef CF_REDIS_TEST_FAKE_H
#define CF_REDIS_TEST_FAKE_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct fake_redis {
    int fd;
    uint16_t port;
    pthread_t thread;
    const char *first; /* answer to the log-in of the first connection; later ones get +PONG */
    const char *reply; /* answer to the first thing that comes after the log-in */
    const char *flood; /* sent again and again after `reply` */
    bool hang_up;      /* after `reply` */
    int connections;
};

static bool fake_send(int fd, const char *text)
{
    size_t n = strlen(text);

    return send(fd, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static void fake_flood(const struct fake_redis *fake, int fd)
{
    char block[32768] = "";
    size_t n = strlen(fake->flood);

    for (size_t at = 0; at + n < sizeof(block); at += n)
        memcpy(block + at, fake->flood, n + 1);
    while (fake_send(fd, block))
        ;
}

static void fake_serve(struct fake_redis *fake, int fd)
{
    char buf[65536];

    if (recv(fd, buf, sizeof(buf), 0) <= 0)
        return;
    (void)fake_send(fd, fake->connections == 1 && fake->first ? fake->first : "+PONG\r\n");
    if (recv(fd, buf, sizeof(buf), 0) <= 0 || !fake->reply || !fake_send(fd, fake->reply) || fake->hang_up)
        return;
    if (fake->flood)
        fake_flood(fake, fd);
    while (recv(fd, buf, sizeof(buf), 0) > 0)
        ;
}

static void *fake_main(void *arg)
{
    struct fake_redis *fake = arg;
    int fd;

    while ((fd = accept(fake->fd, NULL, NULL)) >= 0) {
        fake->connections++;
        fake_serve(fake, fd);
        (void)close(fd);
    }
    return NULL;
}

static void fake_start(struct fake_redis *fake)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    fake->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fake->fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(fake->fd, 8), 0);
    ck_assert_int_eq(getsockname(fake->fd, (struct sockaddr *)&address, &size), 0);
    fake->port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&fake->thread, NULL, fake_main, fake), 0);
}

/** The client must be gone already, so that the thread's read ends. */
static void fake_stop(struct fake_redis *fake)
{
    (void)shutdown(fake->fd, SHUT_RDWR);
    (void)pthread_join(fake->thread, NULL);
    (void)close(fake->fd);
}

#endif

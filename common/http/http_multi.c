/* SPDX-License-Identifier: Apache-2.0 */
/* http_multi - curl's sockets and its timer on the loop. */
#include <stdlib.h>

#include "http/http_priv.h"

struct sock {
    struct cf_http *http;
    struct cf_fd *watch;
    curl_socket_t fd;
};

static void drain(struct cf_http *http)
{
    CURLMsg *msg;
    int left;

    while ((msg = curl_multi_info_read(http->multi, &left)) != NULL) {
        struct cf_http_call *call = NULL;
        CURLcode code = msg->data.result;

        if (msg->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        cf_http_finish(call, code);
    }
}

static void on_socket(void *arg, int events)
{
    struct sock *sock = arg; /* curl may drop it inside the call below */
    struct cf_http *http = sock->http;
    int running, mask = 0;

    if (events & CF_LOOP_READ)
        mask |= CURL_CSELECT_IN;
    if (events & CF_LOOP_WRITE)
        mask |= CURL_CSELECT_OUT;
    if (events & CF_LOOP_ERROR)
        mask |= CURL_CSELECT_ERR;
    (void)curl_multi_socket_action(http->multi, sock->fd, mask, &running);
    drain(http);
}

static void on_timer(void *arg)
{
    struct cf_http *http = arg;
    int running;

    (void)curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    drain(http);
}

static int on_want_timer(CURLM *multi, long ms, void *arg)
{
    struct cf_http *http = arg;

    (void)multi;
    if (ms < 0)
        cf_timer_stop(http->timer);
    else /* 0 would run again and again in one turn while curl keeps asking for it */
        cf_timer_start(http->timer, ms > 0 ? (uint64_t)ms : 1, 0);
    return 0;
}

static int on_want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct cf_http *http = arg;
    struct sock *sock = socket_arg;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (sock)
            cf_fd_del(sock->watch);
        free(sock);
        (void)curl_multi_assign(http->multi, fd, NULL);
        return 0;
    }
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= CF_LOOP_READ;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= CF_LOOP_WRITE;
    if (sock) {
        cf_fd_set(sock->watch, events);
        return 0;
    }
    sock = cf_calloc(1, sizeof(*sock));
    sock->http = http;
    sock->fd = fd;
    sock->watch = cf_fd_add(http->loop, fd, events, on_socket, sock);
    (void)curl_multi_assign(http->multi, fd, sock);
    return 0;
}

void cf_http_multi_setup(struct cf_http *http)
{
    long max = (long)http->opts.max_connections;

    http->timer = cf_timer_new(http->loop, on_timer, http);
    (void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_want_socket);
    (void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    (void)curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_want_timer);
    (void)curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    (void)curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, max);
    (void)curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, max);
}

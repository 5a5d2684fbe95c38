/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_multi - curl's sockets and timers on the loop.
 *
 * A connection's socket stays watched for reading while the connection is kept: the next request on it then
 * costs no system call for the watch. Only sockets that curl opens through us are kept so, once they are
 * connected; others (of a name lookup, or given up while connecting) come and go as curl says, for nobody
 * tells us when they are closed.
 */
#include <stdlib.h>
#include <unistd.h>

#include "http/http_priv.h"

struct http_sock {
    struct cf_http *http;
    struct http_shard *shard; /* whose connection it is */
    struct cf_fd *watch;      /* NULL: not yet */
    curl_socket_t fd;
    bool ours;   /* opened by open_socket() */
    bool joined; /* connected: from then on close_socket() tells its end */
    bool wanted; /* by curl, now */
};

static void drain(struct http_shard *shard)
{
    CURLMsg *msg;
    int left;

    while ((msg = curl_multi_info_read(shard->multi, &left)) != NULL) {
        struct cf_http_call *call = NULL;
        CURLcode code = msg->data.result;

        if (msg->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        cf_http_finish(call, code);
    }
}

static void on_timer(void *arg)
{
    struct http_shard *shard = arg;
    int running;

    shard->in_timer = true;
    shard->due = false;
    (void)curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    drain(shard);
    shard->in_timer = false;
}

static void on_socket(void *arg, int events)
{
    struct http_sock *sock = arg; /* curl may drop it inside the call below */
    struct http_shard *shard = sock->shard;
    int running, mask = 0;

    if (!sock->wanted) { /* the peer has closed a kept connection: curl sees it before the next use */
        cf_fd_set(sock->watch, 0);
        return;
    }
    if (events & CF_LOOP_READ)
        mask |= CURL_CSELECT_IN;
    if (events & CF_LOOP_WRITE)
        mask |= CURL_CSELECT_OUT;
    if (events & CF_LOOP_ERROR)
        mask |= CURL_CSELECT_ERR;
    (void)curl_multi_socket_action(shard->multi, sock->fd, mask, &running);
    drain(shard);
    if (shard->due) /* a request that a callback has sent goes out now, not behind the other answers */
        on_timer(shard);
}

static int on_want_timer(CURLM *multi, long ms, void *arg)
{
    struct http_shard *shard = arg;

    (void)multi;
    shard->due = ms == 0 && !shard->in_timer;
    if (ms < 0)
        cf_timer_stop(shard->timer);
    else /* from inside the timer 0 would run again and again in one turn while curl keeps asking for it */
        cf_timer_start(shard->timer, ms == 0 && shard->in_timer ? 1 : (uint64_t)ms, 0);
    return 0;
}

/* ---- sockets ---- */

static struct http_sock *sock_of(const struct cf_http *http, curl_socket_t fd)
{
    return (size_t)fd < http->n_socks ? http->socks[fd] : NULL;
}

static void sock_free(struct http_sock *sock)
{
    if (!sock)
        return;
    sock->http->socks[sock->fd] = NULL;
    cf_fd_del(sock->watch);
    free(sock);
}

static struct http_sock *sock_new(struct cf_http *http, curl_socket_t fd)
{
    struct http_sock *sock = cf_calloc(1, sizeof(*sock));
    size_t size = http->n_socks;

    sock_free(sock_of(http, fd)); /* closed without a word: its connection was refused at once */
    if ((size_t)fd >= size) {
        http->n_socks = (size_t)fd * 2 + 64;
        http->socks = cf_realloc(http->socks, http->n_socks * sizeof(struct http_sock *));
        memset(http->socks + size, 0, (http->n_socks - size) * sizeof(struct http_sock *));
    }
    sock->http = http;
    sock->fd = fd;
    http->socks[fd] = sock;
    return sock;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

    (void)purpose;
    if (fd >= 0)
        sock_new(arg, fd)->ours = true;
    return fd;
}

static int close_socket(void *arg, curl_socket_t fd)
{
    sock_free(sock_of(arg, fd));
    return close(fd);
}

void cf_http_multi_own_sockets(struct cf_http_call *call)
{
    (void)curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    (void)curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETDATA, call->http);
    /* curl calls this one for the connection, which outlives the call. */
    (void)curl_easy_setopt(call->easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    (void)curl_easy_setopt(call->easy, CURLOPT_CLOSESOCKETDATA, call->http);
    (void)curl_easy_setopt(call->easy, CURLOPT_SHARE, call->http->names);
}

static bool has_connected(CURL *easy)
{
    curl_off_t us = 0;

    return curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &us) == CURLE_OK && us > 0;
}

static void unwant(struct http_sock *sock, CURL *easy)
{
    if (!sock)
        return;
    sock->wanted = false;
    sock->joined = sock->joined || has_connected(easy);
    if (!sock->ours || !sock->joined)
        sock_free(sock);
    else if (sock->watch)
        cf_fd_set(sock->watch, CF_LOOP_READ);
}

static int on_want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    struct http_shard *shard = arg;
    struct http_sock *sock = sock_of(shard->http, fd);
    int events = 0;

    (void)unused;
    if (what == CURL_POLL_REMOVE) {
        unwant(sock, easy);
        return 0;
    }
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= CF_LOOP_READ;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= CF_LOOP_WRITE;
    if (!sock)
        sock = sock_new(shard->http, fd);
    sock->shard = shard;
    sock->wanted = true;
    if (sock->watch)
        cf_fd_set(sock->watch, events);
    else
        sock->watch = cf_fd_add(shard->http->loop, fd, events, on_socket, sock);
    return 0;
}

/* ---- calls ---- */

/* The first shard with room: with few calls at once few connections are open. */
static struct http_shard *shard_with_room(const struct cf_http *http)
{
    for (uint32_t i = 0; i < http->n_shards; i++) {
        if (http->shards[i].n_calls < http->shards[i].max_calls)
            return &http->shards[i];
    }
    return NULL;
}

bool cf_http_multi_start(struct cf_http_call *call)
{
    struct http_shard *shard = shard_with_room(call->http);

    if (!shard)
        return false;
    if (curl_multi_add_handle(shard->multi, call->easy) != CURLM_OK)
        abort(); /* out of memory: the handle is ours and in no multi handle */
    call->shard = shard;
    shard->n_calls++;
    return true;
}

void cf_http_multi_stop(struct cf_http_call *call)
{
    (void)curl_multi_remove_handle(call->shard->multi, call->easy);
    call->shard->n_calls--;
    call->shard = NULL;
}

static void shard_open(struct http_shard *shard, struct cf_http *http, uint32_t max)
{
    shard->http = http;
    shard->max_calls = max;
    shard->multi = curl_multi_init();
    if (!shard->multi)
        abort(); /* out of memory */
    shard->timer = cf_timer_new(http->loop, on_timer, shard);
    (void)curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, on_want_socket);
    (void)curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard);
    (void)curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, on_want_timer);
    (void)curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard);
    (void)curl_multi_setopt(shard->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)max);
    (void)curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS, (long)max);
}

void cf_http_multi_open(struct cf_http *http)
{
    uint32_t left = http->opts.max_connections;

    http->names = curl_share_init();
    if (!http->names || curl_share_setopt(http->names, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) != CURLSHE_OK)
        abort(); /* out of memory */
    http->n_shards = (left + HTTP_SHARD_CONNECTIONS - 1) / HTTP_SHARD_CONNECTIONS;
    http->shards = cf_calloc(http->n_shards, sizeof(*http->shards));
    for (uint32_t i = 0; i < http->n_shards; i++) {
        uint32_t max = left < HTTP_SHARD_CONNECTIONS ? left : HTTP_SHARD_CONNECTIONS;

        shard_open(&http->shards[i], http, max);
        left -= max;
    }
}

void cf_http_multi_close(struct cf_http *http)
{
    for (uint32_t i = 0; i < http->n_shards; i++) {
        (void)curl_multi_cleanup(http->shards[i].multi);
        cf_timer_free(http->shards[i].timer);
    }
    for (size_t fd = 0; fd < http->n_socks; fd++)
        sock_free(http->socks[fd]);
    (void)curl_share_cleanup(http->names);
    free(http->shards);
    free(http->socks);
}

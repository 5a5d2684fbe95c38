/* SPDX-License-Identifier: Apache-2.0 */
/*
 * curl-floor: what libcurl alone costs, the floor under the lookup worker. Keeps N requests in flight against
 * sf-stub, by curl_multi_socket_action() on epoll, each easy handle used again as it is; nothing is parsed.
 *
 *     curl-floor URL N BODY_BYTES SECONDS [CONNECTIONS_PER_MULTI]
 *
 * CONNECTIONS_PER_MULTI splits the handles over several multi handles: libcurl looks for a free connection by
 * walking all of them. Prints requests per second and CPU.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#define MAX_EVENTS 512

struct shard {
    CURLM *multi;
    long timeout_ms; /* -1: none */
    uint64_t due_ms;
};

static struct {
    int epoll;
    struct shard *shards;
    size_t n_shards;
    uint64_t done, failed, bytes;
    struct curl_slist *headers;
    char *body; /* of every request */
} load;

static void die(const char *what)
{
    (void)fprintf(stderr, "curl-floor: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000U + (uint64_t)now.tv_nsec / 1000000U;
}

static double cpu_seconds(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): curl's type */
static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    (void)data, (void)arg;
    load.bytes += size * n;
    return size * n;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
    struct shard *shard = arg;

    (void)multi;
    shard->timeout_ms = ms;
    shard->due_ms = ms > 0 ? now_ms() + (uint64_t)ms : 0;
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct shard *shard = arg;
    struct epoll_event event = {
        .data.u64 = (uint64_t)(uint32_t)fd | (uint64_t)(shard - load.shards) << 32,
    };

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(load.epoll, EPOLL_CTL_DEL, fd, NULL);
        (void)curl_multi_assign(shard->multi, fd, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
    if (epoll_ctl(load.epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event))
        die("epoll_ctl");
    if (!known)
        (void)curl_multi_assign(shard->multi, fd, shard);
    return 0;
}

static void add_call(struct shard *shard, const char *url, const char *body)
{
    CURL *easy = curl_easy_init();

    if (!easy)
        die("curl_easy_init");
    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, load.headers);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_multi_add_handle(shard->multi, easy);
}

static void drain(struct shard *shard)
{
    CURLMsg *msg;
    int left;

    while ((msg = curl_multi_info_read(shard->multi, &left)) != NULL) {
        CURL *easy = msg->easy_handle;

        if (msg->data.result == CURLE_OK)
            load.done++;
        else
            load.failed++;
        (void)curl_multi_remove_handle(shard->multi, easy);
        (void)curl_multi_add_handle(shard->multi, easy);
    }
}

static void act(struct shard *shard, curl_socket_t fd, int mask)
{
    int running;

    (void)curl_multi_socket_action(shard->multi, fd, mask, &running);
    drain(shard);
}

static int run_timers(void)
{
    uint64_t now = now_ms();
    int wait_ms = 1000;

    for (size_t i = 0; i < load.n_shards; i++) {
        struct shard *shard = &load.shards[i];

        if (shard->timeout_ms >= 0 && shard->due_ms <= now) {
            shard->timeout_ms = -1;
            act(shard, CURL_SOCKET_TIMEOUT, 0);
        }
        if (shard->timeout_ms == 0)
            wait_ms = 0;
        else if (shard->timeout_ms > 0 && shard->due_ms - now < (uint64_t)wait_ms)
            wait_ms = shard->due_ms > now ? (int)(shard->due_ms - now) : 0;
    }
    return wait_ms;
}

static void turn(void)
{
    struct epoll_event events[MAX_EVENTS];
    int n = epoll_wait(load.epoll, events, MAX_EVENTS, run_timers());

    for (int i = 0; i < n; i++) {
        int mask = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

        act(&load.shards[events[i].data.u64 >> 32], (curl_socket_t)(uint32_t)events[i].data.u64, mask);
    }
}

static void open_shards(const char *url, const char *body, size_t n, size_t per_shard)
{
    static const char *const lines[] = {
        "Authorization: Bearer 00D000000000001!AQcAQH0dMHZfz972Szmpkb58urFRkg", "Accept: application/json",
        "Content-Type: application/json", "Expect:"};

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        load.headers = curl_slist_append(load.headers, lines[i]);
    load.n_shards = (n + per_shard - 1) / per_shard;
    load.shards = calloc(load.n_shards, sizeof(*load.shards));
    if (!load.shards)
        die("memory");
    for (size_t i = 0; i < load.n_shards; i++) {
        struct shard *shard = &load.shards[i];

        shard->multi = curl_multi_init();
        shard->timeout_ms = -1;
        (void)curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        (void)curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard);
        (void)curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, on_timer);
        (void)curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard);
        (void)curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS, (long)n);
        for (size_t k = i * per_shard; k < n && k < (i + 1) * per_shard; k++)
            add_call(shard, url, body);
    }
}

int main(int argc, char **argv)
{
    size_t n, n_body;
    uint64_t seconds, start, warm, done;
    double cpu;

    if (argc != 5 && argc != 6) {
        (void)fprintf(stderr, "usage: curl-floor URL N BODY_BYTES SECONDS [CONNECTIONS_PER_MULTI]\n");
        return EXIT_FAILURE;
    }
    n = strtoul(argv[2], NULL, 10);
    n_body = strtoul(argv[3], NULL, 10);
    seconds = strtoul(argv[4], NULL, 10);
    load.body = calloc(1, n_body + 1);
    load.epoll = epoll_create1(0);
    if (!load.body || load.epoll < 0 || n == 0)
        die("arguments");
    memset(load.body, 'x', n_body);
    open_shards(argv[1], load.body, n, argc > 5 ? strtoul(argv[5], NULL, 10) : n);
    /* The connections are opened first. */
    for (warm = now_ms() + 1000; now_ms() < warm;)
        turn();
    start = now_ms();
    done = load.done;
    cpu = cpu_seconds();
    while (now_ms() < start + seconds * 1000)
        turn();
    done = load.done - done;
    (void)printf("{\"perSecond\": %.0f, \"cpuSecondsPerMillion\": %.2f, \"failed\": %llu}\n",
                 (double)done * 1000 / (double)(now_ms() - start), (cpu_seconds() - cpu) * 1e6 / (double)done,
                 (unsigned long long)load.failed);
    return EXIT_SUCCESS;
}

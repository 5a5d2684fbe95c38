/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sf-stub: a stand-in for Salesforce that costs next to nothing, so that a benchmark measures the worker. One
 * thread on epoll; keep-alive; every answer leaves a fixed time after its request has come in.
 *
 *     sf-stub LATENCY_MS ROWS MAX_IN_FLIGHT
 *
 * Prints its port. POST /services/oauth2/token gives a session; GET /stats tells what happened since the last
 * GET /stats, and is not counted; any other request is answered as a composite of contacts (ROWS for each
 * number that the first query asks for by LIKE, with an account and an open case) and no accounts. More than
 * MAX_IN_FLIGHT requests at once are an error of the benchmark and end the stub. What it does not check, it
 * takes for granted: tools/sf-sandbox is the careful one.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_EVENTS 512
#define IN_BYTES 262144U  /* of one request */
#define OUT_BYTES 131072U /* of one answer */
#define MAX_NUMBERS 20U   /* of one request */
#define NUMBER_SIZE 20U

struct conn {
    int fd; /* -1: closed while an answer is due */
    bool due;
    char *in, *out;
    size_t n_in, size_in, n_out;
};

struct answer {
    uint64_t at_ns;
    struct conn *conn;
};

static struct {
    int epoll, listener, port, rows;
    uint64_t latency_ns;
    struct answer
        *line; /* ring: the latency is the same for all, so the order of coming is that of leaving */
    size_t first, n, size;
    uint64_t requests, composites, numbers, bytes_in;
    size_t high_water, conns;
    double cpu_before;
    char *text; /* where an answer's body is put together */
} stub;

static void die(const char *what)
{
    (void)fprintf(stderr, "sf-stub: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static double cpu_seconds(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* ---- answers ---- */

/* The numbers that the first query asks for: ...+Phone+LIKE+'%255%252%250...%25' for each, percent-encoded
 * national digits with wildcards between. The benchmark's are all of country code 1. */
static size_t read_numbers(const char *body, const char *end, char (*ret_numbers)[NUMBER_SIZE])
{
    static const char like[] = "+Phone+LIKE+'", last[] = "\"contacts_";
    const char *at = body, *stop = memmem(body, (size_t)(end - body), last, sizeof(last) - 1);
    size_t n = 0;

    if (!stop)
        stop = end;
    while (n < MAX_NUMBERS && (at = memmem(at, (size_t)(stop - at), like, sizeof(like) - 1)) != NULL) {
        size_t used = 2;

        memcpy(ret_numbers[n], "+1", 2);
        for (at += sizeof(like) - 1; at < stop && *at != '\'' && used + 1 < NUMBER_SIZE;) {
            if (*at == '%') /* %25 */
                at += 3;
            else
                ret_numbers[n][used++] = *at++;
        }
        ret_numbers[n++][used] = '\0';
    }
    return n;
}

static size_t add_contact(char *dst, size_t size, const char *number, int row)
{
    static const char form[] =
        "{\"attributes\":{\"type\":\"Contact\",\"url\":\"/services/data/v60.0/sobjects/Contact/003%012" PRIu64
        "AAA\"},\"Id\":\"003%012" PRIu64 "AAA\",\"Name\":\"Ada Example\",\"OwnerId\":\"005000000000001AAA\","
        "\"Phone\":\"%s\",\"MobilePhone\":null,\"HomePhone\":null,\"OtherPhone\":null,\"AssistantPhone\":"
        "null,"
        "\"LastModifiedDate\":\"2026-11-01T10:15:30.000+0000\",\"LastActivityDate\":\"2026-11-02\","
        "\"Account\":{\"attributes\":{\"type\":\"Account\",\"url\":\"/services/data/v60.0/sobjects/Account/"
        "001000000000001AAA\"},\"Id\":\"001000000000001AAA\",\"Name\":\"Acme\",\"OwnerId\":"
        "\"005000000000001AAA\",\"Tier__c\":\"Gold\"},\"Cases\":{\"totalSize\":1,\"done\":true,\"records\":["
        "{\"attributes\":{\"type\":\"Case\",\"url\":\"/services/data/v60.0/sobjects/Case/"
        "500000000000001AAA\"},"
        "\"Id\":\"500000000000001AAA\",\"CaseNumber\":\"00001001\",\"Subject\":\"Router fails\",\"Status\":"
        "\"New\",\"Priority\":\"High\",\"IsEscalated\":false,\"OwnerId\":\"005000000000001AAA\","
        "\"CreatedDate\":\"2026-10-30T08:00:00.000+0000\"}]}}";
    uint64_t id = (stub.numbers * 10 + (uint64_t)row) % 1000000000000U;
    int n = snprintf(dst, size, form, id, id, number);

    return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

static size_t write_composite(char *dst, size_t size, const char *body, const char *end)
{
    char numbers[MAX_NUMBERS][NUMBER_SIZE];
    size_t n_numbers = read_numbers(body, end, numbers), n = 0;

    stub.composites++;
    n += (size_t)snprintf(dst, size,
                          "{\"compositeResponse\":[{\"body\":{\"totalSize\":%zu,\"done\":true,\"records\":[",
                          n_numbers * (size_t)stub.rows);
    for (size_t i = 0; i < n_numbers; i++) {
        stub.numbers++;
        for (int row = 0; row < stub.rows; row++) {
            if (i > 0 || row > 0)
                dst[n++] = ',';
            n += add_contact(dst + n, size - n, numbers[i], row);
        }
    }
    n += (size_t)snprintf(dst + n, size - n, "%s",
                          "]},\"httpHeaders\":{},\"httpStatusCode\":200,\"referenceId\":\"contacts\"},"
                          "{\"body\":{\"totalSize\":0,\"done\":true,\"records\":[]},\"httpHeaders\":{},"
                          "\"httpStatusCode\":200,\"referenceId\":\"accounts\"}]}");
    return n;
}

static size_t write_token(char *dst, size_t size)
{
    return (size_t)snprintf(dst, size,
                            "{\"access_token\":\"00D000000000001!AQcAQH0dMHZfz972Szmpkb58urFRkgeBGsxL\","
                            "\"instance_url\":\"http://127.0.0.1:%d\",\"id\":\"http://127.0.0.1/id/1\","
                            "\"token_type\":\"Bearer\",\"issued_at\":\"1\",\"signature\":\"x\"}",
                            stub.port);
}

static size_t write_stats(char *dst, size_t size)
{
    double cpu = cpu_seconds();
    int n = snprintf(dst, size,
                     "{\"requests\":%" PRIu64 ",\"composites\":%" PRIu64 ",\"numbers\":%" PRIu64
                     ",\"inFlightHighWater\":%zu,\"connections\":%zu,\"bytesIn\":%" PRIu64
                     ",\"cpuSeconds\":%.3f}",
                     stub.requests, stub.composites, stub.numbers, stub.high_water, stub.conns, stub.bytes_in,
                     cpu - stub.cpu_before);

    stub.requests = stub.composites = stub.numbers = stub.bytes_in = 0;
    stub.high_water = stub.n;
    stub.cpu_before = cpu;
    return (size_t)n;
}

static void finish_answer(struct conn *conn, size_t n_body)
{
    int head = snprintf(conn->out, OUT_BYTES,
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\n"
                        "Sforce-Limit-Info: api-usage=%" PRIu64 "/100000000\r\nContent-Length: %zu\r\n\r\n",
                        stub.requests, n_body);

    if (head < 0 || (size_t)head + n_body > OUT_BYTES) {
        errno = EOVERFLOW;
        die("answer");
    }
    memcpy(conn->out + head, stub.text, n_body);
    conn->n_out = (size_t)head + n_body;
}

/* ---- connections ---- */

static void conn_close(struct conn *conn)
{
    if (conn->fd >= 0) {
        (void)close(conn->fd);
        stub.conns--;
    }
    conn->fd = -1;
    if (conn->due)
        return; /* freed when its answer would leave */
    free(conn->in);
    free(conn->out);
    free(conn);
}

static void conn_send(struct conn *conn)
{
    size_t at = 0;

    while (conn->fd >= 0 && at < conn->n_out) {
        ssize_t n = send(conn->fd, conn->out + at, conn->n_out - at, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN)
            die("a reader that does not read"); /* an answer fits into the socket's buffer */
        if (n < 0) {
            conn_close(conn);
            return;
        }
        at += (size_t)n;
    }
}

static void answer_later(struct conn *conn, uint64_t at_ns)
{
    if (stub.n == stub.size) {
        errno = E2BIG;
        die("more requests at once than MAX_IN_FLIGHT");
    }
    stub.line[(stub.first + stub.n++) % stub.size] = (struct answer){at_ns, conn};
    if (stub.n > stub.high_water)
        stub.high_water = stub.n;
    conn->due = true;
}

static void answer_due(uint64_t now)
{
    while (stub.n > 0 && stub.line[stub.first].at_ns <= now) {
        struct conn *conn = stub.line[stub.first].conn;

        assert(conn);
        stub.first = (stub.first + 1) % stub.size;
        stub.n--;
        conn->due = false;
        if (conn->fd < 0)
            conn_close(conn);
        else
            conn_send(conn);
    }
}

static void answer(struct conn *conn, const char *body, uint64_t now)
{
    const char *end = conn->in + conn->n_in;

    if (strncmp(conn->in, "GET /stats ", 11) == 0) {
        finish_answer(conn, write_stats(stub.text, OUT_BYTES));
        conn_send(conn);
        return;
    }
    stub.requests++;
    stub.bytes_in += conn->n_in;
    if (strncmp(conn->in, "POST /services/oauth2/token ", 28) == 0)
        finish_answer(conn, write_token(stub.text, OUT_BYTES));
    else
        finish_answer(conn, write_composite(stub.text, OUT_BYTES, body, end));
    answer_later(conn, now + stub.latency_ns);
}

/* A client of ours sends no second request before it has the first one's answer. */
static void take_request(struct conn *conn, uint64_t now)
{
    char *body;
    const char *length;
    size_t want = 0;

    conn->in[conn->n_in] = '\0';
    body = strstr(conn->in, "\r\n\r\n");
    if (!body)
        return;
    body += 4;
    length = strcasestr(conn->in, "\r\nContent-Length:");
    if (length && length < body)
        want = (size_t)strtoul(length + 17, NULL, 10);
    if ((size_t)(conn->in + conn->n_in - body) < want)
        return;
    answer(conn, body, now);
    conn->n_in = 0;
}

static void conn_read(struct conn *conn, uint64_t now)
{
    ssize_t n;

    if (conn->size_in - conn->n_in < 8192 && conn->size_in < IN_BYTES) {
        conn->size_in = conn->size_in ? conn->size_in * 2 : 16384;
        conn->in = realloc(conn->in, conn->size_in + 1);
        if (!conn->in)
            die("memory");
    }
    n = recv(conn->fd, conn->in + conn->n_in, conn->size_in - conn->n_in, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        conn_close(conn);
        return;
    }
    conn->n_in += (size_t)n;
    take_request(conn, now);
}

static void accept_all(void)
{
    int fd, on = 1;

    while ((fd = accept4(stub.listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct conn *conn = calloc(1, sizeof(*conn));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};

        if (!conn || !(conn->out = malloc(OUT_BYTES)))
            die("memory");
        conn->fd = fd;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): epoll keeps it */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (epoll_ctl(stub.epoll, EPOLL_CTL_ADD, fd, &event))
            die("epoll_ctl");
        stub.conns++;
    }
}

/* ---- main ---- */

static void open_port(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(addr);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

    stub.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    stub.epoll = epoll_create1(0);
    if (stub.listener < 0 || bind(stub.listener, (struct sockaddr *)&addr, size) ||
        listen(stub.listener, 4096) || getsockname(stub.listener, (struct sockaddr *)&addr, &size) ||
        epoll_ctl(stub.epoll, EPOLL_CTL_ADD, stub.listener, &event))
        die("port");
    stub.port = ntohs(addr.sin_port);
    (void)printf("%d\n", stub.port);
    (void)fflush(stdout);
}

static int wait_events(struct epoll_event *events)
{
    struct timespec left = {0};
    uint64_t now = now_ns();

    if (stub.n == 0)
        return epoll_wait(stub.epoll, events, MAX_EVENTS, -1);
    if (stub.line[stub.first].at_ns > now) {
        left.tv_sec = (time_t)((stub.line[stub.first].at_ns - now) / 1000000000U);
        left.tv_nsec = (long)((stub.line[stub.first].at_ns - now) % 1000000000U);
    }
    return epoll_pwait2(stub.epoll, events, MAX_EVENTS, &left, NULL);
}

int main(int argc, char **argv)
{
    struct epoll_event events[MAX_EVENTS];

    if (argc != 4) {
        (void)fprintf(stderr, "usage: sf-stub LATENCY_MS ROWS MAX_IN_FLIGHT\n");
        return EXIT_FAILURE;
    }
    stub.latency_ns = strtoul(argv[1], NULL, 10) * 1000000U;
    stub.rows = (int)strtol(argv[2], NULL, 10);
    stub.size = strtoul(argv[3], NULL, 10);
    stub.line = calloc(stub.size, sizeof(*stub.line));
    stub.text = malloc(OUT_BYTES);
    if (!stub.line || !stub.text || stub.rows < 0 || stub.rows > 4)
        die("arguments");
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
    open_port();
    for (;;) {
        int n = wait_events(events);
        uint64_t now = now_ns();

        if (n < 0 && errno != EINTR)
            die("epoll");
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                conn_read(events[i].data.ptr, now);
            else
                accept_all();
        }
        answer_due(now_ns());
    }
}

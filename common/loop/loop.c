/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/loop.h"

#include <assert.h>
#include <netdb.h>
#include <stdlib.h>
#include <uv.h>

#include "str/str.h"

struct deferred {
    struct deferred *next;
    cf_loop_fn *fn;
    void *arg;
};

struct signal_watch {
    struct signal_watch *next;
    uv_signal_t handle;
    cf_loop_fn *fn;
    void *arg;
};

struct cf_loop {
    uv_loop_t uv;
    uv_check_t check; /* runs the deferred calls after the events of a turn */
    uv_idle_t spin;   /* active only while calls are deferred, so that the turn does not wait */
    struct deferred *first, **last;
    struct signal_watch *signals;
    uint32_t open; /* handles of callers not freed yet */
};

struct cf_fd {
    uv_poll_t handle;
    struct cf_loop *loop;
    int events;
    cf_fd_fn *fn;
    void *arg;
};

struct cf_timer {
    uv_timer_t handle;
    struct cf_loop *loop;
    cf_loop_fn *fn;
    void *arg;
};

struct cf_wake {
    uv_async_t handle;
    struct cf_loop *loop;
    cf_loop_fn *fn;
    void *arg;
};

struct cf_resolve {
    uv_getaddrinfo_t req;
    cf_resolve_fn *fn; /* NULL once cancelled */
    void *arg;
    int refused; /* libuv's error for a name it does not even look up; 0 when a lookup is under way */
};

static void on_spin(uv_idle_t *handle)
{
    (void)handle;
}

static void on_check(uv_check_t *handle)
{
    struct cf_loop *loop = handle->data;
    struct deferred *run = loop->first;

    loop->first = NULL;
    loop->last = &loop->first;
    (void)uv_idle_stop(&loop->spin);
    while (run) {
        struct deferred *next = run->next;

        run->fn(run->arg);
        free(run);
        run = next;
    }
}

struct cf_loop *cf_loop_new(void)
{
    struct cf_loop *loop = cf_calloc(1, sizeof(*loop));
    int rc = uv_loop_init(&loop->uv);

    assert(rc == 0);
    (void)rc;
    (void)uv_loop_configure(&loop->uv, UV_METRICS_IDLE_TIME);
    loop->last = &loop->first;
    (void)uv_check_init(&loop->uv, &loop->check);
    (void)uv_idle_init(&loop->uv, &loop->spin);
    loop->check.data = loop;
    (void)uv_check_start(&loop->check, on_check);
    return loop;
}

void cf_loop_run(struct cf_loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void cf_loop_stop(struct cf_loop *loop)
{
    uv_stop(&loop->uv);
}

static void on_signal_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void cf_loop_free(struct cf_loop *loop)
{
    struct signal_watch *watch, *next;
    int rc;

    if (!loop)
        return;
    for (watch = loop->signals; watch; watch = next) {
        next = watch->next;
        uv_close((uv_handle_t *)&watch->handle, on_signal_closed);
    }
    for (int turn = 0; loop->first && turn < 1000; turn++)
        on_check(&loop->check);
    assert(!loop->first);    /* a call that defers itself for ever */
    assert(loop->open == 0); /* before the run, which an active handle would keep going */
    uv_close((uv_handle_t *)&loop->check, NULL);
    uv_close((uv_handle_t *)&loop->spin, NULL);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0) /* a stop that is still pending ends a run early */
        ;
    rc = uv_loop_close(&loop->uv);
    assert(rc == 0);
    (void)rc;
    free(loop);
}

uint64_t cf_loop_now_ms(const struct cf_loop *loop)
{
    return uv_now(&loop->uv);
}

uint64_t cf_loop_idle_ns(const struct cf_loop *loop)
{
    return uv_metrics_idle_time((uv_loop_t *)(uintptr_t)&loop->uv);
}

static void on_fd(uv_poll_t *handle, int status, int events)
{
    struct cf_fd *watch = handle->data;
    int got = (events & UV_READABLE ? CF_LOOP_READ : 0) | (events & UV_WRITABLE ? CF_LOOP_WRITE : 0);

    if (status < 0) {
        /* libuv has stopped the handle; the owner learns the cause by its next read or write. */
        got = watch->events | CF_LOOP_ERROR;
        watch->events = 0;
    }
    watch->fn(watch->arg, got);
}

struct cf_fd *cf_fd_add(struct cf_loop *loop, int fd, int events, cf_fd_fn *fn, void *arg)
{
    struct cf_fd *watch = cf_calloc(1, sizeof(*watch));
    int rc;

    watch->loop = loop;
    watch->fn = fn;
    watch->arg = arg;
    rc = uv_poll_init(&loop->uv, &watch->handle, fd);
    assert(rc == 0);
    (void)rc;
    watch->handle.data = watch;
    loop->open++;
    cf_fd_set(watch, events);
    return watch;
}

void cf_fd_set(struct cf_fd *watch, int events)
{
    int want = (events & CF_LOOP_READ ? UV_READABLE : 0) | (events & CF_LOOP_WRITE ? UV_WRITABLE : 0);

    if (events == watch->events)
        return;
    watch->events = events;
    if (want)
        (void)uv_poll_start(&watch->handle, want, on_fd);
    else
        (void)uv_poll_stop(&watch->handle);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void cf_fd_del(struct cf_fd *watch)
{
    if (!watch)
        return;
    watch->loop->open--;
    uv_close((uv_handle_t *)&watch->handle, on_closed);
}

static void on_timer(uv_timer_t *handle)
{
    struct cf_timer *timer = handle->data;

    timer->fn(timer->arg);
}

struct cf_timer *cf_timer_new(struct cf_loop *loop, cf_loop_fn *fn, void *arg)
{
    struct cf_timer *timer = cf_calloc(1, sizeof(*timer));

    timer->loop = loop;
    timer->fn = fn;
    timer->arg = arg;
    (void)uv_timer_init(&loop->uv, &timer->handle);
    timer->handle.data = timer;
    loop->open++;
    return timer;
}

void cf_timer_start(struct cf_timer *timer, uint64_t delay_ms, uint64_t repeat_ms)
{
    (void)uv_timer_start(&timer->handle, on_timer, delay_ms, repeat_ms);
}

void cf_timer_stop(struct cf_timer *timer)
{
    (void)uv_timer_stop(&timer->handle);
}

bool cf_timer_active(const struct cf_timer *timer)
{
    return uv_is_active((const uv_handle_t *)&timer->handle) != 0;
}

void cf_timer_free(struct cf_timer *timer)
{
    if (!timer)
        return;
    timer->loop->open--;
    uv_close((uv_handle_t *)&timer->handle, on_closed);
}

static void on_wake(uv_async_t *handle)
{
    struct cf_wake *wake = handle->data;

    wake->fn(wake->arg);
}

struct cf_wake *cf_wake_new(struct cf_loop *loop, cf_loop_fn *fn, void *arg)
{
    struct cf_wake *wake = cf_calloc(1, sizeof(*wake));
    int rc = uv_async_init(&loop->uv, &wake->handle, on_wake);

    assert(rc == 0);
    (void)rc;
    wake->loop = loop;
    wake->fn = fn;
    wake->arg = arg;
    wake->handle.data = wake;
    loop->open++;
    return wake;
}

void cf_wake_send(struct cf_wake *wake)
{
    (void)uv_async_send(&wake->handle);
}

void cf_wake_free(struct cf_wake *wake)
{
    if (!wake)
        return;
    wake->loop->open--;
    uv_close((uv_handle_t *)&wake->handle, on_closed);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    struct signal_watch *watch = handle->data;

    (void)signum;
    watch->fn(watch->arg);
}

void cf_loop_signal(struct cf_loop *loop, int signum, cf_loop_fn *fn, void *arg)
{
    struct signal_watch *watch = cf_calloc(1, sizeof(*watch));

    (void)uv_signal_init(&loop->uv, &watch->handle);
    watch->handle.data = watch;
    watch->fn = fn;
    watch->arg = arg;
    watch->next = loop->signals;
    loop->signals = watch;
    (void)uv_signal_start(&watch->handle, on_signal, signum);
}

void cf_loop_defer(struct cf_loop *loop, cf_loop_fn *fn, void *arg)
{
    struct deferred *call = cf_calloc(1, sizeof(*call));

    call->fn = fn;
    call->arg = arg;
    *loop->last = call;
    loop->last = &call->next;
    (void)uv_idle_start(&loop->spin, on_spin);
}

static void report_resolve_error(struct cf_resolve *resolve, int status)
{
    struct cf_err err = {0};

    (void)cf_err_set(&err, CF_ERR_TRANSIENT, "dns", status, "name lookup failed: %s",
                     status < 0 ? uv_strerror(status) : "no address");
    resolve->fn(resolve->arg, NULL, &err);
}

static void on_refused(void *arg)
{
    struct cf_resolve *resolve = arg;

    if (resolve->fn)
        report_resolve_error(resolve, resolve->refused);
    free(resolve);
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    struct cf_resolve *resolve = req->data;
    char address[NI_MAXHOST] = "";

    if (status == 0 && found)
        status =
            getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address), NULL, 0, NI_NUMERICHOST);
    if (resolve->fn && status == 0 && address[0])
        resolve->fn(resolve->arg, address, NULL);
    else if (resolve->fn)
        report_resolve_error(resolve, status);
    uv_freeaddrinfo(found);
    free(resolve);
}

struct cf_resolve *cf_loop_resolve(struct cf_loop *loop, const char *host, cf_resolve_fn *fn, void *arg)
{
    struct cf_resolve *resolve = cf_calloc(1, sizeof(*resolve));
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};

    assert(host);
    resolve->fn = fn;
    resolve->arg = arg;
    resolve->req.data = resolve;
    resolve->refused = uv_getaddrinfo(&loop->uv, &resolve->req, on_resolved, host, NULL, &hints);
    if (resolve->refused) /* too long, or not a name that IDNA allows: input, so an error like any other */
        cf_loop_defer(loop, on_refused, resolve);
    return resolve;
}

void cf_resolve_cancel(struct cf_resolve *resolve)
{
    resolve->fn = NULL;
    if (!resolve->refused)
        (void)uv_cancel((uv_req_t *)&resolve->req);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop - the one event loop of a process: descriptors, timers, signals, wake-ups, deferred calls, name
 * lookups.
 *
 * Vocabulary: a *wake* is the only thing another thread may touch; a *defer* runs a function on the next
 * turn. Lifecycle: new -> run (until stop) -> free, which asserts that nothing is left registered. Promise:
 * every callback runs on the loop's thread, never inside the call that asked for it; after a _del or _free
 * the callback never fires again. Nothing here blocks. The only module that includes <uv.h>.
 */
#ifndef CF_LOOP_H
#define CF_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "err/err.h"

struct cf_loop;
struct cf_fd;
struct cf_timer;
struct cf_wake;
struct cf_resolve;

#define CF_LOOP_READ 1
#define CF_LOOP_WRITE 2
#define CF_LOOP_ERROR                                                                                        \
    4 /* only delivered: the descriptor is in an error state; read or write to learn which */

typedef void cf_loop_fn(void *arg);
typedef void cf_fd_fn(void *arg, int events);
/* `address` is a numeric IPv4 or IPv6 text, or NULL with `err` set. */
typedef void cf_resolve_fn(void *arg, const char *address, const struct cf_err *err);

struct cf_loop *cf_loop_new(void);
/** Turns until cf_loop_stop(). */
void cf_loop_run(struct cf_loop *loop);
void cf_loop_stop(struct cf_loop *loop);
/** Closes what is pending inside, then asserts that callers freed every handle of theirs. NULL is fine. */
void cf_loop_free(struct cf_loop *loop);

/** Monotonic milliseconds, cached once a turn. */
uint64_t cf_loop_now_ms(const struct cf_loop *loop);
/** Nanoseconds spent waiting for events since the start: 1 - idle share = how busy the loop is. */
uint64_t cf_loop_idle_ns(const struct cf_loop *loop);

/** Watches `fd` (not owned) for `events`, which may be 0. */
struct cf_fd *cf_fd_add(struct cf_loop *loop, int fd, int events, cf_fd_fn *fn, void *arg);
void cf_fd_set(struct cf_fd *watch, int events);
/** Stops watching; the descriptor may be closed right after. NULL is fine. */
void cf_fd_del(struct cf_fd *watch);

struct cf_timer *cf_timer_new(struct cf_loop *loop, cf_loop_fn *fn, void *arg);
/** (Re)starts: first after `delay_ms`, then every `repeat_ms` unless that is 0. */
void cf_timer_start(struct cf_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
void cf_timer_stop(struct cf_timer *timer);
bool cf_timer_active(const struct cf_timer *timer);
void cf_timer_free(struct cf_timer *timer);

/** A wake-up that any thread may send; sends in a burst may arrive as one call. */
struct cf_wake *cf_wake_new(struct cf_loop *loop, cf_loop_fn *fn, void *arg);
void cf_wake_send(struct cf_wake *wake);
void cf_wake_free(struct cf_wake *wake);

/** Calls `fn(arg)` at each `signum`. Registered until cf_loop_free(). */
void cf_loop_signal(struct cf_loop *loop, int signum, cf_loop_fn *fn, void *arg);
/** Runs `fn(arg)` once, on the next turn, after the events of this one. */
void cf_loop_defer(struct cf_loop *loop, cf_loop_fn *fn, void *arg);

/** Looks `host` up without blocking; numeric addresses too answer later, not inside this call. */
struct cf_resolve *cf_loop_resolve(struct cf_loop *loop, const char *host, cf_resolve_fn *fn, void *arg);
/** The callback will not run. Only before it ran. */
void cf_resolve_cancel(struct cf_resolve *resolve);

#endif

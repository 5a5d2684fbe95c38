/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/loop.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct cf_loop *loop;
static char order[64];
static size_t n_order;

static void setup(void)
{
    loop = cf_loop_new();
}

static void teardown(void)
{
    cf_loop_free(loop);
}

static void note(char what)
{
    ck_assert_uint_lt(n_order, sizeof(order) - 1);
    order[n_order++] = what;
}

static void on_note(void *arg)
{
    note(*(const char *)arg);
}

static void on_stop(void *arg)
{
    (void)arg;
    cf_loop_stop(loop);
}

/* ---- timers ---- */

START_TEST(timers_fire_in_order_of_time)
{
    static struct {
        char name;
        uint64_t delay_ms;
    } rows[] = {{'c', 30}, {'a', 0}, {'b', 10}, {'d', 30}, {'e', 45}};
    struct cf_timer *timers[6];

    for (size_t i = 0; i < 5; i++) {
        timers[i] = cf_timer_new(loop, on_note, &rows[i].name);
        ck_assert(!cf_timer_active(timers[i]));
        cf_timer_start(timers[i], rows[i].delay_ms, 0);
        ck_assert(cf_timer_active(timers[i]));
    }
    timers[5] = cf_timer_new(loop, on_stop, NULL);
    cf_timer_start(timers[5], 60, 0);
    ck_assert_str_eq(order, ""); /* never inside the call */
    cf_loop_run(loop);
    ck_assert_str_eq(order, "abcde");
    ck_assert(!cf_timer_active(timers[0]));
    for (size_t i = 0; i < 6; i++)
        cf_timer_free(timers[i]);
    cf_timer_free(NULL);
}
END_TEST

static struct cf_timer *repeating, *other;

static void on_repeat(void *arg)
{
    (void)arg;
    note('r');
    if (n_order == 1)
        cf_timer_stop(other);
    if (n_order == 4) {
        cf_timer_free(repeating); /* from inside its own callback */
        cf_loop_stop(loop);
    }
}

START_TEST(timers_repeat_stop_and_restart)
{
    static char never = 'n';
    uint64_t start = cf_loop_now_ms(loop);

    other = cf_timer_new(loop, on_note, &never);
    cf_timer_start(other, 20, 0);
    repeating = cf_timer_new(loop, on_repeat, NULL);
    cf_timer_start(repeating, 100000, 0);
    cf_timer_start(repeating, 2, 3); /* the second start counts */
    cf_loop_run(loop);
    ck_assert_str_eq(order, "rrrr");
    ck_assert_uint_ge(cf_loop_now_ms(loop), start + 11);
    cf_timer_free(other);
}
END_TEST

/* ---- deferred calls ---- */

static char letters[] = "xyz";

static void defer_more(void *arg)
{
    note('1');
    cf_loop_defer(loop, on_note, &letters[1]);
    cf_loop_defer(loop, on_stop, arg);
    note('2');
}

START_TEST(deferred_calls_run_next_turn_in_order)
{
    cf_loop_defer(loop, on_note, &letters[0]);
    cf_loop_defer(loop, defer_more, NULL);
    cf_loop_defer(loop, on_note, &letters[2]);
    ck_assert_str_eq(order, "");
    cf_loop_run(loop);
    ck_assert_str_eq(order, "x12zy");
}
END_TEST

START_TEST(free_runs_what_is_deferred)
{
    struct cf_loop *own = loop;

    cf_loop_defer(own, defer_more, NULL); /* defers two more, one of them a stop */
    cf_loop_free(own);
    ck_assert_str_eq(order, "12y");
    loop = NULL;
}
END_TEST

START_TEST(a_stop_before_free_is_harmless)
{
    struct cf_timer *timer = cf_timer_new(loop, on_stop, NULL);

    cf_timer_start(timer, 0, 0);
    cf_loop_run(loop);
    cf_timer_free(timer);
    cf_loop_stop(loop); /* teardown frees the loop */
}
END_TEST

/* ---- wake-ups ---- */

struct waker {
    struct cf_wake *wake;
    unsigned sent;
};
static unsigned woken;

static void *send_many(void *arg)
{
    struct waker *waker = arg;

    for (waker->sent = 0; waker->sent < 1000; waker->sent++)
        cf_wake_send(waker->wake);
    return NULL;
}

static void on_wake(void *arg)
{
    (void)arg;
    woken++;
    cf_loop_stop(loop);
}

START_TEST(another_thread_wakes_the_loop)
{
    struct waker waker = {cf_wake_new(loop, on_wake, NULL), 0};
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, send_many, &waker), 0);
    cf_loop_run(loop);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_ge(woken, 1);
    ck_assert_uint_le(woken, waker.sent);
    cf_wake_free(waker.wake);
    cf_wake_free(NULL);
}
END_TEST

START_TEST(the_loop_says_how_long_it_waited)
{
    struct cf_timer *timer = cf_timer_new(loop, on_stop, NULL);

    cf_timer_start(timer, 30, 0);
    cf_loop_run(loop);
    ck_assert_uint_ge(cf_loop_idle_ns(loop), 10000000U);
    cf_timer_free(timer);
}
END_TEST

START_TEST(signals_arrive_on_the_loop)
{
    cf_loop_signal(loop, SIGUSR1, on_note, &letters[0]);
    cf_loop_signal(loop, SIGUSR2, on_stop, NULL);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert_int_eq(raise(SIGUSR2), 0);
    ck_assert_str_eq(order, "");
    cf_loop_run(loop);
    ck_assert_str_eq(order, "x");
}
END_TEST

/* ---- descriptors ---- */

static struct cf_fd *watched;
static int got_events, fds[2];

static void on_fd(void *arg, int events)
{
    char byte;

    (void)arg;
    got_events |= events;
    if (events & CF_LOOP_READ && read(fds[0], &byte, 1) == 1)
        note(byte);
    if (events & CF_LOOP_WRITE) {
        ck_assert_int_eq(write(fds[0], "w", 1), 1);
        cf_fd_set(watched, CF_LOOP_READ);
        ck_assert_int_eq(write(fds[1], "r", 1), 1);
    }
    if (n_order == 1)
        cf_loop_stop(loop);
}

START_TEST(descriptors_are_watched_for_what_is_asked)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    watched = cf_fd_add(loop, fds[0], 0, on_fd, NULL);
    cf_fd_set(watched, CF_LOOP_WRITE);
    cf_fd_set(watched, CF_LOOP_WRITE);
    cf_loop_run(loop);
    ck_assert_int_eq(got_events, CF_LOOP_READ | CF_LOOP_WRITE);
    ck_assert_str_eq(order, "r");
    cf_fd_del(watched);
    (void)close(fds[0]); /* right after the del */
    (void)close(fds[1]);
    cf_fd_del(NULL);
}
END_TEST

static void on_fd_never(void *arg, int events)
{
    (void)arg;
    (void)events;
    ck_abort_msg("called after its removal");
}

static void delete_watch(void *arg)
{
    (void)arg;
    cf_fd_del(watched);
    (void)close(fds[0]);
    ck_assert_int_eq(dup2(fds[1], fds[0]), fds[0]); /* the number is reused at once */
    watched = cf_fd_add(loop, fds[0], CF_LOOP_WRITE, on_fd, NULL);
    cf_fd_del(watched);
    cf_loop_defer(loop, on_stop, NULL);
}

START_TEST(after_del_the_callback_never_fires)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1); /* readable already */
    watched = cf_fd_add(loop, fds[0], CF_LOOP_READ, on_fd_never, NULL);
    delete_watch(NULL);
    cf_loop_run(loop);
    (void)close(fds[0]);
    (void)close(fds[1]);
}
END_TEST

static struct cf_fd *rivals[2];

static void on_rival(void *arg, int events)
{
    int other_one = arg == &rivals[0] ? 1 : 0;

    (void)events;
    note('f');
    cf_fd_del(rivals[other_one]);
    rivals[other_one] = NULL;
    cf_loop_defer(loop, on_stop, NULL);
}

START_TEST(del_counts_also_for_what_this_turn_has_found)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    for (int i = 0; i < 2; i++)
        rivals[i] = cf_fd_add(loop, fds[i], CF_LOOP_WRITE, on_rival, &rivals[i]); /* both ready at once */
    cf_loop_run(loop);
    ck_assert_str_eq(order, "f");
    for (int i = 0; i < 2; i++) {
        cf_fd_del(rivals[i]);
        (void)close(fds[i]);
    }
}
END_TEST

/* A port that nobody listens on: bound, then closed again. */
static struct sockaddr_in refusing_address(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    (void)close(fd);
    return address;
}

static void on_connected(void *arg, int events)
{
    int error = 0;
    socklen_t size = sizeof(error);

    (void)arg;
    got_events = events;
    ck_assert_int_eq(getsockopt(fds[0], SOL_SOCKET, SO_ERROR, &error, &size), 0);
    ck_assert_int_eq(error, ECONNREFUSED);
    note('e');
    cf_loop_stop(loop);
}

START_TEST(a_refused_connect_is_delivered_once)
{
    struct sockaddr_in address = refusing_address();
    struct cf_timer *timer = cf_timer_new(loop, on_stop, NULL);

    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connect(fds[0], (struct sockaddr *)&address, sizeof(address)) == 0 || errno != EINPROGRESS)
        ck_abort_msg("connect did not go to the background");
    watched = cf_fd_add(loop, fds[0], CF_LOOP_WRITE, on_connected, NULL);
    cf_loop_run(loop);
    ck_assert_int_ne(got_events & (CF_LOOP_WRITE | CF_LOOP_ERROR), 0);
    cf_timer_start(timer, 10, 0);
    cf_fd_set(watched, 0);
    cf_loop_run(loop); /* nothing asked, nothing said */
    ck_assert_str_eq(order, "e");
    cf_timer_free(timer);
    cf_fd_del(watched);
    (void)close(fds[0]);
}
END_TEST

static void on_error(void *arg, int events)
{
    (void)arg;
    got_events = events;
    note('e');
    cf_loop_stop(loop);
}

/* The reader of a pipe is gone: the writer's descriptor is in an error state. */
START_TEST(an_error_state_is_delivered)
{
    ck_assert_int_eq(pipe(fds), 0);
    (void)close(fds[0]);
    watched = cf_fd_add(loop, fds[1], CF_LOOP_WRITE, on_error, NULL);
    cf_loop_run(loop);
    ck_assert_int_eq(got_events, CF_LOOP_WRITE | CF_LOOP_ERROR);
    cf_fd_set(watched, CF_LOOP_WRITE); /* watching goes on when the owner says so */
    cf_loop_run(loop);
    ck_assert_str_eq(order, "ee");
    cf_fd_del(watched);
    (void)close(fds[1]);
}
END_TEST

/* ---- name lookups ---- */

static void on_address(void *arg, const char *address, const struct cf_err *err)
{
    char *to = arg;

    if (address)
        (void)snprintf(to, 64, "%s", address);
    else
        (void)snprintf(to, 64, "%s: %s", cf_err_kind_name(err->kind), err->from);
    cf_loop_stop(loop);
}

static const struct {
    const char *host, *result;
} names[] = {
    {"127.0.0.1", "127.0.0.1"},         {"::1", "::1"},
    {"name.invalid", "transient: dns"}, {"", "transient: dns"},
    {"a..b", "transient: dns"},         {"\xff\xfe", "transient: dns"},
};

START_TEST(names_are_looked_up_later)
{
    char result[64] = "";

    (void)cf_loop_resolve(loop, names[_i].host, on_address, result);
    ck_assert_str_eq(result, "");
    cf_loop_run(loop);
    ck_assert_str_eq(result, names[_i].result);
}
END_TEST

START_TEST(a_name_too_long_is_an_error)
{
    char host[2000], result[64] = "";

    memset(host, 'a', sizeof(host));
    host[sizeof(host) - 1] = '\0';
    (void)cf_loop_resolve(loop, host, on_address, result);
    cf_loop_run(loop);
    ck_assert_str_eq(result, "transient: dns");
    cf_resolve_cancel(cf_loop_resolve(loop, host, on_address, result));
}
END_TEST

START_TEST(a_cancelled_lookup_says_nothing)
{
    char result[64] = "", second[64] = "";

    cf_resolve_cancel(cf_loop_resolve(loop, "127.0.0.1", on_address, result));
    (void)cf_loop_resolve(loop, "127.0.0.2", on_address, second);
    cf_loop_run(loop);
    ck_assert_str_eq(result, "");
    ck_assert_str_eq(second, "127.0.0.2");
    cf_resolve_cancel(cf_loop_resolve(loop, "name.invalid", on_address, result)); /* under way while freed */
}
END_TEST

/* ---- free asserts that nothing is left ---- */

START_TEST(free_with_a_handle_left_aborts)
{
    static char letter = 'x';
    struct cf_timer *timer;

    switch (_i) {
    case 0:
        timer = cf_timer_new(loop, on_note, &letter);
        cf_timer_start(timer, 0, 1); /* must not keep the free busy either */
        break;
    case 1:
        (void)cf_wake_new(loop, on_note, &letter);
        break;
    default:
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        (void)cf_fd_add(loop, fds[0], CF_LOOP_WRITE, on_fd_never, NULL);
        break;
    }
    cf_loop_free(loop);
}
END_TEST

START_TEST(free_of_nothing)
{
    cf_loop_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("common.loop");
    TCase *tcase = tcase_create("loop");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, timers_fire_in_order_of_time);
    tcase_add_test(tcase, timers_repeat_stop_and_restart);
    tcase_add_test(tcase, deferred_calls_run_next_turn_in_order);
    tcase_add_test(tcase, free_runs_what_is_deferred);
    tcase_add_test(tcase, a_stop_before_free_is_harmless);
    tcase_add_test(tcase, another_thread_wakes_the_loop);
    tcase_add_test(tcase, the_loop_says_how_long_it_waited);
    tcase_add_test(tcase, signals_arrive_on_the_loop);
    tcase_add_test(tcase, descriptors_are_watched_for_what_is_asked);
    tcase_add_test(tcase, after_del_the_callback_never_fires);
    tcase_add_test(tcase, del_counts_also_for_what_this_turn_has_found);
    tcase_add_test(tcase, a_refused_connect_is_delivered_once);
    tcase_add_test(tcase, an_error_state_is_delivered);
    tcase_add_loop_test(tcase, names_are_looked_up_later, 0, (int)(sizeof(names) / sizeof(names[0])));
    tcase_add_test(tcase, a_name_too_long_is_an_error);
    tcase_add_test(tcase, a_cancelled_lookup_says_nothing);
    tcase_add_test(tcase, free_of_nothing);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("own bugs");
    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_loop_test_raise_signal(tcase, free_with_a_handle_left_aborts, SIGABRT, 0, 3);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* redis_options_test - the URL and the options. */
#include <check.h>

#include "loop/loop.h"
#include "redis/redis_priv.h"

/* ---- options ---- */

static const struct {
    const char *url, *host, *user, *password;
    uint32_t db;
    uint16_t port;
    bool tls;
} urls[] = {
    {"redis://h", "h", NULL, NULL, 0, 6379, false},
    {"redis://h:1/15", "h", NULL, NULL, 15, 1, false},
    {"redis://h/", "h", NULL, NULL, 0, 6379, false},
    {"rediss://[::1]:7/2", "::1", NULL, NULL, 2, 7, true},
    {"redis://[fe80::1]", "fe80::1", NULL, NULL, 0, 6379, false},
    {"redis://u:p@h", "h", "u", "p", 0, 6379, false},
    {"redis://:p@h:8", "h", NULL, "p", 0, 8, false},
    {"redis://u%40x:p%3A%2F@h", "h", "u@x", "p:/", 0, 6379, false},
    {"redis://u:a@b@h", "h", "u", "a@b", 0, 6379, false},
    {"redis://u:@h", "h", "u", "", 0, 6379, false},
};

START_TEST(test_urls)
{
    struct redis_url url;
    struct cf_err err;

    ck_assert_int_eq(cf_redis_url_parse(urls[_i].url, &url, &err), 0);
    ck_assert_str_eq(url.host, urls[_i].host);
    ck_assert_pstr_eq(url.username, urls[_i].user);
    ck_assert_pstr_eq(url.password, urls[_i].password);
    ck_assert_uint_eq(url.port, urls[_i].port);
    ck_assert_uint_eq(url.db, urls[_i].db);
    ck_assert_int_eq(url.tls, urls[_i].tls);
    ck_assert_ptr_null(url.path);
    cf_redis_url_done(&url);
}
END_TEST

static const char *const bad_urls[] = {
    "",
    "h",
    "http://h",
    "redis://",
    "redis://:6379",
    "redis://h:0",
    "redis://h:",
    "redis://h:x",
    "redis://h/x",
    "redis://h/65536",
    "redis://u@h",
    "redis://u:%zz@h",
    "redis://[::1",
    "redis://[::1]x",
    "redis://h?db=1",
    "unix://",
    "unix://relative",
    "unix:///p?x=1",
    "unix:///p?db=x",
    "redis://u:%00@h",
    "redis://u:secret@",
    "redis://h:65536",
    "unix:///",
};

START_TEST(test_bad_urls)
{
    struct redis_url url;
    struct cf_err err;

    ck_assert_int_eq(cf_redis_url_parse(bad_urls[_i], &url, &err), -1);
    ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
    ck_assert_ptr_null(strstr(err.text, "secret"));
}
END_TEST

START_TEST(test_unix_url)
{
    struct redis_url url;
    struct cf_err err;

    ck_assert_int_eq(cf_redis_url_parse("unix:///a/b%20c?db=4", &url, &err), 0);
    ck_assert_str_eq(url.path, "/a/b c");
    ck_assert_uint_eq(url.db, 4);
    cf_redis_url_done(&url);
}
END_TEST

static void break_option(struct cf_redis_opts *opts, int which)
{
    switch (which) {
    case 0:
        opts->connect_timeout_ms = 0;
        break;
    case 1:
        opts->call_timeout_ms = 60001;
        break;
    case 2:
        opts->max_pending = 0;
        break;
    case 3:
        opts->max_reply_bytes = 0;
        break;
    case 4:
        opts->password_file = "/no/such/file";
        break;
    case 5:
        opts->username = "worker";
        break;
    case 6:
        opts->ca_file = "/no/such/file";
        break;
    case 7:
        opts->cert_file = "/etc/hostname";
        break;
    case 8:
        opts->cert_file = opts->key_file = "/etc/hostname";
        break;
    default:
        opts->url = NULL;
    }
}

START_TEST(test_bad_options)
{
    struct cf_redis_opts opts = {.url = "rediss://127.0.0.1:1",
                                 .connect_timeout_ms = 1,
                                 .call_timeout_ms = 1,
                                 .max_pending = 1,
                                 .max_reply_bytes = 1024};
    struct cf_err err = {0};
    struct cf_loop *loop = cf_loop_new();

    break_option(&opts, _i);

    ck_assert_ptr_null(cf_redis_new(loop, &opts, &err));
    ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
    ck_assert_str_ne(err.text, "");
    cf_loop_free(loop);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("redis-options");
    TCase *tcase = tcase_create("redis-options");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, test_urls, 0, ROWS(urls));
    tcase_add_loop_test(tcase, test_bad_urls, 0, ROWS(bad_urls));
    tcase_add_test(tcase, test_unix_url);
    tcase_add_loop_test(tcase, test_bad_options, 0, 10);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

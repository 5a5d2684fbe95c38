/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct first {
#define CF_CONFIG_STRUCT
#include "config/keys.h"

#include "unit/common/config_test.def"

#include "config/keys_end.h"
};

#define CF_CONFIG_ARRAY struct first
#include "config/keys.h"

static const struct cf_key first_keys[] = {
#include "unit/common/config_test.def"
    {0}};
#include "config/keys_end.h"

struct second {
    uint64_t max_in_flight;
};
static const struct cf_key second_keys[] = {{"max_in_flight", CF_KEY_UINT,
                                             offsetof(struct second, max_in_flight), "1000", 1, UINT64_MAX,
                                             "jobs at once"},
                                            {0}};

static char dir[] = "/tmp/cf-config-XXXXXX";
static char path[64], secret_path[64];
static struct first first;
static struct second second;
static const struct cf_config_part parts[] = {{"runtime", first_keys, &first},
                                              {"stage", second_keys, &second}};
static struct cf_err err;
static struct cf_config *config;

static void put(const char *file, const char *data, size_t n, mode_t mode)
{
    FILE *out = fopen(file, "we");

    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(data, 1, n, out), n);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_int_eq(chmod(file, mode), 0);
}

static void put_text(const char *file, const char *text)
{
    put(file, text, strlen(text), 0600);
}

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/w.ini", dir);
    (void)snprintf(secret_path, sizeof(secret_path), "%s/secret", dir);
    first = (struct first){.sf_timeout_ms = 77};
    second = (struct second){0};
    config = NULL;
}

static void teardown(void)
{
    char command[128];

    cf_config_free(config);
    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0); /* NOLINT(cert-env33-c): a test's own folder */
}

static bool load(const char *text, const char *const *environment)
{
    if (text)
        put_text(path, text);
    config = cf_config_load(text ? path : NULL, environment, parts, 2, &err);
    return config != NULL;
}

START_TEST(defaults)
{
    ck_assert(load(NULL, NULL));
    ck_assert_str_eq(first.brokers, "localhost:9092");
    ck_assert_ptr_null(first.redis_url);
    ck_assert_uint_eq(first.sf_timeout_ms, 5000);
    ck_assert(first.strict);
    ck_assert_ptr_null(first.policy_file);
    ck_assert_ptr_null(first.password_file);
    ck_assert_ptr_nonnull(first.kafka);
    ck_assert_ptr_null(first.kafka[0].name);
    ck_assert_uint_eq(second.max_in_flight, 1000);
}
END_TEST

START_TEST(file_fills_all_parts)
{
    ck_assert(
        load("# comment\n; comment\nbrokers = a:1,b:2 ; why\r\n[runtime]\n  sf_timeout_ms=100\nstrict: off\n"
             "[kafka]\nsecurity.protocol = SASL_SSL\nclient.id = x=y\n[stage]\nmax_in_flight = "
             "18446744073709551615\n"
             "redis_url =",
             NULL));
    ck_assert_str_eq(first.brokers, "a:1,b:2");
    ck_assert_str_eq(first.redis_url, "");
    ck_assert_uint_eq(first.sf_timeout_ms, 100);
    ck_assert(!first.strict);
    ck_assert_str_eq(first.kafka[0].name, "security.protocol");
    ck_assert_str_eq(first.kafka[0].value, "SASL_SSL");
    ck_assert_str_eq(first.kafka[1].name, "client.id");
    ck_assert_str_eq(first.kafka[1].value, "x=y");
    ck_assert_ptr_null(first.kafka[2].name);
    ck_assert_uint_eq(second.max_in_flight, UINT64_MAX);
}
END_TEST

START_TEST(environment_wins)
{
    static const char *const environment[] = {"HOME=/",
                                              "CALLFLEET_BROKERS=env:1",
                                              "CALLFLEET_SF_TIMEOUT_MS=200",
                                              "CALLFLEET_KAFKA__SECURITY__PROTOCOL=SSL",
                                              "CALLFLEET_KAFKA__SSL_KEY__LOCATION=/k",
                                              "CALLFLEET_KAFKA=not ours",
                                              "CALLFLEET_KAFKA__=x",
                                              "CALLFLEET_LOOKUP_SERVICE_HOST=10.0.0.1",
                                              "CALLFLEET_BROKERS_TWO=x",
                                              "callfleet_strict=no",
                                              "CALLFLEET_MAX_IN_FLIGHT=5",
                                              "noequals",
                                              NULL};

    ck_assert(load("brokers = f:1\n[kafka]\nsecurity.protocol = PLAINTEXT\nacks = all\n", environment));
    ck_assert_str_eq(first.brokers, "env:1");
    ck_assert_uint_eq(first.sf_timeout_ms, 200);
    ck_assert_uint_eq(second.max_in_flight, 5);
    ck_assert(first.strict);
    ck_assert_str_eq(first.kafka[0].value, "SSL");
    ck_assert_str_eq(first.kafka[1].name, "acks");
    ck_assert_str_eq(first.kafka[2].name, "ssl_key.location");
    ck_assert_ptr_null(first.kafka[3].name);
}
END_TEST

static const struct {
    const char *text, *says;
} bad_files[] = {
    {"sf_timeout = 5", "w.ini:1: sf_timeout: unknown key; did you mean sf_timeout_ms?"},
    {"\n\nBrokers = a", "w.ini:3: Brokers: unknown key; did you mean brokers?"},
    {"[a]\nzzzzzzzzzzzzzzzz = 1", "w.ini:2: zzzzzzzzzzzzzzzz: unknown key"},
    {"sf_timeout_ms = 99", "w.ini:1: sf_timeout_ms: must be 100 to 60000"},
    {"sf_timeout_ms = 60001", "w.ini:1: sf_timeout_ms: must be 100 to 60000"},
    {"sf_timeout_ms = 5s", "w.ini:1: sf_timeout_ms: is not a whole number"},
    {"sf_timeout_ms = -5", "is not a whole number"},
    {"sf_timeout_ms =", "is not a whole number"},
    {"sf_timeout_ms = 18446744073709551616", "is not a whole number"},
    {"max_in_flight = 0", "w.ini:1: max_in_flight: must be 1 to 18446744073709551615"},
    {"strict = maybe", "w.ini:1: strict: must be true or false"},
    {"brokers =", "w.ini:1: brokers: must be of length 1 to 64"},
    {"brokers = 12345678901234567890123456789012345678901234567890123456789012345",
     "must be of length 1 to 64"},
    {"brokers = a\n\nbrokers = b", "w.ini:3: brokers: given twice"},
    {"[kafka]\na = 1\na = 2", "w.ini:3: a: given twice"},
    {"kafka = x", "w.ini:1: kafka: is a list"},
    {"[kafka]\nsasl.password = hunter2", "w.ini:2: sasl.password: secrets come from files"},
    {"[kafka]\nsasl.password = file:/nowhere/x",
     "w.ini:2: sasl.password: secret file /nowhere/x: cannot be read"},
    {"policy_file = /nowhere/x", "w.ini:1: policy_file: the file cannot be read"},
    {"policy_file = /tmp", "w.ini:1: policy_file: is not a regular file"},
    {"password_file = /nowhere/x", "w.ini:1: password_file: secret file /nowhere/x: cannot be read"},
    {"password_file = /dev/null", "is not a regular file"},
    {"brokers", "w.ini:1: line: neither \"key = value\""},
    {"brokers = a\n[kafka\n", "w.ini:2: line: neither"},
    {"= a", "w.ini:1: : unknown key"},
    {"[kafka]\n= a", "not a usable name"},
};

START_TEST(bad_file_says_where_and_changes_nothing)
{
    ck_assert(!load(bad_files[_i].text, NULL));
    ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
    ck_assert_msg(strstr(err.text, bad_files[_i].says), "%s", err.text);
    ck_assert_ptr_null(strstr(err.text, "hunter2"));
    ck_assert_ptr_null(first.brokers);
    ck_assert_uint_eq(first.sf_timeout_ms, 77);
    ck_assert_uint_eq(second.max_in_flight, 0);
}
END_TEST

START_TEST(bad_environment_names_the_key)
{
    static const char *const environment[] = {"CALLFLEET_SF_TIMEOUT_MS=1", NULL};

    ck_assert(!load("sf_timeout_ms = 500\n", environment));
    ck_assert_str_eq(err.text, "environment: sf_timeout_ms: must be 100 to 60000");
}
END_TEST

START_TEST(unusable_files)
{
    static char large[256 * 1024 + 2];

    config = cf_config_load("/nowhere/w.ini", NULL, parts, 2, &err);
    ck_assert_ptr_null(config);
    ck_assert_str_eq(err.text, "/nowhere/w.ini: cannot be read");
    config = cf_config_load("/tmp", NULL, parts, 2, &err);
    ck_assert_ptr_null(config);
    put(path, "brokers = a\0b\n", 14, 0600);
    config = cf_config_load(path, NULL, parts, 2, &err);
    ck_assert_ptr_null(config);
    ck_assert_ptr_nonnull(strstr(err.text, "NUL byte"));
    memset(large, '\n', sizeof(large) - 1);
    ck_assert(!load(large, NULL));
    ck_assert_ptr_nonnull(strstr(err.text, "larger than 256 KiB"));
    memset(large, 'a', 9000);
    large[9000] = '\0';
    ck_assert(!load(large, NULL));
    ck_assert_ptr_nonnull(strstr(err.text, ":1: line: longer than 8 KiB"));
}
END_TEST

START_TEST(long_values_and_lists_are_bounded)
{
    struct cf_buf text;

    cf_buf_init(&text, 1 << 20);
    cf_buf_text(&text, "[kafka]\n");
    for (int i = 0; i < 256; i++)
        cf_buf_printf(&text, "k%d = v\n", i);
    cf_buf_char(&text, '\0');
    ck_assert(load(text.p, NULL));
    ck_assert_str_eq(first.kafka[255].name, "k255");
    cf_config_free(config);
    text.n--;
    cf_buf_add(&text, "one = more\n", 12);
    ck_assert(!load(text.p, NULL));
    ck_assert_ptr_nonnull(strstr(err.text, ":258: one: too many entries"));
    cf_buf_done(&text);
}
END_TEST

static const struct {
    const char *data;
    size_t n;
    mode_t mode;
    const char *secret, *says; /* one of them */
} secrets[] = {
    {"hunter2\n", 8, 0600, "hunter2", NULL},
    {"hunter2\r\n", 9, 0400, "hunter2", NULL},
    {"two\n\n", 5, 0400, "two\n", NULL},
    {" no trim ", 9, 0400, " no trim ", NULL},
    {"x", 1, 0604, NULL, "read by everyone"},
    {"x", 1, 0602, NULL, "read by everyone"},
    {"x", 1, 0620, NULL, "changed by its group"},
    {"x", 1, 0450, NULL, "changed by its group"},
    {"", 0, 0400, NULL, "is empty"},
    {"\n", 1, 0400, NULL, "is empty"},
    {"a\0b", 3, 0400, NULL, "NUL byte"},
};

START_TEST(secret_files)
{
    char *secret = NULL;
    int rc;

    put(secret_path, secrets[_i].data, secrets[_i].n, secrets[_i].mode);
    rc = cf_config_secret(secret_path, &secret, &err);
    if (secrets[_i].secret) {
        ck_assert_msg(rc == 0, "%s", err.text);
        ck_assert_str_eq(secret, secrets[_i].secret);
    } else {
        ck_assert_int_eq(rc, -1);
        ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
        ck_assert_msg(strstr(err.text, secrets[_i].says), "%s", err.text);
        ck_assert_ptr_null(secret);
    }
    cf_config_secret_free(secret);
}
END_TEST

/* What a Kubernetes secret volume looks like: file -> ..data/file -> dated folder, root's, 0440 by fsGroup.
 */
START_TEST(secret_by_symlink_and_group)
{
    char link_path[64], *secret = NULL;
    int rc;

    put(secret_path, "s", 1, 0440);
    (void)snprintf(link_path, sizeof(link_path), "%s/link", dir);
    ck_assert_int_eq(symlink("secret", link_path), 0);
    rc = cf_config_secret(link_path, &secret, &err);
    ck_assert_int_eq(rc, geteuid() == 0 ? 0 : -1); /* 0440 is for root's files only */
    cf_config_secret_free(secret);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(secret_path, 65534, 0), 0);
        ck_assert_int_eq(cf_config_secret(link_path, &secret, &err), -1);
        ck_assert_ptr_nonnull(strstr(err.text, "only when root owns it"));
    }
    ck_assert_int_eq(chmod(secret_path, 0404), 0);
    ck_assert_int_eq(cf_config_secret(link_path, &secret, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "read by everyone"));
}
END_TEST

START_TEST(secret_too_large_or_a_pipe)
{
    static char large[64 * 1024 + 1];
    char *secret;

    memset(large, 's', sizeof(large));
    put(secret_path, large, sizeof(large) - 1, 0400);
    ck_assert_int_eq(cf_config_secret(secret_path, &secret, &err), 0);
    ck_assert_uint_eq(strlen(secret), sizeof(large) - 1);
    cf_config_secret_free(secret);
    put(secret_path, large, sizeof(large), 0600);
    ck_assert_int_eq(cf_config_secret(secret_path, &secret, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "larger"));
    ck_assert_int_eq(unlink(secret_path), 0);
    ck_assert_int_eq(mkfifo(secret_path, 0600), 0);
    ck_assert_int_eq(cf_config_secret(secret_path, &secret, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "not a regular file"));
}
END_TEST

START_TEST(values_are_masked)
{
    struct cf_buf text, out;

    cf_buf_init(&text, 4096);
    cf_buf_init(&out, 4096);
    put_text(secret_path, "hunter2\n");
    cf_buf_printf(&text,
                  "redis_url = rediss://user:p@ss:w@host:6379/0?a=b@c\npassword_file = %s\n"
                  "[kafka]\nsasl.password = file:%s\nsasl.username = u\nproxy = http://a:b@c/\n",
                  secret_path, secret_path);
    cf_buf_char(&text, '\0');
    ck_assert_msg(load(text.p, NULL), "%s", err.text);
    ck_assert_str_eq(first.kafka[0].value, "hunter2");
    ck_assert_str_eq(first.password_file, secret_path);
    cf_config_print_values(&out, parts, 2);
    cf_buf_char(&out, '\0');
    ck_assert_str_eq(out.p,
                     "# runtime\nbrokers = localhost:9092\nredis_url = rediss://user:***@host:6379/0?a=b@c\n"
                     "sf_timeout_ms = 5000\nstrict = true\npolicy_file = \npassword_file = ***\n# stage\n"
                     "max_in_flight = 1000\n[kafka]\nsasl.password = ***\nsasl.username = u\n"
                     "proxy = http://a:***@c/\n");
    cf_buf_done(&text);
    cf_buf_done(&out);
}
END_TEST

/* What was printed is a configuration again, but for the masked parts. */
START_TEST(printed_values_load_again)
{
    struct cf_buf out;

    cf_buf_init(&out, 4096);
    ck_assert(load("brokers = x:1\nstrict=no\n[kafka]\na.b = c\n", NULL));
    cf_config_print_values(&out, parts, 2);
    cf_buf_char(&out, '\0');
    cf_config_free(config);
    ck_assert_msg(load(out.p, NULL), "%s", err.text);
    ck_assert_str_eq(first.brokers, "x:1");
    ck_assert(!first.strict);
    ck_assert_str_eq(first.kafka[0].value, "c");
    cf_buf_done(&out);
}
END_TEST

static char *printed(void (*print)(FILE *, const struct cf_config_part *, size_t))
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    print(out, parts, 2);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

START_TEST(help_and_markdown)
{
    char *help = printed(cf_config_print_help), *table = printed(cf_config_print_markdown);

    ck_assert_ptr_nonnull(
        strstr(help, "  sf_timeout_ms = 5000\n      deadline of one call, in ms (number, 100 to 60000)\n"));
    ck_assert_ptr_nonnull(strstr(help, "\nstage:\n  max_in_flight = 1000\n"));
    ck_assert_ptr_nonnull(strstr(help, "  [kafka]\n      librdkafka properties (section)\n"));
    ck_assert_ptr_nonnull(
        strstr(table, "| `redis_url` |  | text, 0 to 128 bytes | where Redis is \\| a URL |\n"));
    ck_assert_ptr_nonnull(strstr(table, "| `[kafka]` |  | section | librdkafka properties |\n"));
    ck_assert_ptr_nonnull(strstr(table, "| `strict` | `true` | true or false | whether to be strict |\n"));
    free(help);
    free(table);
}
END_TEST

START_TEST(empty_path_switches_off)
{
    static const char *const environment[] = {"CALLFLEET_POLICY_FILE=", "CALLFLEET_PASSWORD_FILE=", NULL};

    ck_assert(load("policy_file = /nowhere\npassword_file = /nowhere\n", environment));
    ck_assert_ptr_null(first.policy_file);
    ck_assert_ptr_null(first.password_file);
}
END_TEST

START_TEST(one_key_in_two_parts_aborts)
{
    const struct cf_config_part twice[] = {parts[0], parts[0]};

    ck_assert_ptr_null(cf_config_load(NULL, NULL, twice, 2, &err));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("common.config");
    TCase *tcase = tcase_create("config");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, defaults);
    tcase_add_test(tcase, file_fills_all_parts);
    tcase_add_test(tcase, environment_wins);
    tcase_add_loop_test(tcase, bad_file_says_where_and_changes_nothing, 0,
                        (int)(sizeof(bad_files) / sizeof(bad_files[0])));
    tcase_add_test(tcase, bad_environment_names_the_key);
    tcase_add_test(tcase, unusable_files);
    tcase_add_test(tcase, long_values_and_lists_are_bounded);
    tcase_add_loop_test(tcase, secret_files, 0, (int)(sizeof(secrets) / sizeof(secrets[0])));
    tcase_add_test(tcase, secret_by_symlink_and_group);
    tcase_add_test(tcase, secret_too_large_or_a_pipe);
    tcase_add_test(tcase, values_are_masked);
    tcase_add_test(tcase, printed_values_load_again);
    tcase_add_test(tcase, help_and_markdown);
    tcase_add_test(tcase, empty_path_switches_off);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("own bugs");
    tcase_add_test_raise_signal(tcase, one_key_in_two_parts_aborts, SIGABRT);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of the Salesforce client: kinds, limits header, escaping, JWT, login and API answers. */
#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sf/sf.h"
#include "sf/sf_priv.h"

/* ---- kinds ---- */

static const struct {
    const char *code;
    int status;
    enum cf_err_kind kind;
} kinds[] = {
    {"", 300, CF_ERR_REJECTED},
    {"", 302, CF_ERR_TRANSIENT},
    {"MALFORMED_QUERY", 400, CF_ERR_CONFIG},
    {"INVALID_FIELD", 400, CF_ERR_CONFIG},
    {"INVALID_FIELD_FOR_INSERT_UPDATE", 400, CF_ERR_CONFIG},
    {"INVALID_TYPE", 400, CF_ERR_CONFIG},
    {"REQUIRED_FIELD_MISSING", 400, CF_ERR_REJECTED},
    {"STRING_TOO_LONG", 400, CF_ERR_REJECTED},
    {"DUPLICATES_DETECTED", 400, CF_ERR_REJECTED},
    {"UNABLE_TO_LOCK_ROW", 400, CF_ERR_TRANSIENT},
    {"QUERY_TIMEOUT", 400, CF_ERR_TRANSIENT},
    {"ALL_OR_NONE_OPERATION_ROLLED_BACK", 400, CF_ERR_TRANSIENT},
    {"STORAGE_LIMIT_EXCEEDED", 400, CF_ERR_THROTTLED},
    {NULL, 400, CF_ERR_REJECTED},
    {"INVALID_SESSION_ID", 401, CF_ERR_TRANSIENT},
    {"", 401, CF_ERR_TRANSIENT},
    {"REQUEST_LIMIT_EXCEEDED", 403, CF_ERR_THROTTLED},
    {"API_DISABLED_FOR_ORG", 403, CF_ERR_CONFIG},
    {"INSUFFICIENT_ACCESS", 403, CF_ERR_REJECTED},
    {"", 403, CF_ERR_TRANSIENT},
    {"NOT_FOUND", 404, CF_ERR_REJECTED},
    {"ENTITY_IS_DELETED", 404, CF_ERR_REJECTED},
    {"", 404, CF_ERR_TRANSIENT},
    {"", 410, CF_ERR_CONFIG},
    {"", 414, CF_ERR_REJECTED},
    {"", 431, CF_ERR_REJECTED},
    {"", 429, CF_ERR_THROTTLED},
    {"", 499, CF_ERR_TRANSIENT},
    {"NEW_CODE", 499, CF_ERR_REJECTED},
    {"UNKNOWN_EXCEPTION", 500, CF_ERR_TRANSIENT},
    {"", 502, CF_ERR_TRANSIENT},
    {"SERVER_UNAVAILABLE", 503, CF_ERR_TRANSIENT},
    {NULL, 504, CF_ERR_TRANSIENT},
};

START_TEST(test_kind)
{
    ck_assert_int_eq(cf_sf_error_kind(kinds[_i].status, kinds[_i].code), kinds[_i].kind);
}
END_TEST

/* ---- Sforce-Limit-Info ---- */

static const struct {
    const char *header;
    bool ok;
    int64_t used, limit;
} limits[] = {
    {"api-usage=18/15000", true, 18, 15000},
    {"api-usage=25/5000; per-app-api-usage=17/250(appName=sample-app)", true, 25, 5000},
    {"per-app-api-usage=17/250(appName=a;b); api-usage=3/9", true, 3, 9},
    {" api-usage= 1 / 2 ", true, 1, 2},
    {"api-usage=0/0", true, 0, 0},
    {"", false, 0, 0},
    {"api-usage=", false, 0, 0},
    {"api-usage=/", false, 0, 0},
    {"api-usage=1/", false, 0, 0},
    {"api-usage=/1", false, 0, 0},
    {"api-usage=-1/5", false, 0, 0},
    {"api-usage=1/5x", false, 0, 0},
    {"api-usage=99999999999999999999/1", false, 0, 0},
    {"api-usage=9223372036854775808/1", false, 0, 0},
    {"per-app-api-usage=17/250", false, 0, 0},
};

START_TEST(test_limits)
{
    struct cf_sf_budget budget = {-7, -7};
    bool ok = sf_limits_parse(cf_str_of(limits[_i].header), &budget);

    ck_assert_int_eq(ok, limits[_i].ok);
    ck_assert_int_eq(budget.used, ok ? limits[_i].used : -7);
    ck_assert_int_eq(budget.limit, ok ? limits[_i].limit : -7);
}
END_TEST

/* ---- escaping: what a parser by the book reads back is what went in ---- */

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static char unescaped(char letter)
{
    static const char from[] = "nrtbf\"'\\", to[] = "\n\r\t\b\f\"'\\";
    const char *at = letter ? strchr(from, letter) : NULL;

    ck_assert_msg(at != NULL, "a backslash before %c", letter);
    return to[at - from];
}

/* backslash, u, four hexadecimal digits */
static size_t read_code_point(struct cf_str text, char *ret_char)
{
    ck_assert_uint_ge(text.n, 6);
    ck_assert_mem_eq(text.p + 2, "00", 2);
    *ret_char = (char)(hex_of(text.p[4]) * 16 + hex_of(text.p[5]));
    return 6;
}

static bool is_wildcard(char c, bool like)
{
    return like && (c == '%' || c == '_');
}

/* One character of a quoted literal. Returns its bytes used. */
static size_t read_char(struct cf_str text, bool like, char *ret_char)
{
    *ret_char = text.p[0];
    /* A quote would end the literal, and a wildcard is nothing that went in. */
    ck_assert(text.p[0] != '\'' && !is_wildcard(text.p[0], like));
    if (text.p[0] != '\\')
        return 1;
    ck_assert_uint_ge(text.n, 2);
    if (text.p[1] == 'u')
        return read_code_point(text, ret_char);
    *ret_char = text.p[1];
    if (!is_wildcard(text.p[1], like))
        *ret_char = unescaped(text.p[1]);
    return 2;
}

static void assert_reads_back(struct cf_str escaped, struct cf_str input, bool like)
{
    size_t n = 0;

    while (escaped.n > 0) {
        char c;
        size_t used = read_char(escaped, like, &c);

        ck_assert_uint_gt(used, 0);
        ck_assert_uint_lt(n, input.n);
        ck_assert_int_eq(c, input.p[n]);
        n++;
        escaped.p += used;
        escaped.n -= used;
    }
    ck_assert_uint_eq(n, input.n);
}

static const char *const hostile[] = {
    "",
    "'",
    "\\",
    "\\'",
    "' OR Name LIKE '%",
    "x\\",
    "100%_sure",
    "\\%\\_",
    "a\nb\rc\td\be\ff\"g",
    "\x01\x1f\x7f",
    "O'Brien \\\\ \xc3\xa9\xf0\x9f\x98\x80",
    "\\u0027",
};

static void check_escapes(struct cf_str input)
{
    struct cf_buf buf;

    cf_buf_init(&buf, 1 << 16);
    cf_soql_escape(&buf, input);
    assert_reads_back(cf_buf_view(&buf), input, false);
    cf_buf_clear(&buf);
    cf_soql_escape_like(&buf, input);
    assert_reads_back(cf_buf_view(&buf), input, true);
    cf_buf_done(&buf);
}

START_TEST(test_escape_hostile)
{
    check_escapes(cf_str_of(hostile[_i]));
}
END_TEST

START_TEST(test_escape_random)
{
    static const char likely[] = "'\\\"%_u0n\n";
    unsigned seed = (unsigned)_i * 2654435761U + 1;
    char input[64];
    size_t n = (size_t)rand_r(&seed) % sizeof(input);

    for (size_t i = 0; i < n; i++) {
        unsigned dice = (unsigned)rand_r(&seed);

        input[i] = (char)(dice / 2);
        if (dice % 2)
            input[i] = likely[dice / 2 % (sizeof(likely) - 1)];
    }
    check_escapes((struct cf_str){input, n});
}
END_TEST

/* ---- bodies ---- */

/* What jansson makes of a text is what we make of it, and what we write it reads back. */
static const char *const bodies[] = {
    "{}",
    "[]",
    "null",
    "\"text\"",
    "-12",
    "1.5e300",
    "9223372036854775807",
    "18446744073709551615",
    "{\"a\": [1, -2.25, true, false, null, {\"b\": {}}], \"\": \"\"}",
    "{\"quotes\": \"a\\\"b\\\\c\\u0001\\n\", \"utf8\": \"\\u00e9\\ud83d\\ude00\"}",
    "{\"same\": 1, \"same\": 2}",
    "\"\\u0000\"",
    "[1,]",
    "[1] 2",
    "",
    "{\"a\":",
    "1e999",
};

START_TEST(test_json)
{
    struct cf_str text = cf_str_of(bodies[_i]);
    json_t *want = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    json_t *got = sf_json_read(text), *again;
    char *written;

    ck_assert_int_eq(got != NULL, want != NULL);
    if (want) {
        ck_assert(json_equal(got, want));
        written = sf_json_write(got);
        again = json_loads(written, JSON_DECODE_ANY, NULL);
        ck_assert_msg(json_equal(again, want), "%s", written);
        free(written);
        json_decref(again);
    }
    json_decref(want);
    json_decref(got);
}
END_TEST

/* Deeper than simdjson's reader goes, not than jansson's. */
START_TEST(test_json_deep)
{
    char text[601];
    json_t *tree;
    char *written;

    memset(text, '[', 300);
    memset(text + 300, ']', 300);
    text[600] = '\0';
    tree = sf_json_read(cf_str_of(text));
    ck_assert(json_is_array(tree));
    written = sf_json_write(tree);
    ck_assert_str_eq(written, text);
    free(written);
    json_decref(tree);
}
END_TEST

START_TEST(test_escape_sosl)
{
    struct cf_buf buf;

    cf_buf_init(&buf, 256);
    cf_sosl_escape(&buf, CF_STR("+1 (520) a?b&c|d!{e}[f]^~*:\\\"'g-h"));
    ck_assert(cf_str_is(cf_buf_view(&buf),
                        "\\+1 \\(520\\) a\\?b\\&c\\|d\\!\\{e\\}\\[f\\]\\^\\~\\*\\:\\\\\\\"\\'g\\-h"));
    cf_buf_done(&buf);
}
END_TEST

/* ---- JWT ---- */

static EVP_PKEY *key;
static char pem[8192];

static void make_key(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int n;

    key = EVP_RSA_gen(2048U);
    ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    n = BIO_read(bio, pem, sizeof(pem) - 1);
    ck_assert_int_gt(n, 0);
    pem[n] = '\0';
    BIO_free(bio);
}

static void free_key(void)
{
    EVP_PKEY_free(key);
}

static size_t from_base64url(struct cf_str text, unsigned char *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0, have = 0;
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        const char *at = strchr(letters, text.p[i]);

        ck_assert_ptr_nonnull(at);
        bits = bits << 6 | (uint32_t)(at - letters);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (unsigned char)(bits >> have);
        }
    }
    return n;
}

static struct cf_str cut(struct cf_str *rest)
{
    const char *dot = memchr(rest->p, '.', rest->n);
    struct cf_str part = {rest->p, dot ? (size_t)(dot - rest->p) : rest->n};

    rest->p += dot ? part.n + 1 : part.n;
    rest->n -= dot ? part.n + 1 : part.n;
    return part;
}

START_TEST(test_jwt_verifies)
{
    const struct sf_claims claims = {"client \"1\"", "user@example.com", "https://login.salesforce.com",
                                     1790000000};
    struct cf_err err;
    struct cf_buf jwt;
    unsigned char text[2048];
    struct cf_str rest, header, body;
    size_t n;

    cf_buf_init(&jwt, 1 << 16);
    ck_assert_msg(sf_jwt_sign(cf_str_of(pem), &claims, &jwt, &err) == 0, "%s", err.text);
    rest = cf_buf_view(&jwt);
    header = cut(&rest);
    body = cut(&rest);

    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    n = from_base64url(rest, text);
    ck_assert_int_eq(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    ck_assert_int_eq(EVP_DigestVerify(ctx, text, n, (const unsigned char *)jwt.p, header.n + 1 + body.n), 1);
    EVP_MD_CTX_free(ctx);

    n = from_base64url(body, text);
    json_t *object = json_loadb((char *)text, n, 0, NULL);

    ck_assert_str_eq(json_string_value(json_object_get(object, "iss")), claims.issuer);
    ck_assert_str_eq(json_string_value(json_object_get(object, "sub")), claims.subject);
    ck_assert_str_eq(json_string_value(json_object_get(object, "aud")), claims.audience);
    ck_assert_int_eq(json_integer_value(json_object_get(object, "exp")), claims.expires_s);
    json_decref(object);
    n = from_base64url(header, text);
    ck_assert(cf_str_is((struct cf_str){(char *)text, n}, "{\"alg\":\"RS256\",\"typ\":\"JWT\"}"));
    cf_buf_done(&jwt);
}
END_TEST

START_TEST(test_jwt_bad_key)
{
    static const char *const bad[] = {"", "no key",
                                      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                                      /* an elliptic-curve key: RS256 needs RSA */
                                      "-----BEGIN PRIVATE KEY-----\n"
                                      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n"
                                      "OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n"
                                      "1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n"
                                      "-----END PRIVATE KEY-----\n"};
    const struct sf_claims claims = {"a", "b", "c", 1};
    struct cf_err err = {0};
    struct cf_buf jwt;

    cf_buf_init(&jwt, 1 << 16);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(sf_jwt_sign(cf_str_of(bad[i]), &claims, &jwt, &err), -1);
        ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
    }
    cf_buf_done(&jwt);
}
END_TEST

/* ---- the token endpoint ---- */

static const struct {
    const char *login_url, *body;
    int status;
    int ret;
    enum cf_err_kind kind;
    bool slow;
} logins[] = {
    {"https://l", "{\"access_token\":\"00D!A\",\"instance_url\":\"https://i.my.example\"}", 200, 0, 0, false},
    {"https://l", "{\"access_token\":\"00D!A\",\"instance_url\":\"https://i.my.example/\"}", 200, 0, 0,
     false},
    {"http://127.0.0.1:1", "{\"access_token\":\"t\",\"instance_url\":\"http://127.0.0.1:1\"}", 200, 0, 0,
     false},
    {"https://l", "{\"access_token\":\"t\",\"instance_url\":\"http://i\"}", 200, -1, CF_ERR_TRANSIENT, true},
    {"https://l", "{\"access_token\":\"t\",\"instance_url\":\"https://i/x\"}", 200, -1, CF_ERR_TRANSIENT,
     true},
    {"https://l", "{\"access_token\":\"t\",\"instance_url\":\"https://u@i\"}", 200, -1, CF_ERR_TRANSIENT,
     true},
    {"https://l", "{\"access_token\":\"t\",\"instance_url\":\"https://\"}", 200, -1, CF_ERR_TRANSIENT, true},
    {"https://l", "{\"access_token\":\"a\\r\\nX: b\",\"instance_url\":\"https://i\"}", 200, -1,
     CF_ERR_TRANSIENT, false},
    {"https://l", "{}", 200, -1, CF_ERR_TRANSIENT, false},
    {"https://l", "<html>", 200, -1, CF_ERR_TRANSIENT, false},
    {"https://l", "", 200, -1, CF_ERR_TRANSIENT, false},
    {"https://l", "{\"error\":\"invalid_grant\",\"error_description\":\"authentication failure\"}", 400, -1,
     CF_ERR_TRANSIENT, true},
    {"https://l", "{\"error\":\"invalid_client\"}", 401, -1, CF_ERR_TRANSIENT, true},
    {"https://l", "{\"error\":\"inactive_user\"}", 400, -1, CF_ERR_TRANSIENT, true},
    {"https://l", "{\"error\":\"rate_limit_exceeded\"}", 400, -1, CF_ERR_THROTTLED, false},
    {"https://l", "{\"error\":\"unknown_error\"}", 400, -1, CF_ERR_TRANSIENT, false},
    {"https://l", "{\"error\":\"invalid_grant\"}", 503, -1, CF_ERR_TRANSIENT, false},
    {"https://l", "", 429, -1, CF_ERR_THROTTLED, false},
    {"https://l", "<html>", 400, -1, CF_ERR_TRANSIENT, false},
    {"https://l", "<html>maintenance", 503, -1, CF_ERR_TRANSIENT, false},
};

START_TEST(test_login_reply)
{
    const struct cf_sf_opts opts = {.login_url = logins[_i].login_url};
    struct sf_grant grant = {0};
    struct cf_err err = {0};
    bool slow = false;
    int ret = sf_login_reply(&opts, logins[_i].status, cf_str_of(logins[_i].body), &grant, &slow, &err);

    ck_assert_int_eq(ret, logins[_i].ret);
    ck_assert_int_eq(slow, logins[_i].slow);
    if (ret == 0)
        ck_assert_int_ne(grant.instance_url[strlen(grant.instance_url) - 1], '/');
    else
        ck_assert_int_eq(err.kind, logins[_i].kind);
    sf_grant_done(&grant);
}
END_TEST

/* ---- answers of the API ---- */

/* One row: status, whether it was a write, content type, body. */
#define REPLY(status, write, type, body)                                                                     \
    {                                                                                                        \
        {body, sizeof(body) - 1}, {type, sizeof(type) - 1}, status, write                                    \
    }
#define JSON_REPLY(status, write, body) REPLY(status, write, "application/json;charset=UTF-8", body)
#define ONE_ERROR(code, message) "[{\"errorCode\":\"" code "\",\"message\":\"" message "\"}]"

static const struct {
    struct sf_reply reply;
    const char *code, *text; /* errorCode; part of the error's text */
    int ret;
    enum cf_err_kind kind;
    bool unknown, refuses;
} replies[] = {
    {JSON_REPLY(200, false, "{}"), "", "", 0, 0, false, false},
    {REPLY(204, true, "", ""), "", "", 0, 0, false, false},
    {REPLY(200, false, "text/html", "<html>"), "", "not JSON", -1, CF_ERR_TRANSIENT, false, false},
    {REPLY(200, true, "text/html", "<html>"), "", "not JSON", -1, CF_ERR_TRANSIENT, true, false},
    {JSON_REPLY(201, true, "{\"id\":\"00"), "", "not JSON", -1, CF_ERR_TRANSIENT, true, false},
    {REPLY(500, true, "", ""), "", "HTTP 500", -1, CF_ERR_TRANSIENT, true, false},
    {REPLY(500, false, "", ""), "", "HTTP 500", -1, CF_ERR_TRANSIENT, false, false},
    {JSON_REPLY(300, true, "[\"/a\"]"), "", "300", -1, CF_ERR_REJECTED, false, false},
    {REPLY(302, true, "", ""), "", "302", -1, CF_ERR_TRANSIENT, false, true},
    {JSON_REPLY(401, false, ONE_ERROR("INVALID_SESSION_ID", "Session expired or invalid")),
     "INVALID_SESSION_ID", "401", -1, CF_ERR_TRANSIENT, false, true},
    {JSON_REPLY(401, false,
                ONE_ERROR("INVALID_SESSION_ID", "This session is not valid for use with the API")),
     "INVALID_SESSION_ID", "401", -1, CF_ERR_TRANSIENT, false, false},
    {JSON_REPLY(403, true, ONE_ERROR("URL_NOT_RESET", "x")), "URL_NOT_RESET", "403", -1, CF_ERR_TRANSIENT,
     false, true},
    {JSON_REPLY(403, true, ONE_ERROR("REQUEST_LIMIT_EXCEEDED", "x")), "REQUEST_LIMIT_EXCEEDED", "403", -1,
     CF_ERR_THROTTLED, false, false},
    {JSON_REPLY(400, false,
                ONE_ERROR("INVALID_FIELD",
                          "\\nSELECT Tier__c FROM Account WHERE Phone = '5207739050'\\nNo such "
                          "column 'Tier__c' on entity 'Account'. If")),
     "INVALID_FIELD", "No such column 'Tier__c' on entity 'Account'", -1, CF_ERR_CONFIG, false, false},
    {JSON_REPLY(400, false, ONE_ERROR("MALFORMED_QUERY", "Phone = '5207739050'")), "MALFORMED_QUERY",
     "HTTP 400 MALFORMED_QUERY", -1, CF_ERR_CONFIG, false, false},
    {JSON_REPLY(400, false, "[{\"errorCode\":\"A B\\nC\",\"message\":7}]"), "A", "A", -1, CF_ERR_REJECTED,
     false, false},
    {JSON_REPLY(400, false, "[]"), "", "400", -1, CF_ERR_REJECTED, false, false},
    {JSON_REPLY(400, false, "\"text\""), "", "400", -1, CF_ERR_REJECTED, false, false},
    {JSON_REPLY(400, false, "{\"error\":\"invalid_grant\"}"), "invalid_grant", "400", -1, CF_ERR_REJECTED,
     false, false},
};

START_TEST(test_reply)
{
    struct cf_sf_failure failure;
    json_t *json = NULL;
    int ret = sf_reply_read(&replies[_i].reply, &json, &failure);

    ck_assert_int_eq(ret, replies[_i].ret);
    ck_assert_int_eq(sf_reply_refuses_session(&replies[_i].reply), replies[_i].refuses);
    json_decref(json);
    if (ret == 0)
        return;
    ck_assert_int_eq(failure.err.kind, replies[_i].kind);
    ck_assert_int_eq(failure.err.code, replies[_i].reply.status);
    ck_assert_int_eq(failure.unknown_outcome, replies[_i].unknown);
    ck_assert_str_eq(failure.error_code, replies[_i].code);
    ck_assert_ptr_nonnull(strstr(failure.err.text, replies[_i].text));
    ck_assert_ptr_null(strstr(failure.err.text, "5207739050"));
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("sf");
    TCase *tables = tcase_create("tables"), *escape = tcase_create("escape"), *jwt = tcase_create("jwt");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tables, test_kind, 0, ROWS(kinds));
    tcase_add_loop_test(tables, test_limits, 0, ROWS(limits));
    tcase_add_loop_test(tables, test_login_reply, 0, ROWS(logins));
    tcase_add_loop_test(tables, test_reply, 0, ROWS(replies));
    tcase_add_loop_test(tables, test_json, 0, ROWS(bodies));
    tcase_add_test(tables, test_json_deep);
    tcase_add_loop_test(escape, test_escape_hostile, 0, ROWS(hostile));
    tcase_add_loop_test(escape, test_escape_random, 0, 200);
    tcase_add_test(escape, test_escape_sosl);
    tcase_add_unchecked_fixture(jwt, make_key, free_key);
    tcase_add_test(jwt, test_jwt_verifies);
    tcase_add_test(jwt, test_jwt_bad_key);
    suite_add_tcase(suite, tables);
    suite_add_tcase(suite, escape);
    suite_add_tcase(suite, jwt);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

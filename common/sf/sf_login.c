/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "config/config.h"
#include "http/http.h"
#include "sf/sf_priv.h"

#define FORM_LIMIT_BYTES (128u << 10)
#define JWT_LIFETIME_S 150 /* Salesforce refuses assertions that live longer than 3 minutes */

void sf_secret_buf(struct cf_buf *buf, size_t limit_bytes)
{
    cf_buf_init(buf, limit_bytes);
    cf_buf_reserve(buf, SF_SECRET_BUF_BYTES < limit_bytes ? SF_SECRET_BUF_BYTES : limit_bytes);
}

void sf_wipe(struct cf_buf *buf)
{
    if (buf->p)
        OPENSSL_cleanse(buf->p, buf->size);
    cf_buf_done(buf);
}

void sf_wipe_text(char *text)
{
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

void sf_grant_done(struct sf_grant *grant)
{
    sf_wipe_text(grant->token);
    free(grant->instance_url);
    *grant = (struct sf_grant){0};
}

static void add_field(struct cf_buf *form, const char *name, struct cf_str value)
{
    if (form->n > 0)
        cf_buf_char(form, '&');
    cf_buf_text(form, name);
    cf_buf_char(form, '=');
    cf_http_escape(form, value);
}

static int add_secret(struct cf_buf *form, const char *name, const char *path, struct cf_err *err)
{
    char *secret;

    if (cf_config_secret(path, &secret, err))
        return -1;
    add_field(form, name, cf_str_of(secret));
    cf_config_secret_free(secret);
    return 0;
}

static int add_assertion(struct cf_buf *form, const struct cf_sf_opts *opts, int64_t now_wall_ms,
                         struct cf_err *err)
{
    const struct sf_claims claims = {
        .issuer = opts->client_id,
        .subject = opts->username,
        .audience = opts->jwt_audience ? opts->jwt_audience : opts->login_url,
        .expires_s = now_wall_ms / 1000 + JWT_LIFETIME_S,
    };
    struct cf_buf jwt;
    char *pem;
    int failed;

    if (cf_config_secret(opts->jwt_key_file, &pem, err))
        return -1;
    sf_secret_buf(&jwt, FORM_LIMIT_BYTES);
    failed = sf_jwt_sign(cf_str_of(pem), &claims, &jwt, err);
    cf_config_secret_free(pem);
    if (!failed)
        add_field(form, "assertion", cf_buf_view(&jwt));
    sf_wipe(&jwt);
    return failed;
}

int sf_login_form(const struct cf_sf_opts *opts, int64_t now_wall_ms, struct cf_buf *ret_form,
                  struct cf_err *err)
{
    int failed = 0;

    sf_secret_buf(ret_form, FORM_LIMIT_BYTES);
    switch (opts->grant) {
    case CF_SF_PASSWORD:
        add_field(ret_form, "grant_type", CF_STR("password"));
        add_field(ret_form, "client_id", cf_str_of(opts->client_id));
        add_field(ret_form, "username", cf_str_of(opts->username));
        failed = add_secret(ret_form, "client_secret", opts->client_secret_file, err) ||
                 add_secret(ret_form, "password", opts->password_file, err);
        break;
    case CF_SF_CLIENT_CREDENTIALS:
        add_field(ret_form, "grant_type", CF_STR("client_credentials"));
        add_field(ret_form, "client_id", cf_str_of(opts->client_id));
        failed = add_secret(ret_form, "client_secret", opts->client_secret_file, err);
        break;
    case CF_SF_JWT_BEARER:
        add_field(ret_form, "grant_type", CF_STR("urn:ietf:params:oauth:grant-type:jwt-bearer"));
        failed = add_assertion(ret_form, opts, now_wall_ms, err);
        break;
    }
    if (!failed && ret_form->full)
        failed = cf_err_set(err, CF_ERR_CONFIG, "sf", 0, "the login form is larger than %u bytes",
                            FORM_LIMIT_BYTES);
    if (failed)
        sf_wipe(ret_form);
    return failed ? -1 : 0;
}

bool sf_url_is_sound(const char *login_url, struct cf_str url)
{
    struct cf_str https = CF_STR("https://"), http = CF_STR("http://");
    bool plain = cf_str_starts(cf_str_of(login_url), http);
    size_t from = cf_str_starts(url, https) ? https.n : http.n;

    /* A token that was fetched over TLS must not travel in clear. */
    if (!cf_str_starts(url, https) && !(plain && cf_str_starts(url, http)))
        return false;
    if (url.n == from || url.n > SF_MAX_URL_BYTES)
        return false;
    for (size_t i = from; i < url.n; i++) {
        char c = url.p[i];
        bool host = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                    c == '-' || c == ':' || c == '[' || c == ']';

        if (!host)
            return false; /* no path, no user, no blank */
    }
    return true;
}

/* Goes into a header: visible ASCII only. */
static bool token_is_sound(struct cf_str token)
{
    if (token.n == 0 || token.n > SF_MAX_TOKEN_BYTES)
        return false;
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] <= ' ' || token.p[i] > '~')
            return false;
    }
    return true;
}

static struct cf_str text_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return (struct cf_str){json_string_value(value), json_string_length(value)};
}

/* The OAuth error code, with anything but letters, digits and _ cut away: it goes into a log line. */
static void copy_code(char *dst, size_t size, struct cf_str code)
{
    size_t n = 0;

    for (size_t i = 0; i < code.n && n + 1 < size; i++) {
        char c = code.p[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')
            dst[n++] = c;
    }
    dst[n] = '\0';
}

/* Whether the code is about who logs in: invalid_grant, invalid_client_id, inactive_user. Anything else, and
 * what nobody has seen yet, passes. */
static bool is_refusal(int status, const char *code)
{
    static const char *const refusals[] = {"invalid_", "inactive_", "unauthorized_", "unsupported_",
                                           "access_denied"};

    for (size_t i = 0; status >= 400 && status < 500 && i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (strncmp(code, refusals[i], strlen(refusals[i])) == 0)
            return status != 408 && status != 429;
    }
    return false;
}

static int login_failed(int status, const json_t *object, bool *ret_slow, struct cf_err *err)
{
    char code[64];

    copy_code(code, sizeof(code), text_of(object, "error"));
    *ret_slow = is_refusal(status, code);
    if (status == 429 || strcmp(code, "rate_limit_exceeded") == 0 || strcmp(code, "login_rate_exceeded") == 0)
        return cf_err_set(err, CF_ERR_THROTTLED, "sf", status, "too many logins (%s); logging in again later",
                          *code ? code : "HTTP 429");
    if (*ret_slow)
        return cf_err_set(err, CF_ERR_TRANSIENT, "sf", status,
                          "login refused: %s; check the user, the client and their secrets. Trying again "
                          "seldom, because it can lock the user",
                          code);
    return cf_err_set(err, CF_ERR_TRANSIENT, "sf", status, "login failed: HTTP %d%s%s", status,
                      *code ? " " : "", code);
}

int sf_login_reply(const struct cf_sf_opts *opts, int status, struct cf_str body, struct sf_grant *ret_grant,
                   bool *ret_slow, struct cf_err *err)
{
    json_t *object = body.n ? json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL) : NULL;
    struct cf_str token = text_of(object, "access_token"), url = text_of(object, "instance_url");
    int failed = 0;

    *ret_slow = false;
    while (url.n > 0 && url.p[url.n - 1] == '/')
        url.n--;
    if (status != 200) {
        failed = login_failed(status, object, ret_slow, err);
    } else if (!token_is_sound(token)) {
        failed = cf_err_set(err, CF_ERR_TRANSIENT, "sf", status, "the login answer has no access token");
    } else if (!sf_url_is_sound(opts->login_url, url)) {
        *ret_slow = true;
        failed =
            cf_err_set(err, CF_ERR_TRANSIENT, "sf", status, "the login answer has no usable instance URL");
    } else {
        ret_grant->token = strndup(token.p, token.n);
        ret_grant->instance_url = strndup(url.p, url.n);
        if (!ret_grant->token || !ret_grant->instance_url)
            abort();
    }
    json_decref(object);
    return failed;
}

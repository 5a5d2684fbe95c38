/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt.h"

#include <jansson.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "str/str.h"

#define ASSERTION_MAX_BYTES 16384U

/* Base64url without padding. Returns malloc'ed bytes with a NUL behind them, NULL when it is none. */
static unsigned char *decode(struct cf_str text, size_t *ret_size)
{
    size_t padded = (text.n + 3) / 4 * 4;
    char *plain;
    unsigned char *out;
    int n;

    if (text.n == 0 || text.n % 4 == 1 || text.n > ASSERTION_MAX_BYTES)
        return NULL;
    plain = cf_calloc(padded + 1, 1);
    out = cf_calloc(padded + 1, 1);
    for (size_t i = 0; i < padded; i++) {
        plain[i] = '=';
        if (i < text.n)
            plain[i] = text.p[i];
        if (plain[i] == '-')
            plain[i] = '+';
        else if (plain[i] == '_')
            plain[i] = '/';
    }
    n = EVP_DecodeBlock(out, (const unsigned char *)plain, (int)padded);
    free(plain);
    if (n < 0) {
        free(out);
        return NULL;
    }
    *ret_size = (size_t)n - (padded - text.n);
    out[*ret_size] = '\0';
    return out;
}

static json_t *decode_json(struct cf_str text)
{
    size_t size;
    unsigned char *bytes = decode(text, &size);
    json_t *json = bytes ? json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL) : NULL;

    free(bytes);
    if (json && !json_is_object(json)) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static bool signature_ok(EVP_PKEY *key, struct cf_str signed_text, struct cf_str signature)
{
    size_t size = 0;
    unsigned char *bytes = decode(signature, &size);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool ok = bytes && digest && key && EVP_DigestVerifyInit(digest, NULL, EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestVerify(digest, bytes, size, (const unsigned char *)signed_text.p, signed_text.n) == 1;

    EVP_MD_CTX_free(digest);
    free(bytes);
    ERR_clear_error();
    return ok;
}

static const char *without_scheme(const char *url)
{
    const char *mark = strstr(url, "://");

    return mark ? mark + 3 : url;
}

static bool audience_is(const struct sb_jwt_rules *rules, const json_t *audience)
{
    const char *text = json_string_value(audience);

    for (size_t i = 0; text && i < rules->audience_count; i++) {
        const char *known = without_scheme(rules->audiences[i]), *given = without_scheme(text);
        size_t n = strlen(known);

        /* A path behind the host is fine: "/services/oauth2/token" is what some clients send. */
        if (strncmp(known, given, n) == 0 && (given[n] == '\0' || given[n] == '/'))
            return true;
    }
    return false;
}

static bool audience_ok(const struct sb_jwt_rules *rules, const json_t *audience)
{
    for (size_t i = 0; i < json_array_size(audience); i++) {
        if (audience_is(rules, json_array_get(audience, i)))
            return true;
    }
    return audience_is(rules, audience);
}

static bool not_expired(const struct sb_jwt_rules *rules, const json_t *exp)
{
    uint64_t value;

    if (json_is_number(exp))
        return json_number_value(exp) > (double)rules->now_s;
    return json_is_string(exp) && cf_str_u64(cf_str_of(json_string_value(exp)), &value) &&
           value > (uint64_t)rules->now_s;
}

static bool text_is(const json_t *value, const char *wanted)
{
    return json_is_string(value) && strcmp(json_string_value(value), wanted) == 0;
}

static struct sb_jwt_refusal judge(const struct sb_jwt_rules *rules, const json_t *claims)
{
    if (!text_is(json_object_get(claims, "iss"), rules->client_id))
        return (struct sb_jwt_refusal){"invalid_client_id", "client identifier invalid"};
    if (!audience_ok(rules, json_object_get(claims, "aud")))
        return (struct sb_jwt_refusal){"invalid_grant", "audience is invalid"};
    if (!not_expired(rules, json_object_get(claims, "exp")))
        return (struct sb_jwt_refusal){"invalid_grant", "expired authorization code"};
    if (!text_is(json_object_get(claims, "sub"), rules->username) &&
        !text_is(json_object_get(claims, "prn"), rules->username))
        return (struct sb_jwt_refusal){"invalid_grant", "user hasn't approved this consumer"};
    return (struct sb_jwt_refusal){NULL, NULL};
}

int sb_jwt_check(const struct sb_jwt_rules *rules, const char *assertion, struct sb_jwt_refusal *ret_refusal)
{
    const char *first = strchr(assertion, '.'), *second = first ? strchr(first + 1, '.') : NULL;
    struct sb_jwt_refusal refusal = {"invalid_grant", "invalid assertion"};
    json_t *header, *claims;

    if (second && strlen(assertion) <= ASSERTION_MAX_BYTES) {
        header = decode_json((struct cf_str){assertion, (size_t)(first - assertion)});
        claims = decode_json((struct cf_str){first + 1, (size_t)(second - first - 1)});
        /* Only RS256: "none" and the HMAC family are the classic ways in. */
        if (header && claims && text_is(json_object_get(header, "alg"), "RS256") &&
            signature_ok(rules->key, (struct cf_str){assertion, (size_t)(second - assertion)},
                         cf_str_of(second + 1)))
            refusal = judge(rules, claims);
        json_decref(header);
        json_decref(claims);
    }
    if (!refusal.error)
        return 0;
    *ret_refusal = refusal;
    return -1;
}

EVP_PKEY *sb_jwt_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    EVP_PKEY *key = cert ? X509_get_pubkey(cert) : NULL;

    X509_free(cert);
    if (bio && !key && BIO_reset(bio) == 1)
        key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    if (bio && !key && BIO_reset(bio) == 1)
        key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (key && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

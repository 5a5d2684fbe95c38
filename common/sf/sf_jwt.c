/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "sf/sf_priv.h"

#define MIN_KEY_BITS 2048

static void add_base64url(struct cf_buf *out, const unsigned char *data, size_t n)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t bits = (uint32_t)data[i] << 16;

        bits |= left > 1 ? (uint32_t)data[i + 1] << 8 : 0;
        bits |= left > 2 ? (uint32_t)data[i + 2] : 0;
        cf_buf_char(out, letters[bits >> 18]);
        cf_buf_char(out, letters[bits >> 12 & 63]);
        if (left > 1)
            cf_buf_char(out, letters[bits >> 6 & 63]);
        if (left > 2)
            cf_buf_char(out, letters[bits & 63]);
    }
}

static void add_claims(struct cf_buf *out, const struct sf_claims *claims)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:I}", "iss", claims->issuer, "sub", claims->subject, "aud",
                               claims->audience, "exp", (json_int_t)claims->expires_s);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

    if (!text)
        abort(); /* out of memory, or options that cf_sf_new() should have refused */
    add_base64url(out, (const unsigned char *)text, strlen(text));
    free(text);
    json_decref(object);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): OpenSSL's signature */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
    (void)buf, (void)size, (void)rwflag, (void)arg;
    return 0; /* never ask on the terminal */
}

static EVP_PKEY *read_key(struct cf_str pem, struct cf_err *err)
{
    BIO *bio = pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

    BIO_free(bio);
    ERR_clear_error();
    if (!key || EVP_PKEY_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_bits(key) < MIN_KEY_BITS) {
        EVP_PKEY_free(key);
        cf_err_set(err, CF_ERR_CONFIG, "sf", 0,
                   "sf_jwt_key_file holds no usable key: a PEM RSA private key of 2048 bits or more, without "
                   "a passphrase");
        return NULL;
    }
    return key;
}

static int add_signature(EVP_PKEY *key, struct cf_buf *out, size_t from)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char signature[2048];
    size_t n = sizeof(signature);
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestSign(ctx, signature, &n, (const unsigned char *)out->p + from, out->n - from) == 1;

    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    if (!ok)
        return -1;
    cf_buf_char(out, '.');
    add_base64url(out, signature, n);
    return 0;
}

int sf_jwt_sign(struct cf_str pem, const struct sf_claims *claims, struct cf_buf *out, struct cf_err *err)
{
    static const char header[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
    EVP_PKEY *key = read_key(pem, err);
    size_t from = out->n;
    int failed;

    if (!key)
        return -1;
    add_base64url(out, (const unsigned char *)header, sizeof(header) - 1);
    cf_buf_char(out, '.');
    add_claims(out, claims);
    failed = out->full ? -1 : add_signature(key, out, from);
    EVP_PKEY_free(key);
    if (failed || out->full)
        return cf_err_set(err, CF_ERR_CONFIG, "sf", 0, "the JWT assertion could not be signed");
    return 0;
}

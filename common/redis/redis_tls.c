/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "redis/redis_priv.h"

struct redis_tls {
    SSL_CTX *ctx;
    SSL *ssl;      /* owns the two buffers */
    BIO *in, *out; /* from the socket, to the socket */
};

/* Takes the reason off OpenSSL's queue. */
static int fail(struct cf_err *err, enum cf_err_kind kind, const char *what)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return cf_err_set(err, kind, "redis", 0, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
}

static int load_files(SSL_CTX *ctx, const struct cf_redis_opts *opts, struct cf_err *err)
{
    if (opts->ca_file ? SSL_CTX_load_verify_file(ctx, opts->ca_file) != 1
                      : SSL_CTX_set_default_verify_paths(ctx) != 1)
        return fail(err, CF_ERR_CONFIG, "redis_ca_file");
    if (opts->cert_file && SSL_CTX_use_certificate_chain_file(ctx, opts->cert_file) != 1)
        return fail(err, CF_ERR_CONFIG, "redis_cert_file");
    if (opts->key_file && SSL_CTX_use_PrivateKey_file(ctx, opts->key_file, SSL_FILETYPE_PEM) != 1)
        return fail(err, CF_ERR_CONFIG, "redis_key_file");
    if (opts->key_file && SSL_CTX_check_private_key(ctx) != 1)
        return fail(err, CF_ERR_CONFIG, "redis_key_file does not belong to redis_cert_file");
    return 0;
}

static int set_peer(SSL *ssl, const char *host, struct cf_err *err)
{
    struct in6_addr address;
    char name[256]; /* OpenSSL's macro wants it without const */
    bool numeric = inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;

    (void)cf_str_copy(name, sizeof(name), cf_str_of(host));
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (numeric ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) != 1
                : SSL_set1_host(ssl, host) != 1 || SSL_set_tlsext_host_name(ssl, name) != 1)
        return fail(err, CF_ERR_CONFIG, "TLS host name");
    return 0;
}

struct redis_tls *cf_redis_tls_new(const struct cf_redis_opts *opts, const char *host, struct cf_err *err)
{
    struct redis_tls *tls = cf_calloc(1, sizeof(*tls));

    ERR_clear_error();
    tls->ctx = SSL_CTX_new(TLS_client_method());
    if (!tls->ctx || SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION) != 1)
        abort(); /* out of memory */
    (void)SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
    if (load_files(tls->ctx, opts, err) != 0) {
        cf_redis_tls_free(tls);
        return NULL;
    }
    tls->ssl = SSL_new(tls->ctx);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (!tls->ssl || !tls->in || !tls->out)
        abort(); /* out of memory */
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_connect_state(tls->ssl);
    if (set_peer(tls->ssl, host, err) != 0) {
        cf_redis_tls_free(tls);
        return NULL;
    }
    return tls;
}

void cf_redis_tls_free(struct redis_tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    SSL_CTX_free(tls->ctx);
    free(tls);
}

void cf_redis_tls_feed(struct redis_tls *tls, const void *data, size_t n)
{
    if (BIO_write(tls->in, data, (int)n) != (int)n)
        abort(); /* out of memory: a memory buffer takes everything else */
}

/* What a return value <= 0 of an SSL function means: 0 or -1. */
static int outcome(struct redis_tls *tls, int rc, const char *what, struct cf_err *err)
{
    int error = SSL_get_error(tls->ssl, rc);
    unsigned long code = ERR_peek_last_error();
    long verified = SSL_get_verify_result(tls->ssl);

    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return 0;
    if (error == SSL_ERROR_ZERO_RETURN)
        return cf_err_set(err, CF_ERR_TRANSIENT, "redis", 0, "the server closed the connection");
    if (verified != X509_V_OK) {
        ERR_clear_error();
        return cf_err_set(err, CF_ERR_CONFIG, "redis", 0, "the server's certificate is refused: %s",
                          X509_verify_cert_error_string(verified));
    }
    /* An alert is the peer's word about us: our certificate is missing, unknown or too old. */
    if (ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET)
        return fail(err, CF_ERR_CONFIG, "the server refuses our side of TLS");
    return fail(err, CF_ERR_TRANSIENT, what);
}

int cf_redis_tls_handshake(struct redis_tls *tls, struct cf_err *err)
{
    int rc;

    ERR_clear_error();
    rc = SSL_do_handshake(tls->ssl);
    return rc == 1 ? 1 : outcome(tls, rc, "TLS handshake failed", err);
}

int cf_redis_tls_read(struct redis_tls *tls, void *buf, size_t size, struct cf_err *err)
{
    int rc;

    ERR_clear_error();
    rc = SSL_read(tls->ssl, buf, (int)size);
    return rc > 0 ? rc : outcome(tls, rc, "TLS read failed", err);
}

int cf_redis_tls_write(struct redis_tls *tls, const void *data, size_t n, struct cf_err *err)
{
    int rc;

    ERR_clear_error();
    rc = SSL_write(tls->ssl, data, (int)n);
    if (rc == (int)n)
        return 0;
    /* The memory buffer takes all and renegotiation is off, so nothing is ever written in part. */
    return outcome(tls, rc, "TLS write failed", err) == 0
               ? cf_err_set(err, CF_ERR_TRANSIENT, "redis", 0, "TLS write interrupted")
               : -1;
}

void cf_redis_tls_pull(struct redis_tls *tls, struct cf_buf *wire)
{
    char *data;
    long n = BIO_get_mem_data(tls->out, &data);

    if (n > 0)
        cf_buf_add(wire, data, (size_t)n);
    (void)BIO_reset(tls->out);
}

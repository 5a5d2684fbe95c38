/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_certs - a throw-away CA with a server and a client certificate, as PEM files in a new directory.
 * Included by the tests of http and redis. Elliptic-curve keys: making three takes a few milliseconds.
 */
#ifndef CF_TEST_CERTS_H
#define CF_TEST_CERTS_H

#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct test_certs {
    char dir[64];
    char ca[96], cert[96], key[96], client_cert[96], client_key[96];
};

static void test_write_pem(const char *path, X509 *cert, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(
        cert ? PEM_write_X509(file, cert) : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, 0600), 0);
}

static void test_add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ck_assert_ptr_nonnull(ext);
    ck_assert_int_eq(X509_add_ext(cert, ext, -1), 1);
    X509_EXTENSION_free(ext);
}

/* `alt_names` NULL: a CA, signed by its own key. */
static X509 *test_make_cert(EVP_PKEY *key, const char *name, const char *alt_names, X509 *ca,
                            EVP_PKEY *ca_key)
{
    static long serial = 1;
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);

    ck_assert_int_eq(X509_set_version(cert, 2), 1);
    ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++), 1);
    ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notBefore(cert), -3600));
    ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
    ck_assert_int_eq(
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0), 1);
    ck_assert_int_eq(X509_set_issuer_name(cert, ca ? X509_get_subject_name(ca) : subject), 1);
    ck_assert_int_eq(X509_set_pubkey(cert, key), 1);
    test_add_extension(cert, ca ? ca : cert, NID_basic_constraints,
                       alt_names ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (alt_names)
        test_add_extension(cert, ca ? ca : cert, NID_subject_alt_name, alt_names);
    ck_assert_int_gt(X509_sign(cert, ca_key ? ca_key : key, EVP_sha256()), 0);
    return cert;
}

/** `server_names` is an X509v3 subjectAltName such as "IP:127.0.0.1". */
static void test_certs_make(struct test_certs *certs, const char *server_names)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256"), *client_key = EVP_EC_gen("P-256");
    X509 *ca = test_make_cert(ca_key, "callfleet test CA", NULL, NULL, NULL);
    X509 *cert = test_make_cert(key, "server", server_names, ca, ca_key);
    X509 *client_cert = test_make_cert(client_key, "client", "DNS:client", ca, ca_key);

    (void)snprintf(certs->dir, sizeof(certs->dir), "/tmp/cf-certs-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(certs->dir));
    (void)snprintf(certs->ca, sizeof(certs->ca), "%s/ca.pem", certs->dir);
    (void)snprintf(certs->cert, sizeof(certs->cert), "%s/cert.pem", certs->dir);
    (void)snprintf(certs->key, sizeof(certs->key), "%s/key.pem", certs->dir);
    (void)snprintf(certs->client_cert, sizeof(certs->client_cert), "%s/client-cert.pem", certs->dir);
    (void)snprintf(certs->client_key, sizeof(certs->client_key), "%s/client-key.pem", certs->dir);
    test_write_pem(certs->ca, ca, NULL);
    test_write_pem(certs->cert, cert, NULL);
    test_write_pem(certs->key, NULL, key);
    test_write_pem(certs->client_cert, client_cert, NULL);
    test_write_pem(certs->client_key, NULL, client_key);
    X509_free(ca);
    X509_free(cert);
    X509_free(client_cert);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    EVP_PKEY_free(client_key);
}

static void test_certs_remove(const struct test_certs *certs)
{
    (void)unlink(certs->ca);
    (void)unlink(certs->cert);
    (void)unlink(certs->key);
    (void)unlink(certs->client_cert);
    (void)unlink(certs->client_key);
    (void)rmdir(certs->dir);
}

#endif

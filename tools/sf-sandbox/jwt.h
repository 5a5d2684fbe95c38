/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jwt - the check of a JWT bearer assertion: RS256 signature, issuer, subject, audience, expiry.
 *
 * As lenient as Salesforce: `exp` may be a number or a text of digits and lie far in the future (the official
 * command line signs milliseconds), the audience may lack its scheme and may be a list.
 */
#ifndef SB_JWT_H
#define SB_JWT_H

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"

struct sb_jwt_rules {
    EVP_PKEY *key; /* NULL: every assertion is invalid */
    const char *client_id, *username;
    const char *const *audiences; /* URLs */
    size_t audience_count;
    int64_t now_s;
};

struct sb_jwt_refusal {
    const char *error, *description; /* static; the OAuth dialect */
};

/** 0 when the assertion is good, else -1 with the refusal. */
CF_CHECKED int sb_jwt_check(const struct sb_jwt_rules *rules, const char *assertion,
                            struct sb_jwt_refusal *ret_refusal);
/** A public key from PEM text: a certificate, a public key or (for convenience) a private key. NULL when
 * none. */
CF_CHECKED EVP_PKEY *sb_jwt_key(const char *pem);

#endif

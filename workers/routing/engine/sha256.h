/* SPDX-License-Identifier: Apache-2.0 */
/* sha256 - FIPS 180-4, for the state digest, so that the engine needs no cryptographic library. */
#ifndef CF_ENGINE_SHA256_H
#define CF_ENGINE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct cf_sha256 {
    uint32_t h[8];
    uint64_t n_bytes;
    uint8_t block[64];
};

void cf_sha256_init(struct cf_sha256 *sha);
void cf_sha256_add(struct cf_sha256 *sha, const void *data, size_t size);
void cf_sha256_done(struct cf_sha256 *sha, uint8_t ret_digest[32]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sha256.h"

#include <string.h>

static const uint32_t round_keys[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotr(uint32_t x, unsigned n)
{
    return (x >> n) | (x << (32 - n));
}

static uint32_t load(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void expand(const uint8_t *block, uint32_t ret_w[64])
{
    for (size_t i = 0; i < 16; i++)
        ret_w[i] = load(block + 4 * i);
    for (size_t i = 16; i < 64; i++) {
        uint32_t a = ret_w[i - 15], b = ret_w[i - 2];

        ret_w[i] = ret_w[i - 16] + ret_w[i - 7] + (rotr(a, 7) ^ rotr(a, 18) ^ (a >> 3)) +
                   (rotr(b, 17) ^ rotr(b, 19) ^ (b >> 10));
    }
}

/* The eight working variables turn instead of moving: in round i, variable k is s[(k - i) mod 8]. */
#define VARIABLE(k) s[((k) + 64 - i) % 8]

static void transform(struct cf_sha256 *sha)
{
    uint32_t w[64], s[8];

    expand(sha->block, w);
    memcpy(s, sha->h, sizeof(s));
    for (size_t i = 0; i < 64; i++) {
        uint32_t a = VARIABLE(0), b = VARIABLE(1), c = VARIABLE(2), e = VARIABLE(4);
        uint32_t t1 = VARIABLE(7) + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) +
                      ((e & VARIABLE(5)) ^ (~e & VARIABLE(6))) + round_keys[i] + w[i];

        VARIABLE(3) += t1;
        VARIABLE(7) = t1 + (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    }
    for (size_t i = 0; i < 8; i++)
        sha->h[i] += s[i];
}

void cf_sha256_init(struct cf_sha256 *sha)
{
    *sha = (struct cf_sha256){.h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                                    0x1f83d9ab, 0x5be0cd19}};
}

void cf_sha256_add(struct cf_sha256 *sha, const void *data, size_t size)
{
    const uint8_t *p = data;

    while (size > 0) {
        size_t used = sha->n_bytes % sizeof(sha->block);
        size_t n = sizeof(sha->block) - used < size ? sizeof(sha->block) - used : size;

        memcpy(sha->block + used, p, n);
        sha->n_bytes += n;
        p += n;
        size -= n;
        if (used + n == sizeof(sha->block))
            transform(sha);
    }
}

void cf_sha256_done(struct cf_sha256 *sha, uint8_t ret_digest[32])
{
    static const uint8_t pad[64] = {0x80};
    uint64_t bits = sha->n_bytes * 8;
    size_t used = sha->n_bytes % 64;
    uint8_t length[8];

    for (size_t i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    cf_sha256_add(sha, pad, (used < 56 ? 56 : 120) - used);
    cf_sha256_add(sha, length, sizeof(length));
    for (size_t i = 0; i < 32; i++)
        ret_digest[i] = (uint8_t)(sha->h[i / 4] >> (24 - 8 * (i % 4)));
}

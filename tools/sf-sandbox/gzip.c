/* SPDX-License-Identifier: Apache-2.0 */
#include "gzip.h"

#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

#define GZIP_WINDOW (15 + 16)
#define PIECE ((size_t)64 << 10)
#define MIB ((size_t)1 << 20)
#define BOMB_MIB_MAX 16384U
#define HEAD_BYTES 10U
#define TAIL_BYTES 8U

char *sb_gzip(struct cf_str text, size_t *ret_size)
{
    z_stream z = {0};
    char *out;

    if (deflateInit2(&z, 1, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort(); /* out of memory */
    z.avail_out = (uInt)deflateBound(&z, text.n);
    out = cf_calloc(1, z.avail_out);
    z.next_in = (const Bytef *)text.p;
    z.avail_in = (uInt)text.n;
    z.next_out = (Bytef *)out;
    (void)deflate(&z, Z_FINISH); /* the bound is enough */
    *ret_size = z.total_out;
    (void)deflateEnd(&z);
    return out;
}

int sb_gunzip(struct cf_str body, struct cf_buf *out)
{
    z_stream z = {0};
    char *piece = cf_calloc(1, PIECE);
    int rc = inflateInit2(&z, GZIP_WINDOW);

    z.next_in = (const Bytef *)body.p;
    z.avail_in = (uInt)body.n;
    while (rc == Z_OK && !out->full) {
        z.next_out = (Bytef *)piece;
        z.avail_out = (uInt)PIECE;
        rc = inflate(&z, Z_NO_FLUSH);
        if (rc == Z_OK || rc == Z_STREAM_END)
            cf_buf_add(out, piece, PIECE - z.avail_out);
        if (rc == Z_OK && z.avail_in == 0 && z.avail_out > 0)
            rc = Z_DATA_ERROR; /* cut short */
    }
    (void)inflateEnd(&z);
    free(piece);
    return rc == Z_STREAM_END && !out->full ? 0 : -1;
}

/* One MiB of spaces that ends on a byte and refers to nothing before it, so it can be repeated. */
static size_t pack_mib(const char *spaces, char *out, size_t size)
{
    z_stream z = {0};

    if (deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    z.next_in = (const Bytef *)spaces;
    z.avail_in = (uInt)MIB;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)size;
    (void)deflate(&z, Z_FULL_FLUSH);
    (void)deflateEnd(&z);
    return z.total_out;
}

static void put_le32(char *out, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (char)(value >> (8 * i) & 0xff);
}

char *sb_gzip_bomb(uint64_t bytes, size_t *ret_size)
{
    static const char head[HEAD_BYTES] = {0x1f, (char)0x8b, 8};
    uint64_t n = bytes / MIB > 0 ? bytes / MIB : 1;
    char *spaces = cf_calloc(1, MIB), *block = cf_calloc(1, PIECE), *out;
    size_t size, at = HEAD_BYTES;
    uLong crc, all = 0;

    n = n > BOMB_MIB_MAX ? BOMB_MIB_MAX : n;
    memset(spaces, ' ', MIB);
    size = pack_mib(spaces, block, PIECE);
    crc = crc32(0, (const Bytef *)spaces, (uInt)MIB);
    out = cf_calloc(1, HEAD_BYTES + n * size + 2 + TAIL_BYTES);
    memcpy(out, head, HEAD_BYTES);
    for (uint64_t i = 0; i < n; i++, at += size) {
        memcpy(out + at, block, size);
        all = i == 0 ? crc : crc32_combine(all, crc, (z_off_t)MIB);
    }
    out[at] = 3; /* the last block, empty */
    out[at + 1] = 0;
    put_le32(out + at + 2, (uint32_t)all);
    put_le32(out + at + 6, (uint32_t)(n * MIB));
    free(spaces);
    free(block);
    *ret_size = at + 2 + TAIL_BYTES;
    return out;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "offsets/offsets.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define RAW_MAX (CF_OFFSETS_TEXT_MAX / 4 * 3)
#define FULL_BYTES (RAW_MAX * 3 / 4)
#define FORMAT 0xC1U /* first raw byte: this module's format 1 */

struct range {
    int64_t first, end; /* [first, end) */
};

struct entry {
    int64_t offset;
    bool done;
};

struct cf_offsets {
    struct entry *ring; /* taken records from the first that is not done; `size` is a power of two */
    size_t head, n, size;
    int64_t next; /* behind the last taken record */
    uint32_t open;
    uint32_t runs; /* maximal runs of done entries in the ring */
    /* Done offsets of the commit we started from that were not read again yet, ascending. */
    struct range *restored;
    size_t n_restored, first_restored;
};

static struct entry *at(const struct cf_offsets *offsets, size_t i)
{
    return &offsets->ring[(offsets->head + i) & (offsets->size - 1)];
}

static size_t put_varint(unsigned char *out, uint64_t value)
{
    size_t n = 0;

    while (value >= 0x80) {
        out[n++] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    out[n++] = (unsigned char)value;
    return n;
}

static bool take_varint(const unsigned char *raw, size_t n, size_t *pos, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (unsigned shift = 0; *pos < n && shift < 63; shift += 7) {
        unsigned char byte = raw[(*pos)++];

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

/* Reads the runs behind the format byte: distance to the next done run, its length, and so on. */
static int read_runs(struct cf_offsets *offsets, const unsigned char *raw, size_t n, struct cf_err *err)
{
    int64_t where = offsets->next;
    uint64_t gap, length;
    size_t pos = 1;

    offsets->restored = cf_calloc(n, sizeof(*offsets->restored));
    while (pos < n) {
        if (!take_varint(raw, n, &pos, &gap) || !take_varint(raw, n, &pos, &length) || length == 0 ||
            gap > INT32_MAX || length > INT32_MAX)
            return cf_err_set(
                err, CF_ERR_FATAL, "offsets", 0,
                "the committed metadata is damaged at byte %zu: reset the group's offsets by hand", pos);
        where += (int64_t)gap;
        offsets->restored[offsets->n_restored++] = (struct range){where, where + (int64_t)length};
        where += (int64_t)length;
    }
    return 0;
}

static int restore(struct cf_offsets *offsets, struct cf_str metadata, struct cf_err *err)
{
    unsigned char raw[RAW_MAX + 4];
    int n;

    if (metadata.n < 4 || metadata.n > CF_OFFSETS_TEXT_MAX || metadata.n % 4 != 0)
        return 0;
    n = EVP_DecodeBlock(raw, (const unsigned char *)metadata.p, (int)metadata.n);
    if (n < 1 || raw[0] != FORMAT)
        return 0;
    /* EVP_DecodeBlock counts the padding. */
    if (metadata.p[metadata.n - 1] == '=')
        n--;
    if (metadata.p[metadata.n - 2] == '=')
        n--;
    return read_runs(offsets, raw, (size_t)n, err);
}

int cf_offsets_new(int64_t next, struct cf_str metadata, struct cf_offsets **ret_offsets, struct cf_err *err)
{
    struct cf_offsets *offsets = cf_calloc(1, sizeof(*offsets));

    offsets->next = next;
    offsets->size = 64;
    offsets->ring = cf_calloc(offsets->size, sizeof(*offsets->ring));
    if (restore(offsets, metadata, err) < 0) {
        cf_offsets_free(offsets);
        return -1;
    }
    *ret_offsets = offsets;
    return 0;
}

void cf_offsets_free(struct cf_offsets *offsets)
{
    if (!offsets)
        return;
    free(offsets->ring);
    free(offsets->restored);
    free(offsets);
}

/* Upper bound of the encoded size once every open record has become a run of its own: two varints a run, of
 * one byte up to 127; a longer length takes a second byte per 128 offsets, so W/64 covers all bytes beyond
 * the first. */
static uint64_t worst_bytes(const struct cf_offsets *offsets)
{
    uint64_t window = offsets->n ? (uint64_t)(offsets->next - at(offsets, 0)->offset) : 0;
    uint64_t runs = (uint64_t)offsets->runs + offsets->open + offsets->n_restored - offsets->first_restored;

    return 2 * runs + window / 64 + 16;
}

bool cf_offsets_may_take(const struct cf_offsets *offsets)
{
    return worst_bytes(offsets) < FULL_BYTES;
}

static void grow(struct cf_offsets *offsets)
{
    struct entry *ring = cf_calloc(offsets->size * 2, sizeof(*ring));

    for (size_t i = 0; i < offsets->n; i++)
        ring[i] = *at(offsets, i);
    free(offsets->ring);
    offsets->ring = ring;
    offsets->head = 0;
    offsets->size *= 2;
}

/* Drops the done entries at the front: the watermark moves. */
static void advance(struct cf_offsets *offsets)
{
    bool in_run = false;

    while (offsets->n > 0 && at(offsets, 0)->done) {
        in_run = true;
        offsets->head = (offsets->head + 1) & (offsets->size - 1);
        offsets->n--;
    }
    if (in_run)
        offsets->runs--;
}

static bool was_restored(struct cf_offsets *offsets, int64_t offset)
{
    while (offsets->first_restored < offsets->n_restored &&
           offsets->restored[offsets->first_restored].end <= offset)
        offsets->first_restored++;
    return offsets->first_restored < offsets->n_restored &&
           offsets->restored[offsets->first_restored].first <= offset;
}

bool cf_offsets_take(struct cf_offsets *offsets, int64_t offset)
{
    bool done = was_restored(offsets, offset);

    assert(offset >= offsets->next);
    if (offsets->n == offsets->size)
        grow(offsets);
    if (done && (offsets->n == 0 || !at(offsets, offsets->n - 1)->done))
        offsets->runs++;
    *at(offsets, offsets->n) = (struct entry){.offset = offset, .done = done};
    offsets->n++;
    offsets->next = offset + 1;
    if (done)
        advance(offsets);
    else
        offsets->open++;
    return !done;
}

static size_t find(const struct cf_offsets *offsets, int64_t offset)
{
    size_t low = 0, high = offsets->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (at(offsets, mid)->offset < offset)
            low = mid + 1;
        else
            high = mid;
    }
    assert(low < offsets->n && at(offsets, low)->offset == offset);
    return low;
}

void cf_offsets_done(struct cf_offsets *offsets, int64_t offset)
{
    size_t i = find(offsets, offset);
    bool before = i > 0 && at(offsets, i - 1)->done;
    bool behind = i + 1 < offsets->n && at(offsets, i + 1)->done;

    assert(!at(offsets, i)->done);
    at(offsets, i)->done = true;
    offsets->open--;
    if (before && behind)
        offsets->runs--;
    else if (!before && !behind)
        offsets->runs++;
    if (i == 0)
        advance(offsets);
}

void cf_offsets_skip_to(struct cf_offsets *offsets, int64_t next)
{
    assert(offsets->n == 0);
    if (next > offsets->next)
        offsets->next = next;
}

int64_t cf_offsets_watermark(const struct cf_offsets *offsets)
{
    int64_t next = offsets->next;

    if (offsets->n)
        return at(offsets, 0)->offset;
    /* What was done before the restart need not be read again to be below the watermark. */
    for (size_t i = offsets->first_restored; i < offsets->n_restored && offsets->restored[i].first <= next;
         i++) {
        if (offsets->restored[i].end > next)
            next = offsets->restored[i].end;
    }
    return next;
}

uint32_t cf_offsets_open(const struct cf_offsets *offsets)
{
    return offsets->open;
}

struct writer {
    unsigned char raw[RAW_MAX + 32];
    size_t n;
    int64_t where; /* offsets before it are described */
};

static void put_run(struct writer *w, int64_t first, int64_t end)
{
    if (w->n > RAW_MAX - 20)
        abort(); /* cf_offsets_may_take() was not asked */
    w->n += put_varint(w->raw + w->n, (uint64_t)(first - w->where));
    w->n += put_varint(w->raw + w->n, (uint64_t)(end - first));
    w->where = end;
}

/* A run includes the gaps inside it: nothing will ever be read there. */
static void put_ring(struct writer *w, const struct cf_offsets *offsets)
{
    size_t i = 0;

    while (i < offsets->n) {
        size_t first;

        while (i < offsets->n && !at(offsets, i)->done)
            i++;
        first = i;
        while (i < offsets->n && at(offsets, i)->done)
            i++;
        if (first < i)
            put_run(w, at(offsets, first)->offset, at(offsets, i - 1)->offset + 1);
    }
}

size_t cf_offsets_encode(const struct cf_offsets *offsets, char ret_text[CF_OFFSETS_TEXT_MAX + 1])
{
    struct writer w = {.n = 1, .where = cf_offsets_watermark(offsets)};

    w.raw[0] = FORMAT;
    put_ring(&w, offsets);
    for (size_t i = offsets->first_restored; i < offsets->n_restored; i++) {
        const struct range *range = &offsets->restored[i];
        int64_t first = range->first < w.where ? w.where : range->first;

        if (first < range->end)
            put_run(&w, first, range->end);
    }
    ret_text[0] = '\0';
    return w.n == 1 ? 0 : (size_t)EVP_EncodeBlock((unsigned char *)ret_text, w.raw, (int)w.n);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "arena/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_BLOCK_BYTES ((size_t)4096)
#define MAX_BLOCK_BYTES ((size_t)256 * 1024)
#define KEPT_BLOCK_BYTES ((size_t)16 * 1024) /* a cleared arena keeps its largest block up to this size */

struct block {
    struct block *older;
    size_t size, used;
    alignas(max_align_t) char data[];
};

struct owned {
    struct owned *older;
    void *object;
    cf_arena_free_fn *release;
};

struct cf_arena {
    struct block *newest;
    struct owned *owned;
    size_t total, limit;
};

static void add_block(struct cf_arena *arena, size_t at_least)
{
    size_t size = arena->newest ? arena->newest->size * 2 : FIRST_BLOCK_BYTES;
    size_t left = arena->limit - arena->total;
    struct block *block;

    if (size > MAX_BLOCK_BYTES)
        size = MAX_BLOCK_BYTES;
    if (size > left)
        size = left;
    if (size < at_least)
        size = at_least;
    if (size > left)
        abort();
    block = malloc(sizeof(*block) + size);
    if (!block)
        abort();
    block->older = arena->newest;
    block->size = size;
    block->used = 0;
    arena->newest = block;
    arena->total += size;
}

struct cf_arena *cf_arena_new(size_t limit_bytes)
{
    struct cf_arena *arena = cf_calloc(1, sizeof(*arena));

    arena->limit = limit_bytes;
    return arena;
}

void cf_arena_clear(struct cf_arena *arena)
{
    struct owned *owned = arena->owned;

    /* The records of owned objects live in the blocks, so they go first. */
    while (owned) {
        struct owned *older = owned->older;

        owned->release(owned->object);
        owned = older;
    }
    arena->owned = NULL;
    while (arena->newest && arena->newest->older) {
        struct block *block = arena->newest, *older = block->older;

        /* Blocks double: the newer of two is the larger one, and what a job needed once the next one needs
         * too. */
        if (block->size <= KEPT_BLOCK_BYTES) {
            block->older = older->older;
            arena->total -= older->size;
            free(older);
        } else {
            arena->newest = older;
            arena->total -= block->size;
            free(block);
        }
    }
    if (arena->newest)
        arena->newest->used = 0;
}

void cf_arena_free(struct cf_arena *arena)
{
    if (!arena)
        return;
    cf_arena_clear(arena);
    free(arena->newest);
    free(arena);
}

size_t cf_arena_size(const struct cf_arena *arena)
{
    return arena->total;
}

void *cf_arena_alloc(struct cf_arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct block *block = arena->newest;
    void *memory;

    if (size > arena->limit) /* also keeps the rounding from wrapping to 0 */
        abort();
    size = (size + align - 1) & ~(align - 1);
    if (!block || block->size - block->used < size) {
        add_block(arena, size);
        block = arena->newest;
    }
    memory = block->data + block->used;
    block->used += size;
    return memory;
}

void *cf_arena_zalloc(struct cf_arena *arena, size_t size)
{
    return memset(cf_arena_alloc(arena, size), 0, size);
}

struct cf_str cf_arena_str(struct cf_arena *arena, struct cf_str view)
{
    return (struct cf_str){.p = cf_arena_cstr(arena, view), .n = view.n};
}

const char *cf_arena_cstr(struct cf_arena *arena, struct cf_str view)
{
    char *copy = cf_arena_alloc(arena, view.n + 1);

    if (view.n > 0)
        memcpy(copy, view.p, view.n);
    copy[view.n] = '\0';
    return copy;
}

struct cf_str cf_arena_printf(struct cf_arena *arena, const char *fmt, ...)
{
    struct cf_str text = {0};
    va_list ap, again;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n >= 0) {
        char *memory = cf_arena_alloc(arena, (size_t)n + 1);

        (void)vsnprintf(memory, (size_t)n + 1, fmt, again);
        text = (struct cf_str){.p = memory, .n = (size_t)n};
    }
    va_end(again);
    return text;
}

void *cf_arena_own(struct cf_arena *arena, void *object, cf_arena_free_fn *release)
{
    struct owned *owned = cf_arena_alloc(arena, sizeof(*owned));

    owned->older = arena->owned;
    owned->object = object;
    owned->release = release;
    arena->owned = owned;
    return object;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The reader on any bytes: what it accepts can be written and read again, and is then the same text. The
 * writer on any bytes: what it writes can be read, but for NUL. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "json/json.h"

#define MAX_TEXT_BYTES (16UL << 20)

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool truth)
{
    if (!truth)
        abort();
}

static const struct cf_json *parse(struct cf_arena *arena, struct cf_str text)
{
    struct cf_err err;

    cf_arena_clear(arena);
    return cf_json_parse(arena, text, &err);
}

static void write_node(struct cf_buf *buf, const struct cf_json *node)
{
    struct cf_jsonw w;

    cf_jsonw_init(&w, buf);
    cf_jsonw_node(&w, node);
    expect(w.depth == 0 && !buf->full);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct cf_str text = {(const char *)data, size};
    struct cf_arena *arena = cf_arena_new(CF_JSON_ARENA_BYTES);
    const struct cf_json *node = parse(arena, text);
    struct cf_buf once, twice;
    struct cf_jsonw w;

    cf_buf_init(&once, MAX_TEXT_BYTES);
    cf_buf_init(&twice, MAX_TEXT_BYTES);
    if (node) {
        write_node(&once, node);
        node = parse(arena, cf_buf_view(&once));
        expect(node != NULL);
        write_node(&twice, node);
        expect(cf_str_eq(cf_buf_view(&once), cf_buf_view(&twice)));
    }
    cf_buf_clear(&once);
    cf_jsonw_init(&w, &once);
    cf_jsonw_str(&w, text);
    node = parse(arena, cf_buf_view(&once));
    expect((size > 0 && memchr(data, 0, size)) ? !node : node && cf_json_utf8_ok(node->u.str));
    expect(!node || !cf_json_utf8_ok(text) || cf_str_eq(node->u.str, text));
    cf_buf_done(&once);
    cf_buf_done(&twice);
    cf_arena_free(arena);
    return 0;
}

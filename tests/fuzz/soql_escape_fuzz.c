/* SPDX-License-Identifier: Apache-2.0 */
/* Property: no text, once escaped, ends its quoted literal, or is a wildcard, or makes a bad escape; a SOSL
 * term is the text again without its backslashes. */
#include <stdlib.h>

#include "sf/sf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct cf_str literal, bool like)
{
    for (size_t i = 0; i < literal.n; i++) {
        char c = literal.p[i];

        if (c == '\'' || c == '"' || (unsigned char)c < 0x20 || (like && (c == '%' || c == '_')))
            abort();
        if (c != '\\')
            continue;
        i++;
        if (i == literal.n || literal.p[i] == '\0' ||
            !strchr(like ? "nrtbf\"'\\u%_" : "nrtbf\"'\\u", literal.p[i]))
            abort();
    }
}

static void check_sosl(struct cf_str escaped, struct cf_str text)
{
    size_t at = 0;

    for (size_t i = 0; i < escaped.n; i++, at++) {
        bool reserved = escaped.p[i] != '\0' && strchr("?&|!{}[]()^~*:\\\"'+-", escaped.p[i]);

        if (reserved && (escaped.p[i] != '\\' || ++i == escaped.n))
            abort();
        if (at == text.n || escaped.p[i] != text.p[at])
            abort();
    }
    if (at != text.n)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cf_str text = {(const char *)data, size};
    struct cf_buf buf;

    cf_buf_init(&buf, 8 * size + 16);
    cf_soql_escape(&buf, text);
    check(cf_buf_view(&buf), false);
    cf_buf_clear(&buf);
    cf_soql_escape_like(&buf, text);
    check(cf_buf_view(&buf), true);
    cf_buf_clear(&buf);
    cf_sosl_escape(&buf, text);
    if (buf.full)
        abort();
    check_sosl(cf_buf_view(&buf), text);
    cf_buf_done(&buf);
    return 0;
}

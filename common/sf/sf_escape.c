/* SPDX-License-Identifier: Apache-2.0 */
#include "sf/sf_priv.h"

/* The letter behind the backslash, 0 when the byte needs none. */
static char short_escape(char byte)
{
    switch (byte) {
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '"':
    case '\'':
    case '\\':
        return byte;
    default:
        return 0;
    }
}

static void escape_byte(struct cf_buf *buf, char byte)
{
    char letter = short_escape(byte);

    if (letter) {
        cf_buf_char(buf, '\\');
        cf_buf_char(buf, letter);
    } else if ((unsigned char)byte < 0x20 || byte == 0x7f) {
        cf_buf_printf(buf, "\\u%04X", (unsigned)(unsigned char)byte);
    } else {
        cf_buf_char(buf, byte);
    }
}

void cf_soql_escape(struct cf_buf *buf, struct cf_str text)
{
    for (size_t i = 0; i < text.n; i++)
        escape_byte(buf, text.p[i]);
}

void cf_soql_escape_like(struct cf_buf *buf, struct cf_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '%' || text.p[i] == '_')
            cf_buf_char(buf, '\\');
        escape_byte(buf, text.p[i]);
    }
}

void cf_sosl_escape(struct cf_buf *buf, struct cf_str text)
{
    static const char reserved[] = "?&|!{}[]()^~*:\\\"'+-";

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '\0' && strchr(reserved, text.p[i]))
            cf_buf_char(buf, '\\');
        cf_buf_char(buf, text.p[i]);
    }
}

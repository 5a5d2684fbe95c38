/* SPDX-License-Identifier: Apache-2.0 */
/* phone_text - what stands around a number is taken off before libphonenumber sees it, and only ASCII is
 * left. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>

#include "phone/phone_text.h"

#define MAX_READ_BYTES 250U

/* ---- Unicode to ASCII ---- */

/* Decodes one UTF-8 sequence; 0 and one byte when it is none. */
static uint32_t decode(const unsigned char *p, size_t n, size_t *ret_size)
{
    size_t want = p[0] < 0x80 ? 1 : (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : 4;
    uint32_t code = want == 1 ? p[0] : p[0] & (0x7fU >> want);

    *ret_size = 1;
    if (want > n || (p[0] & 0xc0) == 0x80 || p[0] >= 0xf8)
        return 0;
    for (size_t i = 1; i < want; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    *ret_size = want;
    return code;
}

/* The ASCII byte that means the same in a telephone number; a space for all that means nothing there. */
static char to_ascii(uint32_t code)
{
    static const uint32_t zeros[] = {0x0660, 0x06f0, 0x0966, 0x09e6, 0x0e50}; /* Arabic .. Thai digits */

    if (code >= 0x20 && code < 0x7f)
        return (char)code;
    if (code >= 0xff01 && code <= 0xff5e) /* full-width forms of ASCII */
        return (char)(code - 0xff01 + '!');
    if ((code >= 0x2010 && code <= 0x2015) || code == 0x2212 || code == 0x30fc)
        return '-';
    for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++) {
        if (code >= zeros[i] && code <= zeros[i] + 9)
            return (char)('0' + (code - zeros[i]));
    }
    return ' ';
}

void cf_phone_text_clean(struct cf_str from, char ret_text[CF_PHONE_TEXT_SIZE])
{
    const unsigned char *p = (const unsigned char *)from.p;
    size_t limit = from.n < MAX_READ_BYTES ? from.n : MAX_READ_BYTES, at = 0, n = 0, size;

    while (at < limit) {
        char c = to_ascii(decode(p + at, limit - at, &size));

        at += size;
        if (c != ' ' || (n > 0 && ret_text[n - 1] != ' '))
            ret_text[n++] = c;
    }
    while (n > 0 && ret_text[n - 1] == ' ')
        n--;
    ret_text[n] = '\0';
}

/* ---- URIs ---- */

static bool cut_prefix(const char **text, const char *prefix)
{
    const char *p = *text;

    for (; *prefix; prefix++, p++) {
        if (tolower((unsigned char)*p) != *prefix)
            return false;
    }
    *text = p;
    return true;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'         ? c - '0'
           : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                        : -1;
}

/* %2B is +; what is decoded to anything but printable ASCII becomes a space. */
static void percent_decode(char *text)
{
    char *to = text;

    for (; *text; text++) {
        int high = *text == '%' ? hex(text[1]) : -1;
        int low = high >= 0 ? hex(text[2]) : -1;

        if (low >= 0) {
            int code = high * 16 + low;

            *to++ = (char)(code >= 0x20 && code < 0x7f ? code : ' ');
            text += 2;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
}

/* Cuts the parameters off; ";ext=" goes behind the number, ";phone-context=+49" in front of a local one. */
static void apply_parameters(char text[CF_PHONE_TEXT_SIZE])
{
    char number[CF_PHONE_TEXT_SIZE], extension[8] = "", context[8] = "", *next, *part = strchr(text, ';');

    if (part)
        *part++ = '\0';
    for (; part; part = next) {
        const char *value = part;

        next = strchr(part, ';');
        if (next)
            *next++ = '\0';
        if (cut_prefix(&value, "ext="))
            (void)cf_str_copy(extension, sizeof(extension), cf_str_of(value));
        else if (cut_prefix(&value, "phone-context=") && value[0] == '+')
            (void)cf_str_copy(context, sizeof(context), cf_str_of(value));
    }
    if (strchr(text, '+'))
        context[0] = '\0';
    (void)snprintf(number, sizeof(number), "%s%.200s%s%s", context, text, extension[0] ? " ext. " : "",
                   extension);
    (void)cf_str_copy(text, CF_PHONE_TEXT_SIZE, cf_str_of(number));
}

void cf_phone_text_unwrap(char text[CF_PHONE_TEXT_SIZE])
{
    static const char *const schemes[] = {"sip:", "sips:", "tel:", "callto:", "phone:"};
    const char *from = text, *open = strchr(text, '<');
    char *end;
    bool is_uri = false;

    if (open && strchr(open, '>')) { /* "Name" <sip:...> */
        from = open + 1;
        *strchr(text, '>') = '\0';
    }
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]) && !is_uri; i++)
        is_uri = cut_prefix(&from, schemes[i]);
    memmove(text, from, strlen(from) + 1);
    end = strchr(text, '@');
    if (end)
        *end = '\0';
    if (is_uri || end) {
        end = strchr(text, ':'); /* a password, or the port of a bare host */
        if (end)
            *end = '\0';
        percent_decode(text);
    }
    apply_parameters(text);
}

/* ---- words ---- */

bool cf_phone_text_is_withheld(const char *text)
{
    /* Letters only, lower case. The digits are how switches spell a word on a keypad behind a plus. */
    static const char *const words[] = {"",
                                        "anonymous",
                                        "unavailable",
                                        "restricted",
                                        "private",
                                        "unknown",
                                        "withheld",
                                        "blocked",
                                        "hidden",
                                        "nocallerid",
                                        "notavailable",
                                        "privatenumber",
                                        "privatecaller",
                                        "unknownnumber",
                                        "unknowncaller",
                                        "privateunknown",
                                        "outofarea",
                                        "anonymouscaller",
                                        "callerunknown",
                                        "numberwithheld",
                                        "suppressed",
                                        "none",
                                        "null",
                                        "na",
                                        "p",
                                        "o",
                                        "u",
                                        "anonym",
                                        "unbekannt",
                                        "anonyme",
                                        "inconnu",
                                        "prive",
                                        "privado",
                                        "desconocido",
                                        "anonimo",
                                        "sconosciuto"};
    static const char *const spelled[] = {"+266696687", "+7378742833",  "+2562533", "+8566696",
                                          "+8656696",   "+86282452253", "+464"};
    char letters[24];
    size_t n = 0;

    for (size_t i = 0; i < sizeof(spelled) / sizeof(spelled[0]); i++) {
        if (strcmp(text, spelled[i]) == 0)
            return true;
    }
    for (; *text; text++) {
        if (isdigit((unsigned char)*text) || n + 1 == sizeof(letters))
            return false;
        if (isalpha((unsigned char)*text))
            letters[n++] = (char)tolower((unsigned char)*text);
    }
    letters[n] = '\0';
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(letters, words[i]) == 0)
            return true;
    }
    return false;
}

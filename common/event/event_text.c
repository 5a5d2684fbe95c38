/* SPDX-License-Identifier: Apache-2.0 */
/* What a text may be: the patterns of the schemas, written by hand. The text is valid UTF-8. */
#include "clock/clock.h"
#include "event/event_priv.h"

#define MIN_WALL_MS (-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define MAX_WALL_MS 253402300799999   /* 9999-12-31T23:59:59.999Z */

bool cf_event_text_ok(struct cf_str text, int64_t min, int64_t max)
{
    int64_t points = 0;

    /* A code point takes 1 to 4 bytes, so most texts need no counting. */
    if (text.n <= (uint64_t)max && (min == 0 || (min == 1 && text.n > 0)))
        return true;
    for (size_t i = 0; i < text.n; i++)
        points += (text.p[i] & 0xc0) != 0x80;
    return points >= min && points <= max;
}

/* How many bytes at the front, in steps of eight, are ASCII without control characters. */
static size_t plain_words(struct cf_str text)
{
    const uint64_t ones = 0x0101010101010101U, highs = 0x8080808080808080U;
    size_t n = 0;

    for (uint64_t word; text.n - n >= sizeof(word); n += sizeof(word)) {
        memcpy(&word, text.p + n, sizeof(word));
        if ((word | (word - ones * 0x20) | ((word ^ (ones * 0x7f)) - ones)) & highs)
            break;
    }
    return n;
}

bool cf_event_word_ok(struct cf_str text, int64_t min, int64_t max)
{
    for (size_t i = plain_words(text); i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (c < 0x20 || c == 0x7f)
            return false;
        /* U+0080 to U+009F */
        if (c == 0xc2 && i + 1 < text.n && (unsigned char)text.p[i + 1] < 0xa0)
            return false;
    }
    return cf_event_text_ok(text, min, max);
}

/* The clock reads any second 60; RFC 3339 has it only where UTC inserts it. */
static bool leap_ok(struct cf_str text)
{
    struct cf_str zone = {text.p + text.n - 6, 6};

    if (text.p[17] != '6')
        return true;
    if (memcmp(text.p + 11, "23:59", 5) != 0)
        return false;
    return text.p[text.n - 1] == 'Z' || text.p[text.n - 1] == 'z' || cf_str_is(zone, "+00:00") ||
           cf_str_is(zone, "-00:00");
}

bool cf_event_time_ok(struct cf_str text, int64_t *ret_wall_ms)
{
    int64_t wall_ms;

    if (!cf_clock_parse(text, &wall_ms) || !leap_ok(text))
        return false;
    /* An offset may reach past the years that have a text form. */
    if (wall_ms < MIN_WALL_MS)
        wall_ms = MIN_WALL_MS;
    if (wall_ms > MAX_WALL_MS)
        wall_ms = MAX_WALL_MS;
    *ret_wall_ms = wall_ms;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner that walks JSON text without keeping anything of it. */
#include "engine/policy_where.h"

#include <stdbool.h>
#include <stdint.h>

#include "json/json.h"

struct scan {
    struct cf_str text;
    size_t at;
};

static char peek(struct scan *s)
{
    while (s->at < s->text.n && (s->text.p[s->at] == ' ' || s->text.p[s->at] == '\t' ||
                                 s->text.p[s->at] == '\n' || s->text.p[s->at] == '\r'))
        s->at++;
    if (s->at >= s->text.n)
        return '\0';
    return s->text.p[s->at];
}

static bool take(struct scan *s, char c)
{
    if (peek(s) != c)
        return false;
    s->at++;
    return true;
}

/* `ret_inside` may be NULL: what is between the quotes, as it stands. */
static bool skip_string(struct scan *s, struct cf_str *ret_inside)
{
    size_t start;

    if (!take(s, '"'))
        return false;
    for (start = s->at; s->at < s->text.n && s->text.p[s->at] != '"'; s->at++) {
        if ((unsigned char)s->text.p[s->at] < ' ')
            return false;
        if (s->text.p[s->at] == '\\')
            s->at++;
    }
    if (s->at >= s->text.n)
        return false;
    if (ret_inside)
        *ret_inside = (struct cf_str){s->text.p + start, s->at - start};
    s->at++;
    return true;
}

/* A number, true, false or null: as far as the characters go. */
static bool skip_word(struct scan *s)
{
    static const char *const words[] = {"true", "false", "null"};
    struct cf_str rest = {s->text.p + s->at, s->text.n - s->at};
    size_t n = 0;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (cf_str_starts(rest, cf_str_of(words[i]))) {
            s->at += cf_str_of(words[i]).n;
            return true;
        }
    }
    while (n < rest.n && rest.p[n] != '\0' && strchr("+-.0123456789eE", rest.p[n]))
        n++;
    s->at += n;
    return n > 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): bounded by `depth` */
static bool skip_value(struct scan *s, unsigned depth)
{
    char open = peek(s);
    char close = ']';

    if (depth == 0)
        return false;
    if (open == '{')
        close = '}';
    if (open == '"')
        return skip_string(s, NULL);
    if (open != '{' && open != '[')
        return skip_word(s);
    s->at++;
    if (take(s, close))
        return true;
    do {
        if (open == '{' && !(skip_string(s, NULL) && take(s, ':')))
            return false;
        if (!skip_value(s, depth - 1))
            return false;
    } while (take(s, ','));
    return take(s, close);
}

static struct cf_policy_place place_of(struct cf_str text, size_t at)
{
    struct cf_policy_place place = {1, 1};

    for (size_t i = 0; i < at && i < text.n; i++) {
        if (text.p[i] == '\n')
            place = (struct cf_policy_place){place.line + 1, 1};
        else if (((unsigned char)text.p[i] & 0xc0) != 0x80)
            place.column++;
    }
    return place;
}

/* Goes from an object to the value of a member. `ret_key`: where the member's name stands. */
static bool enter_member(struct scan *s, struct cf_str name, size_t *ret_key)
{
    struct cf_str key;

    if (!take(s, '{'))
        return false;
    do {
        size_t at = (peek(s), s->at);

        if (!skip_string(s, &key) || !take(s, ':'))
            return false;
        (void)peek(s);
        if (cf_str_eq(key, name)) {
            *ret_key = at;
            return true;
        }
    } while (skip_value(s, CF_JSON_MAX_DEPTH) && take(s, ','));
    return false;
}

static bool enter_item(struct scan *s, size_t index)
{
    if (!take(s, '['))
        return false;
    while (index-- > 0) {
        if (!skip_value(s, CF_JSON_MAX_DEPTH) || !take(s, ','))
            return false;
    }
    (void)peek(s);
    return true;
}

/* One part of a path after the other, as long as they are there. Returns where the last one found stands. */
static size_t follow(struct scan *s, struct cf_str path, size_t found)
{
    while (path.n > 0) {
        size_t n = 0, index = 0, at = found;
        bool item = path.p[0] == '[';

        if (item || path.p[0] == '.') {
            path.p++;
            path.n--;
        }
        for (; n < path.n && path.p[n] != (item ? ']' : '.') && path.p[n] != '['; n++)
            index = index * 10 + (size_t)(path.p[n] - '0');
        if (item ? !enter_item(s, index) : !enter_member(s, (struct cf_str){path.p, n}, &at))
            return found;
        found = item ? s->at : at;
        n += item && n < path.n;
        path.p += n;
        path.n -= n;
    }
    return found;
}

struct cf_policy_place cf_policy_where(struct cf_str text, const char *path, const char *member)
{
    struct scan s = {.text = text};
    size_t found = (peek(&s), s.at), key;

    found = follow(&s, cf_str_of(path), found);
    /* A member's name may hold anything, so it is tried as a whole first. */
    key = s.at;
    if (enter_member(&s, cf_str_of(member), &found))
        return place_of(text, found);
    s.at = key;
    return place_of(text, follow(&s, cf_str_of(member), found));
}

struct cf_policy_place cf_policy_broken_at(struct cf_str text)
{
    struct scan s = {.text = text};

    if (skip_value(&s, CF_JSON_MAX_DEPTH))
        (void)peek(&s);
    return place_of(text, s.at);
}

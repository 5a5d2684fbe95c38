/* SPDX-License-Identifier: Apache-2.0 */
#include "refs.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "str/str.h"

#define TEXT_MAX_BYTES ((size_t)4 * 1024 * 1024)

struct job {
    struct cf_arena *arena;
    json_t *results;
    const char *reason; /* set on failure */
    unsigned depth;
};

static json_t *member(json_t *object, struct cf_str name)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        if (cf_str_eq_nocase(cf_str_of(key), name))
            return value;
    }
    return NULL;
}

/* One step: "records[0]" is a member and any number of indexes. Borrowed. */
static json_t *step(json_t *value, struct cf_str name)
{
    const char *bracket = memchr(name.p, '[', name.n);
    struct cf_str rest = {bracket, bracket ? name.n - (size_t)(bracket - name.p) : 0};

    if (bracket)
        name.n -= rest.n;
    if (name.n > 0)
        value = json_is_object(value) ? member(value, name) : NULL;
    while (value && rest.n > 0) {
        const char *close = memchr(rest.p, ']', rest.n);
        uint64_t index;

        if (rest.p[0] != '[' || !close ||
            !cf_str_u64((struct cf_str){rest.p + 1, (size_t)(close - rest.p) - 1}, &index))
            return NULL;
        value = json_array_get(value, (size_t)index);
        rest = (struct cf_str){close + 1, rest.n - (size_t)(close - rest.p) - 1};
    }
    return value;
}

/* The value of "ref.path"; borrowed, NULL with a reason. */
static json_t *lookup(struct job *job, struct cf_str path)
{
    struct cf_str rest = path;
    json_t *value = job->results;

    while (value && rest.n > 0) {
        const char *dot = memchr(rest.p, '.', rest.n);
        struct cf_str part = {rest.p, dot ? (size_t)(dot - rest.p) : rest.n};

        value = part.n > 0 ? step(value, part) : NULL;
        rest = (struct cf_str){part.p + part.n + (dot ? 1 : 0), rest.n - part.n - (dot ? 1 : 0)};
    }
    if (path.n == 0 || !value || json_is_object(value) || json_is_array(value)) {
        job->reason = cf_arena_printf(job->arena, "Invalid reference specified. No value for %.*s found",
                                      CF_STR_FMT(path))
                          .p;
        return NULL;
    }
    return value;
}

/* The text of a plain value, NULL for null. */
static struct cf_str text_of(struct cf_arena *arena, json_t *value)
{
    char *dump;
    struct cf_str text;

    if (json_is_string(value))
        return (struct cf_str){json_string_value(value), json_string_length(value)};
    if (json_is_null(value))
        return CF_STR("");
    dump = json_dumps(value, JSON_ENCODE_ANY);
    text = cf_arena_str(arena, cf_str_of(dump ? dump : ""));
    free(dump);
    return text;
}

static void add_encoded(struct cf_buf *buf, struct cf_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-_.~", c))
            cf_buf_char(buf, (char)c);
        else
            cf_buf_printf(buf, "%%%02X", c);
    }
}

/* Finds "@{...}" at or after `at`; false when there is none. */
static bool find_ref(struct cf_str text, size_t at, size_t *ret_start, struct cf_str *ret_path)
{
    for (size_t i = at; i + 2 < text.n; i++) {
        const char *close;

        if (text.p[i] != '@' || text.p[i + 1] != '{')
            continue;
        close = memchr(text.p + i, '}', text.n - i);
        if (!close)
            return false;
        *ret_start = i;
        *ret_path = (struct cf_str){text.p + i + 2, (size_t)(close - text.p) - i - 2};
        return true;
    }
    return false;
}

/* Replaces all references in `text`; false with a reason. */
static bool replace(struct job *job, struct cf_str text, bool encode, struct cf_buf *out)
{
    size_t at = 0, start;
    struct cf_str path;

    while (find_ref(text, at, &start, &path)) {
        json_t *value = lookup(job, path);

        if (!value)
            return false;
        cf_buf_add(out, text.p + at, start - at);
        if (encode)
            add_encoded(out, text_of(job->arena, value));
        else
            cf_buf_str(out, text_of(job->arena, value));
        at = start + path.n + 3;
    }
    cf_buf_add(out, text.p + at, text.n - at);
    if (out->full)
        job->reason = "The text with its references replaced is too long";
    return !out->full;
}

static json_t *resolve_text(struct job *job, json_t *value)
{
    struct cf_str text = {json_string_value(value), json_string_length(value)}, path;
    struct cf_buf out;
    json_t *fresh = NULL;
    size_t start;

    if (!find_ref(text, 0, &start, &path))
        return json_incref(value);
    if (start == 0 && path.n + 3 == text.n)
        return json_incref(lookup(job, path));
    cf_buf_init(&out, TEXT_MAX_BYTES);
    if (replace(job, text, false, &out))
        fresh = json_stringn(out.n ? out.p : "", out.n);
    cf_buf_done(&out);
    return fresh;
}

static json_t *resolve(struct job *job, json_t *value);

static json_t *resolve_array(struct job *job, json_t *value)
{
    json_t *fresh = json_array(), *item;
    size_t i;

    json_array_foreach(value, i, item)
    {
        json_t *resolved = resolve(job, item);

        if (!resolved) {
            json_decref(fresh);
            return NULL;
        }
        json_array_append_new(fresh, resolved);
    }
    return fresh;
}

static json_t *resolve_object(struct job *job, json_t *value)
{
    json_t *fresh = json_object(), *item;
    const char *key;

    json_object_foreach(value, key, item)
    {
        json_t *resolved = resolve(job, item);

        if (!resolved) {
            json_decref(fresh);
            return NULL;
        }
        json_object_set_new(fresh, key, resolved);
    }
    return fresh;
}

/* Depth is bounded by SB_REFS_DEPTH_MAX. */
static json_t *resolve(struct job *job, json_t *value) /* NOLINT(misc-no-recursion) */
{
    json_t *fresh = NULL;

    if (json_is_string(value))
        return resolve_text(job, value);
    if (!json_is_object(value) && !json_is_array(value))
        return json_incref(value);
    if (job->depth == SB_REFS_DEPTH_MAX) {
        job->reason = "The body is nested too deep";
        return NULL;
    }
    job->depth++;
    fresh = json_is_object(value) ? resolve_object(job, value) : resolve_array(job, value);
    job->depth--;
    return fresh;
}

json_t *sb_refs_resolve(struct cf_arena *arena, json_t *value, json_t *results, const char **ret_reason)
{
    struct job job = {arena, results, NULL, 0};
    json_t *fresh = resolve(&job, value);

    if (!fresh)
        *ret_reason = job.reason;
    return fresh;
}

const char *sb_refs_resolve_url(struct cf_arena *arena, const char *url, json_t *results,
                                const char **ret_reason)
{
    struct job job = {arena, results, NULL, 0};
    struct cf_buf out;
    const char *fresh = NULL;

    cf_buf_init(&out, TEXT_MAX_BYTES);
    if (replace(&job, cf_str_of(url), true, &out))
        fresh = cf_arena_cstr(arena, cf_buf_view(&out));
    else
        *ret_reason = job.reason;
    cf_buf_done(&out);
    return fresh;
}

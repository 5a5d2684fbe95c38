/* SPDX-License-Identifier: Apache-2.0 */
/* config_print - the three views of a table: --help, the README's Markdown, the values in force. */
#include <inttypes.h>

#include "config/config_priv.h"

static const char *type_name(enum cf_key_type type)
{
    static const char *const names[] = {"number", "true or false", "text", "file", "secret file", "section"};

    return names[type];
}

static void print_range(FILE *out, const struct cf_key *key)
{
    if (key->type == CF_KEY_UINT)
        (void)fprintf(out, ", %" PRIu64 " to %" PRIu64, key->min, key->max);
    else if (key->type == CF_KEY_TEXT)
        (void)fprintf(out, ", %" PRIu64 " to %" PRIu64 " bytes", key->min, key->max);
}

static void print_key_help(FILE *out, const struct cf_key *key)
{
    if (key->type == CF_KEY_LIST)
        (void)fprintf(out, "  [%s]\n", key->name);
    else
        (void)fprintf(out, "  %s%s%s\n", key->name, key->initial ? " = " : "",
                      key->initial ? key->initial : "");
    (void)fprintf(out, "      %s (%s", key->help, type_name(key->type));
    print_range(out, key);
    (void)fprintf(out, ")\n");
}

void cf_config_print_help(FILE *out, const struct cf_config_part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        (void)fprintf(out, "%s%s:\n", i ? "\n" : "", parts[i].title);
        for (const struct cf_key *key = parts[i].keys; key->name; key++)
            print_key_help(out, key);
    }
}

/* Text of a table cell: a bar would end it. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
}

static void print_key_row(FILE *out, const struct cf_key *key)
{
    bool list = key->type == CF_KEY_LIST;

    (void)fprintf(out, "| `%s%s%s` | ", list ? "[" : "", key->name, list ? "]" : "");
    if (key->initial && key->initial[0]) {
        (void)fputc('`', out);
        print_cell(out, key->initial);
        (void)fputc('`', out);
    }
    (void)fprintf(out, " | %s", type_name(key->type));
    print_range(out, key);
    (void)fprintf(out, " | ");
    print_cell(out, key->help);
    (void)fprintf(out, " |\n");
}

void cf_config_print_markdown(FILE *out, const struct cf_config_part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        (void)fprintf(out, "%s| key (%s) | default | value | meaning |\n|---|---|---|---|\n", i ? "\n" : "",
                      parts[i].title);
        for (const struct cf_key *key = parts[i].keys; key->name; key++)
            print_key_row(out, key);
    }
}

/* A text value; what stands between "://user:" and "@" is not shown. */
static void add_masked(struct cf_buf *out, const char *text)
{
    const char *host = strstr(text, "://");
    size_t length = host ? strcspn(host + 3, "/?#") : 0;
    const char *at = host ? memrchr(host + 3, '@', length) : NULL;
    const char *colon = at ? memchr(host + 3, ':', (size_t)(at - (host + 3))) : NULL;

    if (colon) {
        cf_buf_add(out, text, (size_t)(colon + 1 - text));
        cf_buf_text(out, "***");
        text = at;
    }
    cf_buf_text(out, text);
}

static void add_list(struct cf_buf *out, const struct cf_pair *pair)
{
    for (; pair && pair->name; pair++) {
        cf_buf_printf(out, "%s = ", pair->name);
        if (cf_config_is_secret_name(pair->name))
            cf_buf_text(out, "***");
        else
            add_masked(out, pair->value);
        cf_buf_char(out, '\n');
    }
}

static void add_value(struct cf_buf *out, const struct cf_key *key, const char *field)
{
    const char *text;

    if (key->type == CF_KEY_LIST) {
        cf_buf_printf(out, "[%s]\n", key->name);
        add_list(out, *(const struct cf_pair *const *)(const void *)field);
        return;
    }
    cf_buf_printf(out, "%s = ", key->name);
    if (key->type == CF_KEY_UINT) {
        cf_buf_u64(out, *(const uint64_t *)(const void *)field);
    } else if (key->type == CF_KEY_BOOL) {
        cf_buf_text(out, *(const bool *)(const void *)field ? "true" : "false");
    } else {
        text = *(const char *const *)(const void *)field;
        if (text && key->type == CF_KEY_SECRET)
            cf_buf_text(out, "***");
        else if (text)
            add_masked(out, text);
    }
    cf_buf_char(out, '\n');
}

/* Lists are sections, so they come last in each pass: the keys first, of all parts. */
static void add_part(struct cf_buf *out, const struct cf_config_part *part, bool lists)
{
    for (const struct cf_key *key = part->keys; key->name; key++) {
        if ((key->type == CF_KEY_LIST) == lists)
            add_value(out, key, (const char *)part->values + key->offset);
    }
}

void cf_config_print_values(struct cf_buf *out, const struct cf_config_part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        cf_buf_printf(out, "# %s\n", parts[i].title);
        add_part(out, &parts[i], false);
    }
    for (size_t i = 0; i < n; i++)
        add_part(out, &parts[i], true);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <assert.h>
#include <ctype.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_priv.h"

#define ENV_PREFIX "CALLFLEET_"
#define MAX_NAME_BYTES 128U /* of a key or a list entry */

/* Where a text came from; line 0: the environment. */
struct origin {
    const char *file;
    int line;
};

struct entry {
    char *name, *text;
    char *secret; /* content of the file that `text` names as "file:/path" */
    struct origin origin;
};

/* One key while it is loaded, and the owner of its text afterwards. */
struct slot {
    const struct cf_key *key;
    void *values;
    char *text; /* NULL: the default */
    struct origin origin;
    uint64_t number; /* UINT, BOOL */
    struct entry *entries;
    size_t n_entries;
    struct cf_pair *pairs;
};

struct cf_config {
    struct slot *slots;
    size_t n;
};

/* The state of one parse of the file. inih calls back without line numbers, so the reader counts. */
struct parse {
    struct cf_config *config;
    struct cf_str rest;
    struct origin origin;
    bool line_too_long;
    struct cf_err *err;
    bool failed;
};

static int fail(struct cf_err *err, const struct origin *origin, const char *name, const char *why)
{
    size_t n = origin->file ? strlen(origin->file) : 0;
    const char *file = n > 60 ? origin->file + (n - 60) : origin->file;

    if (origin->line == 0)
        return cf_err_set(err, CF_ERR_CONFIG, "config", 0, "environment: %.50s: %s", name, why);
    return cf_err_set(err, CF_ERR_CONFIG, "config", 0, "%s%s:%d: %.50s: %s", n > 60 ? "..." : "", file,
                      origin->line, name, why);
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Levenshtein distance of two names, of which at most 63 bytes count. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64], n_a = strnlen(a, 63), n_b = strnlen(b, 63);

    for (size_t j = 0; j <= n_b; j++)
        row[j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            size_t above = row[j];

            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
            diagonal = above;
        }
    }
    return row[n_b];
}

static int unknown_key(struct parse *parse, const char *name)
{
    const struct cf_config *config = parse->config;
    size_t best = strlen(name) / 3 + 2;
    const char *near = NULL;
    char why[120];

    for (size_t i = 0; i < config->n; i++) {
        size_t far = distance(name, config->slots[i].key->name);

        if (far < best) {
            best = far;
            near = config->slots[i].key->name;
        }
    }
    (void)snprintf(why, sizeof(why), "unknown key%s%.60s%s", near ? "; did you mean " : "", near ? near : "",
                   near ? "?" : "");
    return fail(parse->err, &parse->origin, name, why);
}

static struct slot *find(const struct cf_config *config, const char *name)
{
    for (size_t i = 0; i < config->n; i++) {
        if (strcmp(config->slots[i].key->name, name) == 0)
            return &config->slots[i];
    }
    return NULL;
}

static int set_entry(struct slot *slot, const char *name, const char *text, const struct origin *origin,
                     struct cf_err *err)
{
    struct entry *entry = NULL;

    for (size_t i = 0; i < slot->n_entries; i++) {
        if (strcmp(slot->entries[i].name, name) == 0)
            entry = &slot->entries[i];
    }
    if (entry && origin->line != 0)
        return fail(err, origin, name, "given twice");
    if (!entry && slot->n_entries == CF_CONFIG_MAX_LIST)
        return fail(err, origin, name, "too many entries in this list");
    if (!entry) {
        slot->entries = cf_realloc(slot->entries, (slot->n_entries + 1) * sizeof(*slot->entries));
        entry = &slot->entries[slot->n_entries++];
        *entry = (struct entry){.name = cf_strdup(name)};
    }
    free(entry->text);
    entry->text = cf_strdup(text);
    entry->origin = *origin;
    return 0;
}

static int set_text(struct slot *slot, const char *text, const struct origin *origin, struct cf_err *err)
{
    if (slot->key->type == CF_KEY_LIST)
        return fail(err, origin, slot->key->name, "is a list: write its entries into a section of this name");
    if (slot->text && origin->line != 0)
        return fail(err, origin, slot->key->name, "given twice");
    free(slot->text);
    slot->text = cf_strdup(text);
    slot->origin = *origin;
    return 0;
}

/* ---- the file ---- */

/* inih's reader: hands out one line, cut to `size`, and counts it. */
static char *read_line(char *line, int size, void *stream)
{
    struct parse *parse = stream;
    const char *end;
    size_t n;

    if (parse->rest.n == 0 || parse->failed)
        return NULL;
    end = memchr(parse->rest.p, '\n', parse->rest.n);
    n = end ? (size_t)(end - parse->rest.p) + 1 : parse->rest.n;
    parse->origin.line++;
    if (n >= (size_t)size) {
        parse->line_too_long = true;
        return NULL;
    }
    memcpy(line, parse->rest.p, n);
    line[n] = '\0';
    parse->rest.p += n;
    parse->rest.n -= n;
    return line;
}

static int on_pair(void *user, const char *section, const char *name, const char *value)
{
    struct parse *parse = user;
    struct slot *slot = find(parse->config, section);
    int rc;

    if (!slot || slot->key->type != CF_KEY_LIST) {
        slot = find(parse->config, name);
        rc = slot ? set_text(slot, value, &parse->origin, parse->err) : unknown_key(parse, name);
    } else if (strlen(name) > MAX_NAME_BYTES || name[0] == '\0') {
        rc = fail(parse->err, &parse->origin, name, "not a usable name");
    } else {
        rc = set_entry(slot, name, value, &parse->origin, parse->err);
    }
    parse->failed = rc != 0;
    return rc == 0;
}

static int parse_file(struct cf_config *config, struct cf_str text, const char *name, struct cf_err *err)
{
    struct parse parse = {.config = config, .rest = text, .origin = {.file = name}, .err = err};
    int rc;

    /* inih's settings are globals of the process; only this function uses the library. */
    ini_max_line = (int)CF_CONFIG_MAX_LINE_BYTES;
    ini_allow_multiline = false;
    ini_stop_on_first_error = true;
    if (text.n > CF_CONFIG_MAX_FILE_BYTES)
        return cf_err_set(err, CF_ERR_CONFIG, "config", 0, "%.120s: larger than 256 KiB", name);
    if (text.n > 0 && memchr(text.p, '\0', text.n))
        return cf_err_set(err, CF_ERR_CONFIG, "config", 0, "%.120s: has a NUL byte: not a text file", name);
    rc = ini_parse_stream(read_line, &parse, on_pair, &parse);
    if (parse.failed)
        return -1;
    if (parse.line_too_long)
        return fail(err, &parse.origin, "line", "longer than 8 KiB");
    if (rc != 0)
        return fail(err, &parse.origin, "line", "neither \"key = value\" nor \"[section]\" nor a comment");
    return 0;
}

/* ---- the environment ---- */

/* Whether `variable` is `prefix` and `name` in capitals; `ret_rest` is then what follows. */
static bool is_named(struct cf_str variable, const char *name, struct cf_str *ret_rest)
{
    size_t prefix = sizeof(ENV_PREFIX) - 1, n = strlen(name);

    if (variable.n < prefix + n || memcmp(variable.p, ENV_PREFIX, prefix) != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (variable.p[prefix + i] != toupper((unsigned char)name[i]))
            return false;
    }
    *ret_rest = (struct cf_str){.p = variable.p + prefix + n, .n = variable.n - prefix - n};
    return true;
}

/* SECURITY__PROTOCOL -> security.protocol */
static bool entry_name(struct cf_str rest, char ret_name[MAX_NAME_BYTES])
{
    size_t n = 0;

    if (rest.n == 0 || rest.n >= MAX_NAME_BYTES)
        return false;
    for (size_t i = 0; i < rest.n; i++) {
        if (rest.p[i] == '_' && i + 1 < rest.n && rest.p[i + 1] == '_') {
            ret_name[n++] = '.';
            i++;
        } else {
            ret_name[n++] = (char)tolower((unsigned char)rest.p[i]);
        }
    }
    ret_name[n] = '\0';
    return true;
}

static int apply_variable(struct cf_config *config, struct cf_str variable, const char *value,
                          struct cf_err *err)
{
    static const struct origin environment = {.line = 0};
    char name[MAX_NAME_BYTES];
    struct cf_str rest;

    for (size_t i = 0; i < config->n; i++) {
        struct slot *slot = &config->slots[i];

        if (!is_named(variable, slot->key->name, &rest))
            continue;
        if (slot->key->type != CF_KEY_LIST && rest.n == 0)
            return set_text(slot, value, &environment, err);
        if (slot->key->type == CF_KEY_LIST && cf_str_starts(rest, CF_STR("__")) &&
            entry_name((struct cf_str){rest.p + 2, rest.n - 2}, name))
            return set_entry(slot, name, value, &environment, err);
    }
    /* Not an error: Kubernetes and shells put CALLFLEET_... variables of their own there. */
    return 0;
}

static int apply_environment(struct cf_config *config, const char *const *environment, struct cf_err *err)
{
    for (; environment && *environment; environment++) {
        const char *equals = strchr(*environment, '=');

        if (!equals)
            continue;
        if (apply_variable(config, (struct cf_str){*environment, (size_t)(equals - *environment)}, equals + 1,
                           err))
            return -1;
    }
    return 0;
}

/* ---- checks ---- */

static bool parse_bool(struct cf_str text, uint64_t *ret_value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (cf_str_eq_nocase(text, cf_str_of(words[i]))) {
            *ret_value = i % 2;
            return true;
        }
    }
    return false;
}

static int check_file(const struct slot *slot, struct cf_err *err)
{
    int fd = open(slot->text, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    bool fine;

    if (fd < 0)
        return fail(err, &slot->origin, slot->key->name, "the file cannot be read");
    fine = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    (void)close(fd);
    return fine ? 0 : fail(err, &slot->origin, slot->key->name, "is not a regular file");
}

static int check_secret(const struct origin *origin, const char *name, const char *path, char **ret_secret,
                        struct cf_err *err)
{
    struct cf_err cause;

    if (cf_config_secret(path, ret_secret, &cause) == 0)
        return 0;
    return fail(err, origin, name, cause.text);
}

/* Reads the secrets, and builds the array that the struct points to. */
static int check_list(struct slot *slot, struct cf_err *err)
{
    slot->pairs = cf_calloc(slot->n_entries + 1, sizeof(*slot->pairs));
    for (size_t i = 0; i < slot->n_entries; i++) {
        struct entry *entry = &slot->entries[i];
        bool is_secret = cf_config_is_secret_name(entry->name);

        if (is_secret && strncmp(entry->text, "file:/", 6) != 0)
            return fail(err, &entry->origin, entry->name,
                        "secrets come from files: write file:/path/of/the/file");
        if (is_secret && check_secret(&entry->origin, entry->name, entry->text + 5, &entry->secret, err))
            return -1;
        slot->pairs[i].name = entry->name;
        slot->pairs[i].value = entry->secret ? entry->secret : entry->text;
    }
    return 0;
}

static int check_range(const struct slot *slot, uint64_t value, const char *what, struct cf_err *err)
{
    char why[100];

    if (value >= slot->key->min && value <= slot->key->max)
        return 0;
    (void)snprintf(why, sizeof(why), "must be %s%llu to %llu", what, (unsigned long long)slot->key->min,
                   (unsigned long long)slot->key->max);
    return fail(err, &slot->origin, slot->key->name, why);
}

static int check(struct slot *slot, struct cf_err *err)
{
    const struct cf_key *key = slot->key;
    char *secret;

    if (key->type == CF_KEY_LIST)
        return check_list(slot, err);
    /* An empty path switches the file off, so that an override can take a default back. */
    if (slot->text && !slot->text[0] && (key->type == CF_KEY_FILE || key->type == CF_KEY_SECRET))
        return 0;
    if (!slot->text && !key->initial)
        return 0;
    if (!slot->text)
        slot->text = cf_strdup(key->initial);
    switch (key->type) {
    case CF_KEY_UINT:
        if (!cf_str_u64(cf_str_of(slot->text), &slot->number))
            return fail(err, &slot->origin, key->name, "is not a whole number");
        return check_range(slot, slot->number, "", err);
    case CF_KEY_BOOL:
        if (!parse_bool(cf_str_of(slot->text), &slot->number))
            return fail(err, &slot->origin, key->name, "must be true or false");
        return 0;
    case CF_KEY_TEXT:
        return check_range(slot, strlen(slot->text), "of length ", err);
    case CF_KEY_FILE:
        return check_file(slot, err);
    case CF_KEY_SECRET:
        if (check_secret(&slot->origin, key->name, slot->text, &secret, err))
            return -1;
        cf_config_secret_free(secret);
        return 0;
    case CF_KEY_LIST:
        break;
    }
    return 0;
}

static void assign(const struct slot *slot)
{
    char *field = (char *)slot->values + slot->key->offset;
    const char *text = slot->text && slot->text[0] ? slot->text : NULL;

    switch (slot->key->type) {
    case CF_KEY_UINT:
        *(uint64_t *)(void *)field = slot->number;
        break;
    case CF_KEY_BOOL:
        *(bool *)(void *)field = slot->number != 0;
        break;
    case CF_KEY_TEXT:
        *(const char **)(void *)field = slot->text;
        break;
    case CF_KEY_FILE:
    case CF_KEY_SECRET:
        *(const char **)(void *)field = text;
        break;
    case CF_KEY_LIST:
        *(const struct cf_pair **)(void *)field = slot->pairs;
        break;
    }
}

/* ---- life ---- */

static void add_part(struct cf_config *config, const struct cf_config_part *part)
{
    for (const struct cf_key *key = part->keys; key->name; key++) {
        assert(!find(config, key->name)); /* two parts own one key */
        config->slots = cf_realloc(config->slots, (config->n + 1) * sizeof(*config->slots));
        config->slots[config->n++] = (struct slot){.key = key, .values = part->values};
    }
}

struct cf_config *cf_config_load_text(struct cf_str text, const char *name, const char *const *environment,
                                      const struct cf_config_part *parts, size_t n, struct cf_err *err)
{
    struct cf_config *config = cf_calloc(1, sizeof(*config));

    for (size_t i = 0; i < n; i++)
        add_part(config, &parts[i]);
    if (parse_file(config, text, name, err) || apply_environment(config, environment, err))
        goto bad;
    for (size_t i = 0; i < config->n; i++) {
        if (check(&config->slots[i], err))
            goto bad;
    }
    for (size_t i = 0; i < config->n; i++)
        assign(&config->slots[i]);
    return config;
bad:
    cf_config_free(config);
    return NULL;
}

struct cf_config *cf_config_load(const char *path, const char *const *environment,
                                 const struct cf_config_part *parts, size_t n, struct cf_err *err)
{
    struct cf_config *config = NULL;
    FILE *file;
    char *text;
    size_t size;

    if (!path)
        return cf_config_load_text((struct cf_str){0}, "-", environment, parts, n, err);
    file = fopen(path, "re");
    text = cf_calloc(1, CF_CONFIG_MAX_FILE_BYTES + 1);
    size = file ? fread(text, 1, CF_CONFIG_MAX_FILE_BYTES + 1, file) : 0;
    if (!file || ferror(file))
        (void)cf_err_set(err, CF_ERR_CONFIG, "config", 0, "%.150s: cannot be read", path);
    else
        config = cf_config_load_text((struct cf_str){text, size}, path, environment, parts, n, err);
    if (file)
        (void)fclose(file);
    free(text);
    return config;
}

static void free_slot(struct slot *slot)
{
    for (size_t i = 0; i < slot->n_entries; i++) {
        free(slot->entries[i].name);
        free(slot->entries[i].text);
        cf_config_secret_free(slot->entries[i].secret);
    }
    free(slot->entries);
    free(slot->pairs);
    free(slot->text);
}

void cf_config_free(struct cf_config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->n; i++)
        free_slot(&config->slots[i]);
    free(config->slots);
    free(config);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config - configuration from one table: file, environment, --help, --check and the README's table all come
 * from it.
 *
 * A table is a .def file of rows, included several times:
 *     CF_KEY(sf_timeout_ms, UINT, 5000, 100, 60000, "deadline of one Salesforce call, in ms")
 *     CF_KEY(redis_url, TEXT, "redis://127.0.0.1:6379", 0, 512, "where Redis is")
 *     CF_LIST(kafka, "librdkafka properties, passed on unchanged")
 * With config/keys.h it gives the struct (`CF_CONFIG_STRUCT`) and the array of `struct cf_key`.
 *
 * Value types (C type): UINT uint64_t (min..max) - BOOL bool - TEXT const char * (min..max bytes; default
 * NULL = unset) - FILE const char * (a path that must be readable at check time; empty = unset) - SECRET
 * const char * (the path of a file; read by cf_config_secret(), which says who may read it) - LIST struct
 * cf_pair * ended by name NULL. In a list a secret (a name with "password", "secret" or "key.pem") must be
 * written as "file:/path"; the pair's value is then the file's content. Sources, later wins: defaults, the
 * INI file ("key = value" under any [section]; [kafka] and other lists: a section of that name; " ;" starts a
 * comment, a value is one line), the environment (CALLFLEET_<KEY IN CAPITALS>; for a list entry
 * CALLFLEET_KAFKA__<NAME IN CAPITALS, dots as __>; variables that name no key are ignored). Unknown key, key
 * given twice, value out of range: an error that names file, line and key. Promise: a loaded config is
 * immutable; a failed load changes nothing.
 */
#ifndef CF_CONFIG_H
#define CF_CONFIG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "err/err.h"
#include "str/str.h"

enum cf_key_type { CF_KEY_UINT, CF_KEY_BOOL, CF_KEY_TEXT, CF_KEY_FILE, CF_KEY_SECRET, CF_KEY_LIST };

struct cf_key {
    const char *name;
    enum cf_key_type type;
    size_t offset;       /* of the field in the config struct */
    const char *initial; /* default as text; NULL = unset */
    uint64_t min, max;   /* UINT: value; TEXT: bytes */
    const char *help;
};

struct cf_pair {
    const char *name, *value;
};

/* Several tables fill several structs from one file: the runtime's own and the stage's. */
struct cf_config_part {
    const char *title;         /* for --help: "lookup" */
    const struct cf_key *keys; /* ended by name NULL */
    void *values;              /* zeroed before; filled */
};

struct cf_config;

/** Loads `path` (NULL: defaults and environment only) into the parts' structs. Strings live in the result. */
CF_CHECKED struct cf_config *cf_config_load(const char *path, const char *const *environment,
                                            const struct cf_config_part *parts, size_t n, struct cf_err *err);
void cf_config_free(struct cf_config *config);

/** Prints the keys with type, default, range and help: for --help, and as a Markdown table for the README. */
void cf_config_print_help(FILE *out, const struct cf_config_part *parts, size_t n);
void cf_config_print_markdown(FILE *out, const struct cf_config_part *parts, size_t n);
/** Prints the values in force; SECRETs and passwords inside URLs masked. */
void cf_config_print_values(struct cf_buf *out, const struct cf_config_part *parts, size_t n);

/** Reads a SECRET's file: one trailing line break cut; refuses empty, > 64 KiB, NUL inside, and a file that
 * others may read: mode 0600 or less, or 0640 or less when root owns it (PostgreSQL's rule; a Kubernetes
 * secret volume with fsGroup is root's and 0440). Symbolic links are followed, the target's mode counts. The
 * caller clears and frees `ret_secret` with cf_config_secret_free(). */
CF_CHECKED int cf_config_secret(const char *path, char **ret_secret, struct cf_err *err);
void cf_config_secret_free(char *secret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* config_priv - what the files of config share, and the entry that the fuzz target uses. Not for other
 * modules. */
#ifndef CF_CONFIG_PRIV_H
#define CF_CONFIG_PRIV_H

#include <stdbool.h>

#include "config/config.h"

#define CF_CONFIG_MAX_FILE_BYTES ((size_t)256 * 1024)
#define CF_CONFIG_MAX_LINE_BYTES 8192U
#define CF_CONFIG_MAX_SECRET_BYTES ((size_t)64 * 1024)
#define CF_CONFIG_MAX_LIST 256U /* entries of one list */

/* As cf_config_load(), with the file's bytes given; `name` stands for the file in messages. */
CF_CHECKED struct cf_config *cf_config_load_text(struct cf_str text, const char *name,
                                                 const char *const *environment,
                                                 const struct cf_config_part *parts, size_t n,
                                                 struct cf_err *err);

/* Whether the value of a list entry of this name is a secret: it must then be given as "file:/path". */
bool cf_config_is_secret_name(const char *name);

#endif

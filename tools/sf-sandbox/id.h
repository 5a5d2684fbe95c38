/* SPDX-License-Identifier: Apache-2.0 */
/*
 * id - Salesforce record ids: 15 characters that differ by case, and 3 that say which of them are upper case.
 *
 * The long form lets systems that ignore case tell ids apart. All ids are kept in the long form, so equal ids
 * are equal strings.
 */
#ifndef SF_ID_H
#define SF_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"
#include "str/str.h"

/** Accepts 15 characters, or 18 with the right checksum (its case does not matter). */
CF_CHECKED bool sf_id_parse(struct cf_str text, char ret_id[SF_ID_SIZE]);
/** Id number `sequence` of a key prefix: prefix, "5f0", nine base-62 digits, checksum. */
void sf_id_make(const char *prefix, uint64_t sequence, char ret_id[SF_ID_SIZE]);

#endif

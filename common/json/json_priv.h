/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_priv - what json.c and the C++ shim share. The shim is the only file that sees simdjson; no exception
 * leaves it (simdjson is compiled without them).
 */
#ifndef CF_JSON_PRIV_H
#define CF_JSON_PRIV_H

#include "json/json.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CF_JSON_DOUBLE_SIZE 32 /* room for any written double */

/** cf_json_parse without the checks of the outer limits. */
CF_CHECKED const struct cf_json *cf_json_shim_parse(struct cf_arena *arena, struct cf_str text,
                                                    struct cf_err *err);
/** Writes a finite number in the shortest form that reads back equal; returns its length. Not locale-bound.
 */
size_t cf_json_shim_double(double value, char ret_text[CF_JSON_DOUBLE_SIZE]);
/** Whether two members of an object with `count` members have the same key. */
bool cf_json_has_duplicate(struct cf_arena *arena, const struct cf_json *object, size_t count);

#ifdef __cplusplus
}
#endif
#endif

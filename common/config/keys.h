/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys - turns a .def table into a struct and a key array. No include guard: included once per use.
 *
 * The blank lines keep clang-format from sorting the three includes:
 *     struct lookup_config {
 *     #define CF_CONFIG_STRUCT
 *     #include "config/keys.h"
 *
 *     #include "lookup_config.def"
 *
 *     #include "config/keys_end.h"
 *     };
 *     #define CF_CONFIG_ARRAY struct lookup_config
 *     #include "config/keys.h"
 *
 *     static const struct cf_key keys[] = {
 *     #include "lookup_config.def"
 *         {0}};
 *     #include "config/keys_end.h"
 */
#if defined(CF_CONFIG_STRUCT)
#define CF_CTYPE_UINT uint64_t
#define CF_CTYPE_BOOL bool
#define CF_CTYPE_TEXT const char *
#define CF_CTYPE_FILE const char *
#define CF_CTYPE_SECRET const char *
#define CF_KEY(name, type, initial, min, max, help) CF_CTYPE_##type name;
#define CF_LIST(name, help) const struct cf_pair *name;
#elif defined(CF_CONFIG_ARRAY)
#define CF_INIT_UINT(x) #x
#define CF_INIT_BOOL(x) ((x) ? "true" : "false") /* not #x: true is a macro for 1 */
#define CF_INIT_TEXT(x) x
#define CF_INIT_FILE(x) x
#define CF_INIT_SECRET(x) x
#define CF_KEY(name, type, initial, min, max, help)                                                          \
    {#name, CF_KEY_##type, offsetof(CF_CONFIG_ARRAY, name), CF_INIT_##type(initial), min, max, help},
#define CF_LIST(name, help) {#name, CF_KEY_LIST, offsetof(CF_CONFIG_ARRAY, name), NULL, 0, 0, help},
#endif

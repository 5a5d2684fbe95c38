/* SPDX-License-Identifier: Apache-2.0 */
/* keys_end - undoes config/keys.h after a table was included. No include guard. */
#undef CF_KEY
#undef CF_LIST
#undef CF_CONFIG_STRUCT
#undef CF_CONFIG_ARRAY
#undef CF_CTYPE_UINT
#undef CF_CTYPE_BOOL
#undef CF_CTYPE_TEXT
#undef CF_CTYPE_FILE
#undef CF_CTYPE_SECRET
#undef CF_INIT_UINT
#undef CF_INIT_BOOL
#undef CF_INIT_TEXT
#undef CF_INIT_FILE
#undef CF_INIT_SECRET

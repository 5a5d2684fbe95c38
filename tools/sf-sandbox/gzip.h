/* SPDX-License-Identifier: Apache-2.0 */
/* gzip - bodies packed and unpacked (RFC 1952), and one that is small on the wire and huge behind it. */
#ifndef SB_GZIP_H
#define SB_GZIP_H

#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "str/str.h"

/** The packed text, malloc'ed; the caller frees. */
char *sb_gzip(struct cf_str text, size_t *ret_size);
/** Appends the unpacked body to `out`. -1 when it is not gzip, or `out` is full. */
CF_CHECKED int sb_gunzip(struct cf_str body, struct cf_buf *out);
/** A body that unpacks to `bytes` (whole MiB) of spaces; malloc'ed. */
char *sb_gzip_bomb(uint64_t bytes, size_t *ret_size);

#endif

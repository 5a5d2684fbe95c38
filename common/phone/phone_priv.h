/* SPDX-License-Identifier: Apache-2.0 */
/* phone_priv - what phone.c asks of the C++ shim. Plain values only; no exception leaves the shim. */
#ifndef CF_PHONE_PRIV_H
#define CF_PHONE_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CF_PHONE_TEXT_SIZE 256

/* One reading of a text by libphonenumber. */
struct cf_phone_raw {
    bool parsed;    /* the fields below are filled */
    bool valid;     /* in a range known to be in use */
    bool possible;  /* of a length that numbers of its country have */
    bool too_short; /* a local number, or the beginning of one */
    char country_code[8], national[32], extension[24], region[8];
    char trunk[8]; /* what national numbers of the region are written with in front: "0"; often empty */
};

/** Reads `text` (ASCII) with `region` as default. */
void cf_phone_shim_read(const char *text, const char *region, struct cf_phone_raw *ret_raw);

/** Whether the library reads `text` as this number, whatever it thinks of it otherwise: much cheaper than
 * reading it in full. */
bool cf_phone_shim_is(const char *text, const char *region, const char *e164);

/** Whether the number is of a country code behind which numbers are written at home as abroad, but for one
 * digit in front. */
bool cf_phone_shim_is_plain(const char *e164);

struct cf_phone_written {
    char national[64], international[64]; /* "" when it cannot be formatted */
};

/** Formats a number as its country writes it. */
void cf_phone_shim_format(const char *country_code, const char *national,
                          struct cf_phone_written *ret_written);

/** Digits of an ordinary subscriber number of `region`; 0 for an unknown region. */
size_t cf_phone_shim_usual_length(const char *region);

#ifdef __cplusplus
}
#endif
#endif

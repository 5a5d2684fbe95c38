/* SPDX-License-Identifier: Apache-2.0 */
/*
 * phone - telephone numbers: what a caller's number means, and whether two written forms are one number.
 *
 * libphonenumber behind a thin C++ shim (phone_shim.cc); this header is C.
 * Vocabulary: *ANI* is the caller's number as received; a *region* is an ISO 3166 country code ("US", "DE")
 * whose national format is assumed when a number has no country code.
 * A number counts as OK when it is of a range known to be in use, or at least of its country's length: new
 * area codes come every year and the library's metadata is as old as the system it was built for.
 */
#ifndef CF_PHONE_H
#define CF_PHONE_H

#include <stdbool.h>

#include "str/str.h"

#define CF_PHONE_E164_SIZE 17 /* '+', at most 15 digits, NUL */

#ifdef __cplusplus
extern "C" {
#endif

enum cf_phone_status {
    CF_PHONE_OK,       /* a number: E.164 is filled */
    CF_PHONE_WITHHELD, /* empty, anonymous, unavailable, restricted, private, unknown: the caller hides it */
    CF_PHONE_SHORT,    /* digits, but too few for a subscriber number (service and extension numbers) */
    CF_PHONE_INVALID,  /* not a telephone number */
};

struct cf_phone {
    enum cf_phone_status status;
    char e164[CF_PHONE_E164_SIZE];     /* "+15207739050"; empty unless OK */
    char national[CF_PHONE_E164_SIZE]; /* national significant number, digits only: "5207739050" */
    char country_code[4];              /* "1", "49" */
    char region[3];                    /* "US"; "" for non-geographical ranges */
    char extension[8];                 /* digits, "" when none */
};

/** Reads any written form: E.164, 00-prefixed, national, SIP and tel URIs, formatted, full-width digits,
 * extensions. `region` is the default region, NULL = "US". Never fails: what cannot be read is INVALID. At
 * most 250 bytes are read. */
void cf_phone_parse(struct cf_str text, const char *region, struct cf_phone *ret_phone);

/** "ok", "withheld", "short", "invalid". */
const char *cf_phone_status_name(enum cf_phone_status status);

/** Whether `text`, a field of a record, is the number `e164`; tried with `region` as default region. */
bool cf_phone_same(struct cf_str text, const char *region, struct cf_str e164);

/** Whether `text`, a field of a record, is `phone`, read with `region` as default region. A number with an
 * extension is also the number without one; two extensions must be the same. False when `phone` is not OK. */
bool cf_phone_is(struct cf_str text, const char *region, const struct cf_phone *phone);

/** False: `text` is certainly not this number (status OK), whatever its country; a cheap look at the last
 * digits that leaves the comparison to cf_phone_same(). */
bool cf_phone_may_be(struct cf_str text, const struct cf_phone *phone);

/** Common written forms of a number for an exact-match query: E.164, national formatted, international
 * formatted, digits only, 00-prefixed, dotted, dashed. Writes at most `n` (16 is enough) NUL-terminated texts
 * of at most 31 bytes; returns how many. The first is E.164. */
size_t cf_phone_forms(const struct cf_phone *phone, char (*ret_forms)[32], size_t n);

/** Whether each of these forms has the digits of `national` in their order; not so for some countries, where
 * a digit is written only abroad. Cheaper than making the forms; false may also mean "not known". */
bool cf_phone_forms_are_plain(const struct cf_phone *phone);

/** Loads the number metadata now (about 100 ms) rather than at the first call. */
void cf_phone_init(void);

#ifdef __cplusplus
}
#endif
#endif

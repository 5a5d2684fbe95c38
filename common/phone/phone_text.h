/* SPDX-License-Identifier: Apache-2.0 */
/* phone_text - strips a written number down to what libphonenumber can read. Used by phone.c only. */
#ifndef CF_PHONE_TEXT_H
#define CF_PHONE_TEXT_H

#include "phone/phone_priv.h"
#include "str/str.h"

/** At most 250 bytes of `from` as ASCII: foreign and full-width digits and dashes converted, the rest spaces.
 */
void cf_phone_text_clean(struct cf_str from, char ret_text[CF_PHONE_TEXT_SIZE]);

/** Takes off a display name, a sip: or tel: scheme, the host, and URI parameters but for the extension. */
void cf_phone_text_unwrap(char text[CF_PHONE_TEXT_SIZE]);

/** Whether the text says that the caller hides the number. */
bool cf_phone_text_is_withheld(const char *text);

#endif

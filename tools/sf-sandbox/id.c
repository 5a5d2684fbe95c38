/* SPDX-License-Identifier: Apache-2.0 */
#include "id.h"

static const char suffix_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* Each suffix character covers five characters of the id: bit n says that character n is an upper-case
 * letter. */
static void suffix(const char *id, char *ret_suffix)
{
    for (int group = 0; group < 3; group++) {
        unsigned bits = 0;

        for (int i = 0; i < 5; i++) {
            char c = id[group * 5 + i];

            bits |= (c >= 'A' && c <= 'Z') ? 1U << i : 0U;
        }
        ret_suffix[group] = suffix_digits[bits];
    }
}

static bool alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool sf_id_parse(struct cf_str text, char ret_id[SF_ID_SIZE])
{
    char id[SF_ID_SIZE] = "";

    if (text.n != 15 && text.n != 18) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (!alphanumeric(text.p[i])) {
            return false;
        }
    }
    memcpy(id, text.p, 15);
    suffix(id, id + 15);
    if (text.n == 18 && !cf_str_eq_nocase((struct cf_str){text.p + 15, 3}, (struct cf_str){id + 15, 3})) {
        return false;
    }
    memcpy(ret_id, id, sizeof(id));
    return true;
}

void sf_id_make(const char *prefix, uint64_t sequence, char ret_id[SF_ID_SIZE])
{
    memcpy(ret_id, prefix, 3);
    memcpy(ret_id + 3, "5f0", 3);
    for (int i = 14; i >= 6; i--) {
        ret_id[i] = base62[sequence % 62];
        sequence /= 62;
    }
    suffix(ret_id, ret_id + 15);
    ret_id[18] = '\0';
}

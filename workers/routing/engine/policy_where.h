/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_where - where in the text a fault is: line and column, so that an editor can go there.
 *
 * The reader of a policy knows paths, not places; a place is searched for only when there is a fault. Lines
 * and columns count from 1, columns in characters.
 */
#ifndef CF_POLICY_WHERE_H
#define CF_POLICY_WHERE_H

#include <stddef.h>

#include "str/str.h"

struct cf_policy_place {
    size_t line, column;
};

/** Of the value at "domains[0].queues[2]", and of its member when it has it (else of the nearest that is
 * there). */
struct cf_policy_place cf_policy_where(struct cf_str text, const char *path, const char *member);
/** Of the first character that cannot be JSON; the end when only that is wrong. */
struct cf_policy_place cf_policy_broken_at(struct cf_str text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy - what a supervisor decides about routing: queues, rules, deadlines. Text in, immutable value out.
 *
 * Vocabulary: a *policy* is one JSON document with a version; it holds one or more *domains*, each a set of
 * queues that share agents. README.md of this folder documents every member with an example. Promise: a text
 * that is not a valid policy is refused with a message that names the JSON path
 * ("domains[0].queues[2].offerMs must be 1000..600000"); a policy that parsed never changes and can be shared
 * by any number of engines, which is why it is counted (ref/unref; one thread).
 */
#ifndef CF_POLICY_H
#define CF_POLICY_H

#include <stdint.h>

#include "err/err.h"
#include "str/str.h"

/* So that its text, escaped, fits into one record of the log (1 MiB). */
#define CF_POLICY_MAX_BYTES (400L * 1024)

struct cf_policy;

/** NULL and `err` (kind CONFIG) when the text is no valid policy. The caller unrefs. */
CF_CHECKED struct cf_policy *cf_policy_parse(struct cf_str text, struct cf_err *err);
/** The built-in one, version 0: every entry point leads to queue "support", any available agent serves it. */
struct cf_policy *cf_policy_builtin(void);
struct cf_policy *cf_policy_ref(struct cf_policy *policy);
void cf_policy_unref(struct cf_policy *policy);

int64_t cf_policy_version(const struct cf_policy *policy);
/** The text it was parsed from. */
struct cf_str cf_policy_text(const struct cf_policy *policy);

/** Number and ids of the domains, in the order of the text. */
size_t cf_policy_n_domains(const struct cf_policy *policy);
struct cf_str cf_policy_domain(const struct cf_policy *policy, size_t index);

/** The domain of a call: by the queue asked for, else by entry point, else the default domain. Never empty.
 */
struct cf_str cf_policy_call_domain(const struct cf_policy *policy, struct cf_str queue_id,
                                    struct cf_str entry_point_id);
/** The domain of an agent's team; the default domain when the team is absent or in none. */
struct cf_str cf_policy_team_domain(const struct cf_policy *policy, struct cf_str team_id);

#endif

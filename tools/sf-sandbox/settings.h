/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings - what the admin API can change while the sandbox runs: one table of whole numbers.
 *
 * Reads are lock-free; a change applies to the requests that begin after it.
 */
#ifndef SB_SETTINGS_H
#define SB_SETTINGS_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdint.h>

#include "err/err.h"

/* X(name, default, lowest, highest, meaning) */
#define SB_SETTINGS(X)                                                                                       \
    X(latency_ms, 0, 0, 600000, "every REST and OAuth answer is this late")                                  \
    X(daily_limit, 100000000, 0, INT64_MAX, "API calls per 24 hours")                                        \
    X(session_ttl_ms, 7200000, 1, INT64_MAX / 2000000, "life of an access token")                            \
    X(login_limit_per_hour, 3600, 0, INT64_MAX, "logins per user and hour")                                  \
    X(index_delay_ms, 0, 0, 86400000, "how long after a write the search index follows")                     \
    X(lock_hold_ms, 0, 0, 600000, "how long a write holds its row locks")                                    \
    X(lock_wait_ms, 10000, 0, 600000, "how long a write waits for a row lock before UNABLE_TO_LOCK_ROW")     \
    X(concurrent_limit, 25, 1, 1000, "requests that may run longer than concurrent_after_ms at once")        \
    X(concurrent_after_ms, 20000, 1, 600000, "a request that runs longer than this is a long one")           \
    X(app_limit, 0, 0, INT64_MAX, "above 0: Sforce-Limit-Info tells the app's share too")                    \
    X(duplicate_rule, 0, 0, 2, "0: none; 1: warns, unless allowSave=true; 2: blocks")                        \
    X(person_accounts, 0, 0, 1, "whether the org has Person Accounts")                                       \
    X(batch_size, 0, 0, 2000, "records per query page; 0: 2,000 or what the client asks for")

enum sb_setting {
#define X(name, ...) SB_##name,
    SB_SETTINGS(X)
#undef X
        SB_SETTING_COUNT
};

struct sb_settings {
    _Atomic int64_t values[SB_SETTING_COUNT];
};

void sb_settings_init(struct sb_settings *settings);
static inline int64_t sb_setting(struct sb_settings *settings, enum sb_setting setting)
{
    return atomic_load_explicit(&settings->values[setting], memory_order_relaxed);
}
/** Applies the members of `object` all or none; other keys are an error (`err` says which). */
CF_CHECKED int sb_settings_apply(struct sb_settings *settings, json_t *object, struct cf_err *err);
/** A new object with all values. */
json_t *sb_settings_json(struct sb_settings *settings);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sessions - access and refresh tokens, and the count of logins.
 *
 * Vocabulary: a token is "<org id>!AR<slot><random>"; the slot is its place in a ring of SB_SESSIONS_MAX, so
 * a lookup is one comparison and the oldest session goes when the ring is full. Thread-safe.
 */
#ifndef SB_SESSIONS_H
#define SB_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SB_TOKEN_SIZE 128

struct sb_sessions;

enum sb_token_kind { SB_TOKEN_ACCESS, SB_TOKEN_REFRESH };

struct sb_sessions *sb_sessions_new(const char *org_id);
void sb_sessions_free(struct sb_sessions *sessions);
/** Makes a token that lives until `expires_ns` (monotonic). */
void sb_sessions_issue(struct sb_sessions *sessions, enum sb_token_kind kind, uint64_t expires_ns,
                       char ret_token[SB_TOKEN_SIZE]);
/** Whether the token is of that kind and alive. */
bool sb_sessions_check(struct sb_sessions *sessions, enum sb_token_kind kind, const char *token,
                       uint64_t now_ns);
/** Ends one session; false when there is none. */
bool sb_sessions_revoke(struct sb_sessions *sessions, const char *token);
/** Ends all access tokens; returns how many lived. Refresh tokens stay. */
size_t sb_sessions_expire_all(struct sb_sessions *sessions, uint64_t now_ns);
/** Counts a login; false when the hour's limit is spent. */
bool sb_sessions_login(struct sb_sessions *sessions, int64_t limit_per_hour, uint64_t now_ns);
/** Tokens ever issued. */
uint64_t sb_sessions_issued(struct sb_sessions *sessions);

#endif

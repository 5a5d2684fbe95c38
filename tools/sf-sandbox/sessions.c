/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "defaults.h"
#include "str/str.h"

#define HOUR_NS (3600ULL * 1000000000ULL)
#define RANDOM_CHARS 48

struct slot {
    char token[SB_TOKEN_SIZE]; /* "" when free */
    enum sb_token_kind kind;
    uint64_t expires_ns;
};

struct sb_sessions {
    pthread_mutex_t lock;
    char org_id[16]; /* the 15-character form, as tokens carry it */
    struct slot *slots;
    uint64_t issued;
    int64_t logins; /* since hour_ns */
    uint64_t hour_ns;
};

struct sb_sessions *sb_sessions_new(const char *org_id)
{
    struct sb_sessions *sessions = cf_calloc(1, sizeof(*sessions));

    pthread_mutex_init(&sessions->lock, NULL);
    cf_str_copy(sessions->org_id, sizeof(sessions->org_id), cf_str_of(org_id));
    sessions->slots = cf_calloc(SB_SESSIONS_MAX, sizeof(*sessions->slots));
    return sessions;
}

void sb_sessions_free(struct sb_sessions *sessions)
{
    if (!sessions)
        return;
    pthread_mutex_destroy(&sessions->lock);
    free(sessions->slots);
    free(sessions);
}

static void random_text(char *text, size_t chars)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
    unsigned char bytes[RANDOM_CHARS];

    if (chars > sizeof(bytes) || RAND_bytes(bytes, (int)chars) != 1)
        abort();
    for (size_t i = 0; i < chars; i++)
        text[i] = alphabet[bytes[i] & 63];
    text[chars] = '\0';
}

void sb_sessions_issue(struct sb_sessions *sessions, enum sb_token_kind kind, uint64_t expires_ns,
                       char ret_token[SB_TOKEN_SIZE])
{
    char secret[RANDOM_CHARS + 1];
    struct slot *slot;

    random_text(secret, RANDOM_CHARS);
    pthread_mutex_lock(&sessions->lock);
    slot = &sessions->slots[sessions->issued % SB_SESSIONS_MAX];
    (void)snprintf(slot->token, sizeof(slot->token), "%s!AR%04x%s", sessions->org_id,
                   (unsigned)(sessions->issued % SB_SESSIONS_MAX), secret);
    slot->kind = kind;
    slot->expires_ns = expires_ns;
    sessions->issued++;
    memcpy(ret_token, slot->token, SB_TOKEN_SIZE);
    pthread_mutex_unlock(&sessions->lock);
}

/* Under the lock. */
static struct slot *find(struct sb_sessions *sessions, const char *token)
{
    const char *mark = strstr(token, "!AR");
    char digits[5] = "";
    char *end;
    unsigned long index;
    struct slot *slot;

    if (!mark || strlen(mark) < 7)
        return NULL;
    memcpy(digits, mark + 3, 4);
    index = strtoul(digits, &end, 16);
    if (*end != '\0' || index >= SB_SESSIONS_MAX)
        return NULL;
    slot = &sessions->slots[index];
    if (slot->token[0] == '\0' || strlen(token) != strlen(slot->token) ||
        CRYPTO_memcmp(token, slot->token, strlen(token)) != 0)
        return NULL;
    return slot;
}

bool sb_sessions_check(struct sb_sessions *sessions, enum sb_token_kind kind, const char *token,
                       uint64_t now_ns)
{
    struct slot *slot;
    bool alive;

    pthread_mutex_lock(&sessions->lock);
    slot = find(sessions, token);
    alive = slot && slot->kind == kind && slot->expires_ns > now_ns;
    pthread_mutex_unlock(&sessions->lock);
    return alive;
}

bool sb_sessions_revoke(struct sb_sessions *sessions, const char *token)
{
    struct slot *slot;

    pthread_mutex_lock(&sessions->lock);
    slot = find(sessions, token);
    if (slot)
        slot->token[0] = '\0';
    pthread_mutex_unlock(&sessions->lock);
    return slot != NULL;
}

size_t sb_sessions_expire_all(struct sb_sessions *sessions, uint64_t now_ns)
{
    size_t ended = 0;

    pthread_mutex_lock(&sessions->lock);
    for (size_t i = 0; i < SB_SESSIONS_MAX; i++) {
        struct slot *slot = &sessions->slots[i];

        if (slot->token[0] == '\0' || slot->kind != SB_TOKEN_ACCESS)
            continue;
        ended += slot->expires_ns > now_ns;
        slot->token[0] = '\0';
    }
    pthread_mutex_unlock(&sessions->lock);
    return ended;
}

bool sb_sessions_login(struct sb_sessions *sessions, int64_t limit_per_hour, uint64_t now_ns)
{
    bool allowed;

    pthread_mutex_lock(&sessions->lock);
    if (sessions->hour_ns == 0 || now_ns - sessions->hour_ns >= HOUR_NS) {
        sessions->hour_ns = now_ns;
        sessions->logins = 0;
    }
    allowed = sessions->logins < limit_per_hour;
    sessions->logins += allowed;
    pthread_mutex_unlock(&sessions->lock);
    return allowed;
}

uint64_t sb_sessions_issued(struct sb_sessions *sessions)
{
    uint64_t issued;

    pthread_mutex_lock(&sessions->lock);
    issued = sessions->issued;
    pthread_mutex_unlock(&sessions->lock);
    return issued;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

#include "clock/clock.h"
#include "defaults.h"

#define MAX_DELAY_MS 3600000
#define MAX_SPAN_MS 86400000

struct rule {
    uint32_t id;
    bool enabled;
    char method[12], path[256], class_name[32], body_contains[128];
    double rate;
    int64_t times; /* hits left; -1: no end */
    uint64_t seed, state;
    uint64_t from_ns, until_ns; /* CLOCK_MONOTONIC; until 0: no end */
    uint64_t seen, hits;
    struct sb_fault_hit hit;
};

struct sb_faults {
    pthread_mutex_t lock;
    struct rule rules[SB_FAULTS_MAX];
    _Atomic size_t count;
    uint32_t last_id;
};

static const struct kind_row {
    const char *name;
    enum sb_fault_kind kind;
    int status;
    uint64_t delay_ms, bytes;
} kinds[] = {
    {"status", SB_FAULT_STATUS, 503, 0, 0},
    {"error-body", SB_FAULT_ERROR_BODY, 500, 0, 0},
    {"delay", SB_FAULT_DELAY, 0, 1000, 0},
    {"delay-before", SB_FAULT_DELAY_BEFORE, 0, 1000, 0},
    {"cut-before", SB_FAULT_CUT_BEFORE, 0, 0, 0},
    {"cut-after", SB_FAULT_CUT_AFTER, 0, 0, 0},
    {"commit-then-500", SB_FAULT_COMMIT_500, 500, 0, 0},
    {"slow-body", SB_FAULT_SLOW_BODY, 0, 100, 1},
    {"html-maintenance", SB_FAULT_HTML, 503, 0, 0},
    {"huge-body", SB_FAULT_HUGE_BODY, 200, 0, 64ULL << 20},
    {"expire-token", SB_FAULT_EXPIRE_TOKEN, 401, 0, 0},
    {"redirect", SB_FAULT_REDIRECT, 302, 0, 0},
    {"half-response", SB_FAULT_HALF, 0, 0, 0},
    {"record-error", SB_FAULT_RECORD_ERROR, 400, 0, 0},
    {"garbage", SB_FAULT_GARBAGE, 200, 0, 0},
    {"gzip-bomb", SB_FAULT_GZIP_BOMB, 200, 0, 1ULL << 30},
    {"deep-json", SB_FAULT_DEEP_JSON, 200, 0, 100000},
    {"wrong-charset", SB_FAULT_WRONG_CHARSET, 0, 0, 0},
    {"endless-headers", SB_FAULT_ENDLESS_HEADERS, 200, 100, 1},
    {"doubled-answer", SB_FAULT_DOUBLED, 0, 0, 0},
};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

const char *sb_fault_name(enum sb_fault_kind kind)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].kind == kind)
            return kinds[i].name;
    }
    return "none";
}

struct sb_faults *sb_faults_new(void)
{
    struct sb_faults *faults = cf_calloc(1, sizeof(*faults));

    pthread_mutex_init(&faults->lock, NULL);
    return faults;
}

void sb_faults_free(struct sb_faults *faults)
{
    if (!faults)
        return;
    pthread_mutex_destroy(&faults->lock);
    free(faults);
}

/* Two pointers and one point to fall back to: linear for all practical patterns. */
static bool glob(struct cf_str pattern, struct cf_str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, back = 0;

    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            back = t;
        } else if (p < pattern.n && pattern.p[p] == text.p[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++back;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

bool sb_fault_path_matches(struct cf_str pattern, struct cf_str path)
{
    if (pattern.n == 0)
        return true;
    if (memchr(pattern.p, '*', pattern.n))
        return glob(pattern, path);
    return cf_str_starts(path, pattern);
}

/* A text member of a rule, "" when absent; false when it is no text or too long. */
static bool take_text(json_t *rule, const char *name, char *dst, size_t size)
{
    json_t *value = json_object_get(rule, name);

    dst[0] = '\0';
    if (!value || json_is_null(value))
        return true;
    return json_is_string(value) && cf_str_copy(dst, size, cf_str_of(json_string_value(value)));
}

static bool take_number(json_t *rule, const char *name, int64_t lowest, int64_t highest, int64_t *value)
{
    json_t *number = json_object_get(rule, name);

    if (!number || json_is_null(number))
        return true;
    if (!json_is_integer(number) || json_integer_value(number) < lowest ||
        json_integer_value(number) > highest)
        return false;
    *value = json_integer_value(number);
    return true;
}

static const struct kind_row *kind_of(json_t *rule)
{
    const char *name = json_string_value(json_object_get(rule, "kind"));

    for (size_t i = 0; name && i < KIND_COUNT; i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}

static int read_hit(json_t *json, struct sb_fault_hit *hit, struct cf_err *err)
{
    const struct kind_row *kind = kind_of(json);
    int64_t status, delay, bytes, retry_after = -1;

    if (!kind)
        return cf_err_set(err, CF_ERR_REJECTED, "faults", 0, "kind: one of the README's kinds is needed");
    status = kind->status;
    delay = (int64_t)kind->delay_ms;
    bytes = (int64_t)kind->bytes;
    if (!take_number(json, "status", 200, 599, &status) ||
        !take_number(json, "delay_ms", 0, MAX_DELAY_MS, &delay) ||
        !take_number(json, "bytes", 1, INT64_MAX / 2, &bytes) ||
        !take_number(json, "retry_after", 0, MAX_DELAY_MS, &retry_after))
        return cf_err_set(err, CF_ERR_REJECTED, "faults", 0,
                          "status, delay_ms, bytes or retry_after: out of range");
    *hit = (struct sb_fault_hit){.kind = kind->kind,
                                 .status = (int)status,
                                 .delay_ms = (uint64_t)delay,
                                 .bytes = (uint64_t)bytes,
                                 .retry_after = retry_after};
    if (!take_text(json, "errorCode", hit->code, sizeof(hit->code)) ||
        !take_text(json, "message", hit->message, sizeof(hit->message)) ||
        !take_text(json, "location", hit->location, sizeof(hit->location)))
        return cf_err_set(err, CF_ERR_REJECTED, "faults", 0, "errorCode, message or location: text too long");
    return 0;
}

/* A rule may begin later and end by itself. */
static bool read_span(json_t *json, struct rule *rule)
{
    int64_t after_ms = 0, for_ms = 0;

    if (!take_number(json, "after_ms", 0, MAX_SPAN_MS, &after_ms) ||
        !take_number(json, "for_ms", 0, MAX_SPAN_MS, &for_ms))
        return false;
    rule->from_ns = cf_clock_mono_ns() + (uint64_t)after_ms * 1000000U;
    rule->until_ns = for_ms > 0 ? rule->from_ns + (uint64_t)for_ms * 1000000U : 0;
    return true;
}

static int read_rule(json_t *json, struct rule *rule, struct cf_err *err)
{
    json_t *rate = json_object_get(json, "rate"), *enabled = json_object_get(json, "enabled");
    int64_t seed = 1;

    if (!json_is_object(json))
        return cf_err_set(err, CF_ERR_REJECTED, "faults", 0, "an object is needed");
    *rule = (struct rule){.enabled = true, .rate = 1.0, .times = -1};
    if (read_hit(json, &rule->hit, err))
        return -1;
    if (!take_text(json, "method", rule->method, sizeof(rule->method)) ||
        !take_text(json, "path", rule->path, sizeof(rule->path)) ||
        !take_text(json, "class", rule->class_name, sizeof(rule->class_name)) ||
        !take_text(json, "body_contains", rule->body_contains, sizeof(rule->body_contains)))
        return cf_err_set(err, CF_ERR_REJECTED, "faults", 0,
                          "method, path, class or body_contains: bad text");
    if (rate && (!json_is_number(rate) || json_number_value(rate) < 0 || json_number_value(rate) > 1))
        return cf_err_set(err, CF_ERR_REJECTED, "faults", 0, "rate: 0 to 1 is needed");
    if (!take_number(json, "times", -1, INT64_MAX, &rule->times) ||
        !take_number(json, "seed", 0, INT64_MAX, &seed) || (enabled && !json_is_boolean(enabled)) ||
        !read_span(json, rule))
        return cf_err_set(err, CF_ERR_REJECTED, "faults", 0,
                          "times, seed, enabled, after_ms or for_ms: bad value");
    rule->rate = rate ? json_number_value(rate) : 1.0;
    rule->enabled = !enabled || json_is_true(enabled);
    rule->seed = rule->state = (uint64_t)seed;
    return 0;
}

uint32_t sb_faults_add(struct sb_faults *faults, json_t *rule, struct cf_err *err)
{
    struct rule fresh;
    uint32_t id = 0;

    if (read_rule(rule, &fresh, err))
        return 0;
    pthread_mutex_lock(&faults->lock);
    if (faults->count < SB_FAULTS_MAX) {
        id = fresh.id = ++faults->last_id;
        faults->rules[faults->count++] = fresh;
    }
    pthread_mutex_unlock(&faults->lock);
    if (id == 0)
        (void)cf_err_set(err, CF_ERR_REJECTED, "faults", 0, "there are %u rules already", SB_FAULTS_MAX);
    return id;
}

size_t sb_faults_clear(struct sb_faults *faults, uint32_t id)
{
    size_t kept = 0, before;

    pthread_mutex_lock(&faults->lock);
    before = faults->count;
    for (size_t i = 0; i < before; i++) {
        if (id != 0 && faults->rules[i].id != id)
            faults->rules[kept++] = faults->rules[i];
    }
    faults->count = kept;
    pthread_mutex_unlock(&faults->lock);
    return before - kept;
}

static json_t *rule_json(const struct rule *rule)
{
    return json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:b,s:f,s:I,s:I,s:i,s:I,s:I,s:s,s:s,s:s,s:I,s:I}", "id",
                     (json_int_t)rule->id, "kind", sb_fault_name(rule->hit.kind), "method", rule->method,
                     "path", rule->path, "class", rule->class_name, "body_contains", rule->body_contains,
                     "enabled", (int)rule->enabled, "rate", rule->rate, "times", (json_int_t)rule->times,
                     "seed", (json_int_t)rule->seed, "status", rule->hit.status, "delay_ms",
                     (json_int_t)rule->hit.delay_ms, "bytes", (json_int_t)rule->hit.bytes, "errorCode",
                     rule->hit.code, "message", rule->hit.message, "location", rule->hit.location, "seen",
                     (json_int_t)rule->seen, "hits", (json_int_t)rule->hits);
}

static bool is_on(const struct rule *rule, uint64_t now_ns)
{
    return rule->enabled && rule->times != 0 && now_ns >= rule->from_ns &&
           (rule->until_ns == 0 || now_ns < rule->until_ns);
}

json_t *sb_faults_list(struct sb_faults *faults)
{
    json_t *list = json_array();
    uint64_t now_ns = cf_clock_mono_ns();

    pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->count; i++) {
        json_array_append_new(list, rule_json(&faults->rules[i]));
        json_object_set_new(json_array_get(list, i), "on", json_boolean(is_on(&faults->rules[i], now_ns)));
    }
    pthread_mutex_unlock(&faults->lock);
    return list;
}

/* splitmix64: any seed is a good one. */
static double draw(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static bool is_for(const struct rule *rule, const struct sb_fault_ask *ask, uint64_t now_ns)
{
    if (!is_on(rule, now_ns))
        return false;
    if (rule->method[0] && strcmp(rule->method, "*") != 0 && strcasecmp(rule->method, ask->method) != 0)
        return false;
    if (rule->class_name[0] && strcmp(rule->class_name, ask->class_name) != 0)
        return false;
    if (!sb_fault_path_matches(cf_str_of(rule->path), ask->path))
        return false;
    return !rule->body_contains[0] ||
           (ask->body.n > 0 &&
            memmem(ask->body.p, ask->body.n, rule->body_contains, strlen(rule->body_contains)) != NULL);
}

static bool fires(struct rule *rule)
{
    rule->seen++;
    if (rule->times == 0 || draw(&rule->state) >= rule->rate)
        return false;
    rule->hits++;
    if (rule->times > 0)
        rule->times--;
    return true;
}

static void decide(struct rule *rule, struct sb_fault_fate *fate)
{
    if (rule->hit.kind == SB_FAULT_RECORD_ERROR) {
        if (fate->record_fault_id == 0)
            fate->record_fault_id = rule->id; /* drawn for each record */
        return;
    }
    /* A request that has met its end already must not use up another rule. */
    if (rule->hit.kind != SB_FAULT_DELAY && rule->hit.kind != SB_FAULT_DELAY_BEFORE &&
        fate->end.kind != SB_FAULT_NONE)
        return;
    if (!fires(rule))
        return;
    if (rule->hit.kind == SB_FAULT_DELAY) {
        fate->delay_after_ms += rule->hit.delay_ms;
    } else if (rule->hit.kind == SB_FAULT_DELAY_BEFORE) {
        fate->delay_before_ms += rule->hit.delay_ms;
    } else {
        fate->end = rule->hit;
        fate->end.fault_id = rule->id;
    }
}

void sb_faults_decide(struct sb_faults *faults, const struct sb_fault_ask *ask,
                      struct sb_fault_fate *ret_fate)
{
    uint64_t now_ns;

    *ret_fate = (struct sb_fault_fate){0};
    if (faults->count == 0)
        return;
    now_ns = cf_clock_mono_ns();
    pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->count; i++) {
        if (is_for(&faults->rules[i], ask, now_ns))
            decide(&faults->rules[i], ret_fate);
    }
    pthread_mutex_unlock(&faults->lock);
}

bool sb_faults_record(struct sb_faults *faults, uint32_t id, struct sb_fault_hit *ret_hit)
{
    bool hit = false;

    pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->count; i++) {
        struct rule *rule = &faults->rules[i];

        if (rule->id == id && rule->enabled && fires(rule)) {
            *ret_hit = rule->hit;
            hit = true;
        }
    }
    pthread_mutex_unlock(&faults->lock);
    return hit;
}

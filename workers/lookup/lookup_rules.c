/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup_rules.h"

#include <stdlib.h>

#include "phone/phone.h"

/* ---- configuration ---- */

static const char *const criterion_names[LOOKUP_CRITERIA] = {"open-case", "recent-activity", "account-tier"};

static int add_criterion(struct lookup_rules *rules, struct cf_str name, struct cf_err *err)
{
    size_t which = 0;

    while (which < LOOKUP_CRITERIA && !cf_str_is(name, criterion_names[which]))
        which++;
    if (which == LOOKUP_CRITERIA)
        return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0,
                          "choose: \"%.*s\" is none of open-case, recent-activity, account-tier",
                          (int)(name.n < 40 ? name.n : 40), name.p);
    for (size_t i = 0; i < rules->n_criteria; i++) {
        if (rules->criteria[i] == (enum lookup_criterion)which)
            return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0, "choose: %s is named twice",
                              criterion_names[which]);
    }
    rules->criteria[rules->n_criteria++] = (enum lookup_criterion)which;
    return 0;
}

int lookup_rules_parse(struct cf_str text, struct lookup_rules *ret_rules, struct cf_err *err)
{
    struct lookup_rules rules = {0};

    if (lookup_rules_tiers(CF_STR("Platinum,Gold,Silver,Bronze"), &rules, err))
        return -1;
    while (text.n > 0) {
        const char *comma = memchr(text.p, ',', text.n);
        size_t n = comma ? (size_t)(comma - text.p) : text.n;

        if (add_criterion(&rules, cf_str_trim((struct cf_str){text.p, n}), err))
            return -1;
        text.p += comma ? n + 1 : n;
        text.n -= comma ? n + 1 : n;
    }
    *ret_rules = rules;
    return 0;
}

int lookup_rules_tiers(struct cf_str text, struct lookup_rules *rules, struct cf_err *err)
{
    rules->n_tiers = 0;
    while (text.n > 0) {
        const char *comma = memchr(text.p, ',', text.n);
        size_t n = comma ? (size_t)(comma - text.p) : text.n;
        struct cf_str tier = cf_str_trim((struct cf_str){text.p, n});

        if (tier.n == 0 || rules->n_tiers == LOOKUP_TIERS)
            return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0,
                              "tier_order: at most %d names, none of them empty", LOOKUP_TIERS);
        rules->tiers[rules->n_tiers++] = tier;
        text.p += comma ? n + 1 : n;
        text.n -= comma ? n + 1 : n;
    }
    return 0;
}

/* ---- urgency of cases ---- */

static int rank_in(struct cf_str value, const char *const *names)
{
    int rank = 0;

    while (names[rank] && !cf_str_eq_nocase(value, cf_str_of(names[rank])))
        rank++;
    return rank;
}

static int priority_rank(struct cf_str priority)
{
    static const char *const names[] = {"Critical", "Urgent", "High", "Medium", "Low", NULL};

    return rank_in(priority, names);
}

static int compare_text(struct cf_str a, struct cf_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;

    return order ? order : (a.n > b.n) - (a.n < b.n);
}

static int compare_cases(const void *left, const void *right)
{
    const struct lookup_case *a = left, *b = right;
    int a_rank = priority_rank(a->shown.priority), b_rank = priority_rank(b->shown.priority);

    if (a_rank != b_rank)
        return a_rank - b_rank;
    if (a->escalated != b->escalated)
        return a->escalated ? -1 : 1;
    if (a->created_at != b->created_at)
        return a->created_at < b->created_at ? -1 : 1;
    return compare_text(a->shown.id, b->shown.id);
}

/* ---- candidates ---- */

static bool is_caller(const struct lookup_caller *caller, struct cf_str field)
{
    const char *home = caller->phone->region;

    if (field.n == 0 || !cf_phone_may_be(field, caller->phone))
        return false;
    return cf_phone_is(field, caller->region, caller->phone) ||
           (*home && strcmp(home, caller->region) != 0 && cf_phone_is(field, home, caller->phone));
}

/* The field that holds the number, NULL: none does. */
static const char *matching_field(const struct lookup_record *record, const struct lookup_caller *caller)
{
    for (size_t i = 0; i < LOOKUP_PHONES; i++) {
        if (is_caller(caller, record->phones[i]))
            return record->phone_fields[i];
    }
    return NULL;
}

static enum lookup_kind kind_of(const struct lookup_record *record)
{
    return record->contact.id.p ? LOOKUP_KIND_CONTACT
           : record->lead.id.p  ? LOOKUP_KIND_LEAD
                                : LOOKUP_KIND_ACCOUNT;
}

static struct cf_str id_of(const struct lookup_record *record)
{
    return record->contact.id.p ? record->contact.id
           : record->lead.id.p  ? record->lead.id
                                : record->account.id;
}

/* A person account comes as an account and as its contact: one person. 15 characters tell ids apart. */
static bool is_known(const struct lookup_record *records, size_t n, const struct lookup_record *record)
{
    struct cf_str id = id_of(record);

    for (size_t i = 0; i < n; i++) {
        struct cf_str other = id_of(&records[i]);

        if (id.n >= 15 && other.n >= 15 && memcmp(id.p, other.p, 15) == 0)
            return true;
    }
    return false;
}

/* Moves the candidates of one kind to the front. Returns how many. */
static size_t keep_candidates(const struct lookup_caller *caller, struct lookup_record *records, size_t n,
                              enum lookup_kind kind)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        struct lookup_record record = records[i];

        if (kind_of(&record) != kind || is_known(records, kept, &record))
            continue;
        record.matched = matching_field(&record, caller);
        if (!record.matched)
            continue;
        records[i] = records[kept];
        records[kept++] = record;
    }
    return kept;
}

static size_t tier_rank(const struct lookup_rules *rules, struct cf_str tier)
{
    size_t rank = 0;

    while (rank < rules->n_tiers && !cf_str_eq_nocase(tier, rules->tiers[rank]))
        rank++;
    return rank;
}

/* Below 0: `a` is the better one. */
static int compare_by(const struct lookup_rules *rules, enum lookup_criterion criterion,
                      const struct lookup_record *a, const struct lookup_record *b)
{
    switch (criterion) {
    case LOOKUP_OPEN_CASE:
        return (a->n_cases == 0) - (b->n_cases == 0);
    case LOOKUP_RECENT_ACTIVITY:
        /* A call or a meeting says more than a change, which may have been a bulk update. */
        if (a->active_at != b->active_at)
            return a->active_at > b->active_at ? -1 : 1;
        return (a->modified_at < b->modified_at) - (a->modified_at > b->modified_at);
    case LOOKUP_ACCOUNT_TIER:
        return (int)tier_rank(rules, a->account.tier) - (int)tier_rank(rules, b->account.tier);
    }
    return 0;
}

static bool is_better(const struct lookup_rules *rules, const struct lookup_record *a,
                      const struct lookup_record *b)
{
    for (size_t i = 0; i < rules->n_criteria; i++) {
        int order = compare_by(rules, rules->criteria[i], a, b);

        if (order != 0)
            return order < 0;
    }
    return compare_text(id_of(a), id_of(b)) < 0;
}

/* Few candidates: insertion sort, so that the rules need no global state for qsort(). */
static void sort_candidates(const struct lookup_rules *rules, struct lookup_record *records, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct lookup_record record = records[i];
        size_t at = i;

        for (; at > 0 && is_better(rules, &record, &records[at - 1]); at--)
            records[at] = records[at - 1];
        records[at] = record;
    }
}

/* ---- the result ---- */

/* How many of the sorted candidates are as good as the first by a criterion; they stand together. */
static size_t tied(const struct lookup_rules *rules, enum lookup_criterion criterion,
                   const struct lookup_record *records, size_t n)
{
    size_t same = 1;

    while (same < n && compare_by(rules, criterion, &records[0], &records[same]) == 0)
        same++;
    return same;
}

/* "the most recent activity, among 2 with an open case" */
static void write_choice(struct cf_buf *buf, const struct lookup_rules *rules,
                         const struct lookup_record *records, size_t n)
{
    static const char *const decided[LOOKUP_CRITERIA] = {"its open case", "the most recent activity",
                                                         "the higher account tier"};
    static const char *const shared[LOOKUP_CRITERIA] = {"an open case", "equally recent activity",
                                                        "an equal account tier"};
    const char *narrowed = NULL;
    size_t left = n, i = 0;

    for (; i < rules->n_criteria; i++) {
        size_t same = tied(rules, rules->criteria[i], records, left);

        if (same == 1)
            break;
        narrowed = same < left ? shared[rules->criteria[i]] : narrowed;
        left = same;
    }
    cf_buf_text(buf, i < rules->n_criteria ? decided[rules->criteria[i]]
                                           : "the lowest id, for nothing tells them apart");
    if (narrowed)
        cf_buf_printf(buf, ", among %zu with %s", left, narrowed);
}

static struct cf_str reason_of(struct cf_arena *arena, const struct lookup_rules *rules,
                               const struct lookup_record *records, size_t n, enum lookup_kind kind)
{
    static const char *const kinds[LOOKUP_KINDS] = {"contact", "account", "lead"};
    struct cf_str reason;
    struct cf_buf buf;

    if (n == 1)
        return cf_arena_printf(arena, "one %s has this number (%s)", kinds[kind], records[0].matched);
    cf_buf_init(&buf, 255);
    cf_buf_printf(&buf, "%zu %ss have this number; chosen by ", n, kinds[kind]);
    write_choice(&buf, rules, records, n);
    cf_buf_printf(&buf, " (%s)", records[0].matched);
    reason = cf_arena_str(arena, cf_buf_view(&buf));
    cf_buf_done(&buf);
    return reason;
}

static void put_cases(struct cf_arena *arena, struct lookup_record *record, struct cf_customer *customer)
{
    size_t n = record->n_cases < LOOKUP_MAX_CASES ? record->n_cases : LOOKUP_MAX_CASES;
    struct cf_case *cases = cf_arena_alloc(arena, (n ? n : 1) * sizeof(*cases));

    if (record->n_cases > 1)
        qsort(record->cases, record->n_cases, sizeof(*record->cases), compare_cases);
    for (size_t i = 0; i < n; i++)
        cases[i] = record->cases[i].shown;
    customer->cases = cases;
    customer->n_cases = n;
}

static void put_candidates(struct cf_arena *arena, const struct lookup_record *records, size_t n,
                           struct cf_customer *customer)
{
    size_t listed = n < LOOKUP_MAX_LISTED ? n : LOOKUP_MAX_LISTED;
    struct cf_candidate *candidates = cf_arena_alloc(arena, listed * sizeof(*candidates));

    for (size_t i = 0; i < listed; i++)
        candidates[i] = (struct cf_candidate){.account = records[i].account,
                                              .contact = records[i].contact,
                                              .lead = records[i].lead,
                                              .open_cases = (int64_t)records[i].n_cases};
    customer->candidates = candidates;
    customer->n_candidates = listed;
}

void lookup_decide(struct cf_arena *arena, const struct lookup_rules *rules,
                   const struct lookup_caller *caller, struct lookup_record *records, size_t n,
                   struct cf_customer *ret_customer)
{
    struct cf_customer customer = {.status = CF_CUSTOMER_UNMATCHED,
                                   .reason = CF_STR("no contact or account has this number")};
    enum lookup_kind kind = LOOKUP_KIND_CONTACT;
    size_t kept = keep_candidates(caller, records, n, kind);

    for (; kept == 0 && kind + 1 < LOOKUP_KINDS; kept = keep_candidates(caller, records, n, kind))
        kind++;
    customer.match_count = (int64_t)kept;
    if (kept > 0) {
        sort_candidates(rules, records, kept);
        customer.status = kept == 1 ? CF_CUSTOMER_MATCHED : CF_CUSTOMER_AMBIGUOUS;
        customer.account = records[0].account;
        customer.contact = records[0].contact;
        customer.lead = records[0].lead;
        customer.reason = reason_of(arena, rules, records, kept, kind);
        put_cases(arena, &records[0], &customer);
    }
    if (kept > 1)
        put_candidates(arena, records, kept, &customer);
    *ret_customer = customer;
}

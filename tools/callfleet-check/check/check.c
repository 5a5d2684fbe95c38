/* SPDX-License-Identifier: Apache-2.0 */
#include "check/check.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "engine/routing_log.h"
#include "json/json.h"

#define ARENA_BYTES (32UL << 20)
/* A live topic: how many decisions wait for one that is missing, before it is called missing. */
#define WINDOW 10000

struct log_entry {
    struct line_node node; /* by partition and offset */
    enum cf_rt_kind kind;
    int64_t t, version; /* version: of a policy */
    struct place place, cause;
    struct cf_str topic; /* of the cause; p = NULL: none */
    size_t n;
    char bytes[];
};

struct decision_entry {
    struct line_node node; /* by seq */
    struct place place;
    size_t n;
    char bytes[];
};

struct domain {
    struct cf_str id; /* first */
    struct domain *next;
    struct model *model;
    struct twin *twin;
    struct line log, decisions;
    struct log_entry *open; /* the record under way */
    bool refused;           /* it is a policy that was refused, or one that is good */
    struct cf_arena *record_arena;
    int64_t next_seq;
    size_t n_records, n_decisions, n_undecided, n_unplaced;
    char text[];
};

struct check {
    struct check_opts opts;
    struct report report;
    struct cf_ids ids;
    struct domain *domains;
    struct cf_arena *arena; /* of one record or decision */
    int64_t arrivals;
};

static const char *const kinds[] = {"call-queued", "call-ended", "agent-state", "tick", "policy"};

static struct log_entry *log_of(struct line_node *node)
{
    return (struct log_entry *)(void *)((char *)node - offsetof(struct log_entry, node));
}

static struct decision_entry *decision_of(struct line_node *node)
{
    return (struct decision_entry *)(void *)((char *)node - offsetof(struct decision_entry, node));
}

struct check *check_new(const struct check_opts *opts)
{
    struct check *check = cf_calloc(1, sizeof(*check));

    check->opts = *opts;
    report_init(&check->report, opts->out, opts->limit);
    check->arena = cf_arena_new(ARENA_BYTES);
    return check;
}

static void free_entries(struct domain *domain)
{
    struct line_node *node;

    while ((node = domain->log.root)) {
        line_take(&domain->log, node);
        free(log_of(node));
    }
    while ((node = domain->decisions.root)) {
        line_take(&domain->decisions, node);
        free(decision_of(node));
    }
    free(domain->open);
}

void check_free(struct check *check)
{
    while (check->domains) {
        struct domain *domain = check->domains;

        check->domains = domain->next;
        free_entries(domain);
        model_free(domain->model);
        twin_free(domain->twin);
        cf_arena_free(domain->record_arena);
        free(domain);
    }
    cf_ids_done(&check->ids);
    cf_arena_free(check->arena);
    free(check);
}

/* ---- entries ---- */

static struct domain *domain_get(struct check *check, struct cf_str id)
{
    struct domain *domain = cf_ids_get(&check->ids, id);

    if (domain)
        return domain;
    domain = cf_calloc(1, sizeof(*domain) + id.n);
    memcpy(domain->text, id.p, id.n);
    domain->id = (struct cf_str){domain->text, id.n};
    domain->model = model_new(id, &check->report);
    domain->twin = twin_new(id, &check->report);
    domain->record_arena = cf_arena_new(ARENA_BYTES);
    domain->next_seq = 1;
    domain->next = check->domains;
    check->domains = domain;
    cf_ids_put(&check->ids, domain);
    return domain;
}

static int add_log(struct check *check, const struct entry *entry, struct cf_err *err)
{
    const struct cf_rt_record *record;
    struct log_entry *own;
    struct cf_str topic;

    if (cf_routing_log_decode(check->arena, entry->value, entry->offset, &record, err) < 0)
        return -1;
    topic = record->cause.topic;
    own = cf_calloc(1, sizeof(*own) + entry->value.n + topic.n);
    own->kind = record->kind;
    own->t = record->t;
    own->version = record->kind == CF_RT_POLICY ? record->u.policy.version : -1;
    own->place = (struct place){entry->partition, entry->offset};
    own->cause = (struct place){(int32_t)record->cause.partition, record->cause.offset};
    own->n = entry->value.n;
    memcpy(own->bytes, entry->value.p, own->n);
    if (topic.n > 0)
        memcpy(own->bytes + own->n, topic.p, topic.n);
    own->topic = (struct cf_str){topic.p ? own->bytes + own->n : NULL, topic.n};
    own->node.key = (struct key){entry->partition, entry->offset, ++check->arrivals};
    line_put(&domain_get(check, record->domain)->log, &own->node);
    return 0;
}

static int add_decision(struct check *check, const struct entry *entry, struct cf_err *err)
{
    const struct cf_json *data = cf_json_get(cf_json_parse(check->arena, entry->value, err), "data");
    struct cf_str domain = cf_json_get_str(data, "domain");
    struct decision_entry *own;

    if (!domain.p || domain.n == 0)
        return cf_err_set(err, CF_ERR_REJECTED, "check", 0, "a decision names no domain");
    own = cf_calloc(1, sizeof(*own) + entry->value.n);
    own->place = (struct place){entry->partition, entry->offset};
    own->n = entry->value.n;
    memcpy(own->bytes, entry->value.p, own->n);
    own->node.key = (struct key){0, cf_json_get_int(data, "seq", -1), ++check->arrivals};
    line_put(&domain_get(check, domain)->decisions, &own->node);
    return 0;
}

int check_entry(void *arg, const struct entry *entry)
{
    struct check *check = arg;
    struct cf_err err = {.text = ""};
    int rc;

    cf_arena_clear(check->arena);
    rc = strcmp(entry->topic, "routing-log") == 0 ? add_log(check, entry, &err)
                                                  : add_decision(check, entry, &err);
    if (rc < 0)
        (void)fprintf(check->opts.out, "%s %d@%" PRId64 ": %s\n", entry->topic, entry->partition,
                      entry->offset, err.text);
    return rc;
}

/* ---- records and decisions together ---- */

static void look_at(struct check *check, struct domain *domain, const struct log_entry *entry)
{
    struct report *report = &check->report;

    report->domain = domain->id;
    report->log = entry ? entry->place : (struct place){-1, -1};
    report->log_kind = entry ? kinds[entry->kind] : NULL;
    report->cause_topic = entry ? entry->topic : (struct cf_str){0};
    report->cause = entry ? entry->cause : (struct place){-1, -1};
    report->what = (struct cf_str){0};
    report->seq = 0;
}

static void close_record(struct check *check, struct domain *domain)
{
    if (!domain->open)
        return;
    look_at(check, domain, domain->open);
    model_close(domain->model);
    free(domain->open);
    domain->open = NULL;
}

static void check_digest(struct check *check, struct domain *domain)
{
    char digest[65];

    if (!check->opts.digest || !cf_str_is(domain->id, check->opts.digest_domain) ||
        domain->open->place.offset != check->opts.digest_offset)
        return;
    twin_digest(domain->twin, digest);
    if (strcmp(digest, check->opts.digest) != 0)
        report_add(&check->report, 15, "digest at offset %" PRId64 " is %s, the live state had %s",
                   check->opts.digest_offset, digest, check->opts.digest);
}

static void open_record(struct check *check, struct domain *domain, struct log_entry *entry)
{
    const struct cf_rt_record *record = NULL;
    struct cf_err err;

    close_record(check, domain);
    line_take(&domain->log, &entry->node);
    domain->open = entry;
    domain->n_records++;
    look_at(check, domain, entry);
    cf_arena_clear(domain->record_arena);
    /* It was readable when it came. */
    if (cf_routing_log_decode(domain->record_arena, (struct cf_str){entry->bytes, entry->n},
                              entry->place.offset, &record, &err) < 0)
        abort();
    twin_step(domain->twin, record);
    check_digest(check, domain);
    model_open(domain->model, record);
    domain->refused = domain->model->next_policy != NULL;
}

/* What the engine says of a policy that it does not take. */
static bool is_refusal(const struct cf_call_routed *d)
{
    return cf_str_is(d->decision, "ignored") && !d->call_id.p && !d->agent_id.p;
}

static bool is_refused(const struct domain *domain, const struct cf_call_routed *d)
{
    const struct model *model = domain->model;
    int64_t version = cf_policy_version(model->policy);
    bool newer = domain->open->version > version;

    return domain->open->kind == CF_RT_POLICY && !domain->refused && d->at == model->now &&
           d->cause.policy_version == version && newer == cf_str_is(d->reason, "invalid-policy");
}

/* The decision names the record's input. */
static bool is_input(const struct log_entry *entry, const struct cf_call_routed *d)
{
    return entry->topic.p && d->cause.topic.p && entry->cause.partition == d->cause.partition &&
           entry->cause.offset == d->cause.offset && cf_str_eq(entry->topic, d->cause.topic);
}

/* Whether the decision can come from the record under way. Ticks and policies have no input to be named by.
 */
static bool belongs(const struct domain *domain, const struct cf_call_routed *d)
{
    const struct log_entry *open = domain->open;
    const struct model *model = domain->model;

    if (!open)
        return false;
    if (open->topic.p || d->cause.topic.p)
        return is_input(open, d);
    if (is_refusal(d))
        return is_refused(domain, d);
    return d->at <= model->now &&
           (d->cause.policy_version == cf_policy_version(model->policy) ||
            (model->next_policy && d->cause.policy_version == cf_policy_version(model->next_policy)));
}

/* The next record with the input that the decision names, NULL: none is here. */
static struct log_entry *find_record(const struct domain *domain, const struct cf_call_routed *d)
{
    struct line_node *node = d->cause.topic.p ? line_first(&domain->log) : NULL;

    while (node && !is_input(log_of(node), d))
        node = line_after(&domain->log, &node->key);
    return node ? log_of(node) : NULL;
}

static void skip_to(struct check *check, struct domain *domain, struct log_entry *entry)
{
    for (;;) {
        struct log_entry *first = log_of(line_first(&domain->log));

        open_record(check, domain, first);
        if (first == entry)
            return;
    }
}

/* Goes on to the record that the decision belongs to. false: it is not here. */
static bool go_to(struct check *check, struct domain *domain, const struct cf_call_routed *d)
{
    struct log_entry *record;

    /* Only ticks and policies can have had no decision. */
    while (!belongs(domain, d) && !d->cause.topic.p) {
        struct line_node *node = line_first(&domain->log);

        if (!node || log_of(node)->topic.p)
            return false;
        open_record(check, domain, log_of(node));
    }
    if (belongs(domain, d))
        return true;
    record = find_record(domain, d);
    if (record)
        skip_to(check, domain, record);
    return record != NULL;
}

static void take(struct check *check, struct domain *domain, const struct decision_entry *entry,
                 const struct cf_call_routed *d)
{
    struct report *report = &check->report;

    look_at(check, domain, domain->open);
    report->decision = entry->place;
    report->seq = d->seq;
    report->what = d->decision;
    report->call_id = d->call_id;
    report->agent_id = d->agent_id;
    report->reason = d->reason;
    twin_compare(domain->twin, d->seq, (struct cf_str){entry->bytes, entry->n});
    if (check->opts.watch)
        check->opts.watch(check->opts.watch_arg, domain->model, d, false);
    model_decision(domain->model, d);
    if (check->opts.watch)
        check->opts.watch(check->opts.watch_arg, domain->model, d, true);
}

/* Whether the decision with this number is the next one, or can be treated so. */
static bool is_turn(struct check *check, struct domain *domain, int64_t seq, bool final)
{
    if (seq == domain->next_seq)
        return true;
    if (seq > domain->next_seq && !final && line_size(&domain->decisions) < WINDOW)
        return false;
    look_at(check, domain, domain->open);
    if (seq < domain->next_seq)
        report_add(&check->report, 4, "decision %" PRId64 " is there a second time", seq);
    else
        report_add(&check->report, 4, "decisions %" PRId64 " to %" PRId64 " are missing", domain->next_seq,
                   seq - 1);
    return true;
}

static const struct cf_call_routed *decode(struct check *check, const struct decision_entry *entry)
{
    struct cf_record record = {.topic = "call-routed",
                               .partition = entry->place.partition,
                               .offset = entry->place.offset,
                               .value = {entry->bytes, entry->n}};
    const struct cf_event *event;
    struct cf_err err;

    cf_arena_clear(check->arena);
    if (cf_event_decode(check->arena, CF_EVENT_CALL_ROUTED, &record, &event, &err) == 0)
        return &event->data.call_routed;
    report_add(&check->report, 4, "call-routed %d@%" PRId64 " cannot be read: %s", entry->place.partition,
               entry->place.offset, err.text);
    return NULL;
}

/* One decision. Returns whether there may be more. */
static bool drain_one(struct check *check, struct domain *domain, bool final)
{
    struct line_node *node = line_first(&domain->decisions);
    struct decision_entry *entry = node ? decision_of(node) : NULL;
    const struct cf_call_routed *d;
    int64_t seq = node ? node->key.place : 0;

    if (!entry || !is_turn(check, domain, seq, final))
        return false;
    d = seq >= domain->next_seq ? decode(check, entry) : NULL;
    if (d && !go_to(check, domain, d)) {
        if (!final && line_size(&domain->decisions) < WINDOW)
            return false;
        look_at(check, domain, domain->open);
        report_add(&check->report, 4, "decision %" PRId64 " names an input that is not in the log", seq);
    }
    if (d)
        domain->refused |= is_refusal(d);
    if (d)
        take(check, domain, entry, d);
    domain->n_decisions += d != NULL;
    domain->next_seq = seq >= domain->next_seq ? seq + 1 : domain->next_seq;
    line_take(&domain->decisions, node);
    free(entry);
    return true;
}

void check_drain(struct check *check)
{
    for (struct domain *domain = check->domains; domain; domain = domain->next) {
        while (drain_one(check, domain, false))
            ;
    }
}

void check_finish(struct check *check)
{
    for (struct domain *domain = check->domains; domain; domain = domain->next) {
        struct line_node *node;

        while (drain_one(check, domain, !check->opts.open_end))
            ;
        domain->n_undecided = line_size(&domain->log);
        domain->n_unplaced = line_size(&domain->decisions);
        while (!check->opts.open_end && (node = line_first(&domain->log)))
            open_record(check, domain, log_of(node));
        close_record(check, domain);
        look_at(check, domain, NULL);
        model_finish(domain->model);
        twin_finish(domain->twin, check->opts.open_end);
    }
}

/* ---- what was seen ---- */

struct report *check_report(struct check *check)
{
    return &check->report;
}

static void put_longest(const struct model *model, FILE *out)
{
    (void)fputs("  longest wait until an offer, by priority:", out);
    for (int i = 1; i <= CF_POLICY_LOWEST_PRIORITY; i++) {
        if (model->longest_ms[i] > 0)
            (void)fprintf(out, " %d: %.1f s", i, (double)model->longest_ms[i] / 1000);
    }
    (void)fputc('\n', out);
}

static void put_domain(const struct domain *domain, bool open_end, FILE *out)
{
    const struct model *model = domain->model;
    int64_t oldest_ms = 0;

    for (size_t i = 0; i < model->calls.size; i++) {
        const struct call *call = model->calls.slots[i].item;

        if (call && model->now - call->enqueued_at > oldest_ms)
            oldest_ms = model->now - call->enqueued_at;
    }
    (void)fprintf(out,
                  "domain %.*s: %zu records, %zu decisions, policy %" PRId64 "\n"
                  "  calls: %zu queued, %zu answered, %zu abandoned, %zu ended unserved, %zu open",
                  CF_STR_FMT(domain->id), domain->n_records, domain->n_decisions,
                  cf_policy_version(model->policy), model->n_queued, model->n_routed, model->n_abandoned,
                  model->n_unserved, model->calls.n);
    if (model->calls.n > 0)
        (void)fprintf(out, ", the oldest for %.1f s", (double)oldest_ms / 1000);
    (void)fputc('\n', out);
    put_longest(model, out);
    if (open_end && domain->n_undecided > 0)
        (void)fprintf(out, "  %zu records at the end have no decision yet\n", domain->n_undecided);
    if (domain->n_unplaced > 0)
        (void)fprintf(out, "  %zu decisions at the end wait for those before them\n", domain->n_unplaced);
}

void check_summary(struct check *check, FILE *out)
{
    for (const struct domain *domain = check->domains; domain; domain = domain->next)
        put_domain(domain, check->opts.open_end, out);
    (void)fputs("findings: ", out);
    report_counts(&check->report, out);
    (void)fputc('\n', out);
}

void check_digests(struct check *check, FILE *out)
{
    for (const struct domain *domain = check->domains; domain; domain = domain->next) {
        char digest[65];

        twin_digest(domain->twin, digest);
        (void)fprintf(out, "digest %.*s@%" PRId64 " %s\n", CF_STR_FMT(domain->id),
                      cf_engine_offset(twin_engine(domain->twin)), digest);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event - the event contract in C: Kafka values to structs and back (schemas/ is the same contract as JSON
 * Schema).
 *
 * Vocabulary: a *record* is a Kafka message's bytes and headers; an *envelope* is the CloudEvents part;
 * *data* is the payload of one topic. Accepted: structured CloudEvents, binary CloudEvents (ce_* headers) and
 * bare data objects; a schema-registry frame (0x00 and 4 bytes) in front is skipped. Promise: decoding
 * accepts exactly what the schemas accept (tests/schemas proves it against two validators), never crashes on
 * any bytes, and an error names the field, never its value. Everything decoded lives in the given arena. What
 * encoding reports as good, decoding accepts.
 */
#ifndef CF_EVENT_H
#define CF_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "arena/arena.h"
#include "err/err.h"
#include "str/str.h"
#include "json/json.h"

#define CF_EVENT_ARENA_BYTES                                                                                 \
    8388608UL                            /* 8 MiB: what decoding one record may take from the arena, at most \
                                          */
#define CF_EVENT_MAX_HEADER_BYTES 65536U /* names and values of a record's headers together */

enum cf_event_type {
    CF_EVENT_CALL_STARTED,
    CF_EVENT_CALL_QUEUED,
    CF_EVENT_CALL_ENDED,
    CF_EVENT_AGENT_STATE,
    CF_EVENT_CALL_ROUTED,
    CF_EVENT_CALL_UPDATED,
    CF_EVENT_TYPES,
};

struct cf_header {
    struct cf_str name, value;
};

struct cf_record {
    const char *topic; /* with any prefix already removed */
    int32_t partition;
    int64_t offset;
    struct cf_str key;   /* p NULL: none; there, but empty: an error */
    struct cf_str value; /* p NULL: a tombstone, always an error */
    const struct cf_header *headers;
    size_t n_headers;
};

struct cf_call_started {
    struct cf_str call_id, ani, dnis;
    int64_t started_at;
    struct cf_str entry_point_id, direction, channel, language, parent_call_id; /* optional: p = NULL */
    const struct cf_json *attributes; /* object of strings, or NULL */
};

enum cf_customer_status {
    CF_CUSTOMER_MATCHED,
    CF_CUSTOMER_AMBIGUOUS,
    CF_CUSTOMER_UNMATCHED,
    CF_CUSTOMER_WITHHELD,
    CF_CUSTOMER_INVALID,
    CF_CUSTOMER_TIMEOUT,
    CF_CUSTOMER_UNAVAILABLE,
    CF_CUSTOMER_OVER_BUDGET,
    CF_CUSTOMER_OTHER, /* a value this version does not know */
};

struct cf_account {
    struct cf_str id, name, tier, owner_id;
};
struct cf_contact {
    struct cf_str id, name, owner_id;
};
struct cf_lead {
    struct cf_str id, name, company, owner_id;
};
struct cf_case {
    struct cf_str id, number, subject, status, priority, owner_id;
    struct cf_str created_at; /* as received; sent in UTC, "+0000" without a colon is understood */
};
struct cf_candidate {
    struct cf_account account;
    struct cf_contact contact;
    struct cf_lead lead;
    int64_t open_cases; /* -1: absent */
};

struct cf_customer {
    enum cf_customer_status status;
    struct cf_account account; /* id.p NULL: none */
    struct cf_contact contact;
    struct cf_lead lead;         /* only when neither account nor contact is known */
    const struct cf_case *cases; /* open ones, most urgent first */
    size_t n_cases;
    int64_t match_count; /* -1: absent */
    const struct cf_candidate *candidates;
    size_t n_candidates;
    struct cf_str reason;
    struct cf_str
        source;          /* "salesforce", "cache" (a fresh copy), "stale" (an old one); p NULL: nobody said */
    struct cf_str as_of; /* with cache and stale: when Salesforce said so; a time, as in created_at */
};

struct cf_skill {
    struct cf_str name;
    enum cf_json_type type; /* INT/DOUBLE: level in `number`; BOOL: 0 or 1 in `number`; STRING: `text` */
    double number;
    struct cf_str text;
};

struct cf_queue_request {
    struct cf_str queue_id, agent_id;
    int64_t priority; /* 1 highest .. 10; 0: absent */
    const struct cf_skill *skills;
    size_t n_skills;
};

struct cf_call_queued {
    struct cf_str call_id;
    int64_t queued_at;
    struct cf_str ani, dnis, entry_point_id, language,
        parent_call_id; /* ani: E.164, p = NULL when null or absent */
    const struct cf_json *attributes;
    struct cf_customer customer;
    struct {
        struct cf_str language, text, ssml;
    } greeting;
    struct {
        struct cf_str music;
    } treatment;
    bool has_request;
    struct cf_queue_request request;
};

struct cf_call_ended {
    struct cf_str call_id;
    int64_t ended_at;
    struct cf_str ended_by, reason, agent_id, agent_name, queue_id, wrap_up_code, notes, recording_url,
        transcript_url;
    int64_t talk_ms, hold_ms, queue_ms; /* -1: absent */
    struct cf_str ani, dnis, entry_point_id, direction, parent_call_id;
    int64_t started_at; /* INT64_MIN: absent */
    const struct cf_json *attributes;
};

enum cf_agent_status {
    CF_AGENT_OFFLINE,
    CF_AGENT_IDLE,
    CF_AGENT_AVAILABLE,
    CF_AGENT_RINGING,
    CF_AGENT_CONNECTED,
    CF_AGENT_WRAPUP,
    CF_AGENT_OTHER,
};

struct cf_agent_state {
    struct cf_str agent_id;
    enum cf_agent_status state;
    int64_t at;
    struct cf_str call_id, offer_id, team_id, name, reason;
    const struct cf_skill *skills;
    size_t n_skills;
    bool has_skills; /* an empty object replaces, an absent one keeps */
};

/* call-routed: written by the routing stage, read by tools. Numbers -1 = absent. */
struct cf_call_routed {
    struct cf_str call_id, agent_id, decision, domain;
    int64_t seq, at, wait_ms;
    struct cf_str queue_id, offer_id, reason;
    int64_t priority, deadline, position, estimated_wait_ms; /* deadline: wall ms */
    struct cf_str estimator, rules, also_queues;             /* rules, also_queues: ids with commas between */
    int64_t step, hold_until;                                /* hold_until: wall ms */
    struct {
        struct cf_str topic, event_id;
        int64_t partition, offset, policy_version;
        struct cf_str traceparent; /* of the input's envelope: goes into the envelope, not into the data */
    } cause;
    struct {
        struct cf_str url, object, id, label;
    } screen_pop;             /* url.p NULL: none */
    struct cf_case call_case; /* id.p NULL: none */
    const struct cf_case *cases;
    size_t n_cases;
};

enum cf_update_outcome { CF_UPDATE_WRITTEN, CF_UPDATE_ALREADY_WRITTEN, CF_UPDATE_NOTHING, CF_UPDATE_OTHER };

struct cf_call_updated {
    struct cf_str call_id;
    int64_t updated_at;
    enum cf_update_outcome outcome;
    struct cf_str task_id, case_id, contact_id, account_id;
    const struct cf_str *comment_ids;
    size_t n_comment_ids;
    int64_t attempts; /* -1: absent */
    double api_calls; /* negative: absent */
};

struct cf_event {
    enum cf_event_type type;
    struct cf_str id;     /* derived "<topic>-<partition>-<offset>" for bare data */
    struct cf_str source; /* p = NULL for bare data */
    struct cf_str traceparent;
    int64_t time; /* wall ms; INT64_MIN when the envelope has none */
    union {
        struct cf_call_started call_started;
        struct cf_call_queued call_queued;
        struct cf_call_ended call_ended;
        struct cf_agent_state agent_state;
        struct cf_call_routed call_routed;
        struct cf_call_updated call_updated;
    } data;
};

/** "call-started" ... for the topic and the type "callfleet.<name>.v1". */
const char *cf_event_name(enum cf_event_type type);

/** Decodes a record that must be of `type` (the topic says which). -1, kind REJECTED: dead-letter it. Views
 * point into the arena, never into the record. */
CF_CHECKED int cf_event_decode(struct cf_arena *arena, enum cf_event_type type,
                               const struct cf_record *record, const struct cf_event **ret_event,
                               struct cf_err *err);

/** Encodes as structured CloudEvents JSON into `buf` (cleared first): id, source, traceparent, time as given
 * in `event` (source.p NULL: "callfleet"); subject is the call or agent id. -1, kind REJECTED: a field breaks
 * the contract (too long, out of range, missing) or `buf` is full; the error names the field. */
CF_CHECKED int cf_event_encode(const struct cf_event *event, struct cf_buf *buf, struct cf_err *err);

/** Writes only the data object. */
void cf_event_write_data(struct cf_jsonw *w, const struct cf_event *event);

/** Reads the data object of a `type` event into `ret_event->data`; of `ret_event` nothing else but the type
 * is set. -1, kind REJECTED, as for decode. */
CF_CHECKED int cf_event_read_data(struct cf_arena *arena, enum cf_event_type type, const struct cf_json *node,
                                  struct cf_event *ret_event, struct cf_err *err);

/** Parts that other records reuse (routing-log, Redis context). */
void cf_event_write_customer(struct cf_jsonw *w, const struct cf_customer *customer);
CF_CHECKED int cf_event_read_customer(struct cf_arena *arena, const struct cf_json *node,
                                      struct cf_customer *ret_customer, struct cf_err *err);
const char *cf_customer_status_name(enum cf_customer_status status);
const char *cf_agent_status_name(enum cf_agent_status status);

/** The id of an emitted event: UUIDv5 (RFC 4122, SHA-1) over "<source event id>/<stage>/<suffix>" in
 * callfleet's namespace, so a repeat of the same work has the same id. 36 characters and a NUL. */
void cf_event_derive_id(struct cf_str source_event_id, const char *stage, const char *suffix,
                        char ret_id[37]);

#endif

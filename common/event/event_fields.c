/* SPDX-License-Identifier: Apache-2.0 */
/* The tables: every field of every event, in the order in which it is written. */
#include "event/event_priv.h"

/* Rows. T is the struct of the table under way. */
#define AT(member) .offset = offsetof(T, member)
#define TEXT(json, member, most)                                                                             \
    {                                                                                                        \
        .name = (json), .kind = CF_FIELD_TEXT, AT(member), .max = (most)                                     \
    }
#define NEED_TEXT(json, member, most)                                                                        \
    {                                                                                                        \
        .name = (json), .kind = CF_FIELD_TEXT, .required = true, AT(member), .max = (most)                   \
    }
#define WORD(json, member, most)                                                                             \
    {                                                                                                        \
        .name = (json), .kind = CF_FIELD_WORD, AT(member), .min = 1, .max = (most)                           \
    }
#define NEED_WORD(json, member, most)                                                                        \
    {                                                                                                        \
        .name = (json), .kind = CF_FIELD_WORD, .required = true, AT(member), .min = 1, .max = (most)         \
    }
#define ID(json, member) WORD(json, member, 128)
#define NEED_ID(json, member) NEED_WORD(json, member, 128)
#define STAMP(json, member)                                                                                  \
    {                                                                                                        \
        .name = (json), .kind = CF_FIELD_STAMP, AT(member)                                                   \
    }
#define TIME(json, member)                                                                                   \
    {                                                                                                        \
        .name = (json), .kind = CF_FIELD_TIME, AT(member), .absent = CF_EVENT_NO_TIME                        \
    }
#define NEED_TIME(json, member)                                                                              \
    {                                                                                                        \
        .name = (json), .kind = CF_FIELD_TIME, .required = true, AT(member), .absent = CF_EVENT_NO_TIME      \
    }
#define INT(json, member)                                                                                    \
    {                                                                                                        \
        .name = (json), .kind = CF_FIELD_INT, AT(member), .max = CF_EVENT_MAX_INT, .absent = -1              \
    }
#define NEED_INT(json, member)                                                                               \
    {                                                                                                        \
        .name = (json), .kind = CF_FIELD_INT, .required = true, AT(member), .max = CF_EVENT_MAX_INT,         \
        .absent = -1                                                                                         \
    }
#define CHOICE(json, member, list)                                                                           \
    {                                                                                                        \
        .name = (json), .kind = CF_FIELD_CHOICE, .required = true, AT(member), .min = 1, .max = 64,          \
        .names = (list)                                                                                      \
    }
#define OBJECT(json, member, sub)                                                                            \
    {                                                                                                        \
        .name = (json), .kind = CF_FIELD_OBJECT, AT(member), .table = (sub)                                  \
    }
#define NEED_OBJECT(json, member, sub)                                                                       \
    {                                                                                                        \
        .name = (json), .kind = CF_FIELD_OBJECT, .required = true, AT(member), .table = (sub)                \
    }
#define LIST(json, member, sub, most)                                                                        \
    {                                                                                                        \
        .name = (json), .kind = CF_FIELD_LIST, AT(member), .count = offsetof(T, n_##member), .max = (most),  \
        .table = (sub)                                                                                       \
    }
#define SKILLS(has)                                                                                          \
    {                                                                                                        \
        .name = "skills", .kind = CF_FIELD_SKILLS, AT(skills), .count = offsetof(T, n_skills),               \
        .flag = (has), .max = 64                                                                             \
    }
#define ATTRIBUTES()                                                                                         \
    {                                                                                                        \
        .name = "attributes", .kind = CF_FIELD_STRINGS, AT(attributes), .max = 64                            \
    }

#define TABLE(name, rows)                                                                                    \
    {                                                                                                        \
        .fields = (rows), .n_fields = sizeof(rows) / sizeof((rows)[0]), .struct_bytes = sizeof(name)         \
    }

/* ---- vocabularies; what is not listed is read as the last ---- */

const char *const cf_event_customer_statuses[] = {"matched", "ambiguous", "unmatched",   "withheld",
                                                  "invalid", "timeout",   "unavailable", "over-budget",
                                                  "other",   NULL};
const char *const cf_event_agent_statuses[] = {"offline",   "idle",   "available", "ringing",
                                               "connected", "wrapup", "other",     NULL};
static const char *const outcomes[] = {"written", "already-written", "nothing-to-write", "other", NULL};

/* ---- the envelope ---- */

#define T struct cf_envelope
static const struct cf_event_field envelope_fields[] = {
    NEED_TEXT("specversion", specversion, 16),
    NEED_WORD("id", id, 256),
    NEED_WORD("source", source, 2048),
    NEED_WORD("type", type, 255),
    WORD("subject", subject, 255),
    TIME("time", time),
    WORD("datacontenttype", datacontenttype, 255),
    TEXT("traceparent", traceparent, 255),
    {.name = "data", .kind = CF_FIELD_NODE, .required = true, AT(data)},
};
#undef T
const struct cf_event_table cf_event_envelope_table = TABLE(struct cf_envelope, envelope_fields);

/* ---- what events share ---- */

#define T struct cf_account
static const struct cf_event_field account_fields[] = {
    NEED_ID("id", id),
    TEXT("name", name, 255),
    TEXT("tier", tier, 255),
    ID("ownerId", owner_id),
};
#undef T
static const struct cf_event_table account_table = TABLE(struct cf_account, account_fields);

#define T struct cf_contact
static const struct cf_event_field contact_fields[] = {
    NEED_ID("id", id),
    TEXT("name", name, 255),
    ID("ownerId", owner_id),
};
#undef T
static const struct cf_event_table contact_table = TABLE(struct cf_contact, contact_fields);

#define T struct cf_lead
static const struct cf_event_field lead_fields[] = {
    NEED_ID("id", id),
    TEXT("name", name, 255),
    TEXT("company", company, 255),
    ID("ownerId", owner_id),
};
#undef T
static const struct cf_event_table lead_table = TABLE(struct cf_lead, lead_fields);

#define T struct cf_case
static const struct cf_event_field case_fields[] = {
    NEED_ID("id", id),
    TEXT("number", number, 64),
    TEXT("subject", subject, 255),
    TEXT("status", status, 255),
    TEXT("priority", priority, 255),
    ID("ownerId", owner_id),
    STAMP("createdAt", created_at),
};
#undef T
static const struct cf_event_table case_table = TABLE(struct cf_case, case_fields);

#define T struct cf_candidate
static const struct cf_event_field candidate_fields[] = {
    OBJECT("account", account, &account_table),
    OBJECT("contact", contact, &contact_table),
    OBJECT("lead", lead, &lead_table),
    INT("openCases", open_cases),
};
#undef T
static const struct cf_event_table candidate_table = TABLE(struct cf_candidate, candidate_fields);

#define T struct cf_customer
static const struct cf_event_field customer_fields[] = {
    CHOICE("status", status, cf_event_customer_statuses),
    OBJECT("account", account, &account_table),
    OBJECT("contact", contact, &contact_table),
    OBJECT("lead", lead, &lead_table),
    LIST("cases", cases, &case_table, 200),
    INT("matchCount", match_count),
    LIST("candidates", candidates, &candidate_table, 200),
    TEXT("reason", reason, 255),
    WORD("source", source, 64),
    STAMP("asOf", as_of),
};
#undef T
const struct cf_event_table cf_event_customer_table = TABLE(struct cf_customer, customer_fields);

/* ---- call-started ---- */

#define T struct cf_call_started
static const struct cf_event_field call_started_fields[] = {
    NEED_ID("callId", call_id),         NEED_TEXT("ani", ani, 64),
    NEED_TEXT("dnis", dnis, 64),        NEED_TIME("startedAt", started_at),
    ID("entryPointId", entry_point_id), WORD("direction", direction, 64),
    WORD("channel", channel, 64),       TEXT("language", language, 64),
    ID("parentCallId", parent_call_id), ATTRIBUTES(),
};
#undef T

/* ---- call-queued ---- */

#define T struct cf_queue_request
static const struct cf_event_field request_fields[] = {
    ID("queueId", queue_id),
    {.name = "priority", .kind = CF_FIELD_INT, AT(priority), .min = 1, .max = 10, .absent = 0},
    SKILLS(0),
    ID("agentId", agent_id),
};
#undef T
static const struct cf_event_table request_table = TABLE(struct cf_queue_request, request_fields);

#define T struct cf_call_queued
/* Greeting and treatment have no struct of their own; their rows count from the whole. */
static const struct cf_event_field greeting_fields[] = {
    TEXT("language", greeting.language, 64),
    TEXT("text", greeting.text, 4096),
    TEXT("ssml", greeting.ssml, 8192),
};
static const struct cf_event_field treatment_fields[] = {TEXT("music", treatment.music, 255)};
static const struct cf_event_table greeting_table = TABLE(T, greeting_fields);
static const struct cf_event_table treatment_table = TABLE(T, treatment_fields);
static const struct cf_event_field call_queued_fields[] = {
    NEED_ID("callId", call_id),
    NEED_TIME("queuedAt", queued_at),
    {.name = "ani", .kind = CF_FIELD_TEXT, .nullable = true, AT(ani), .max = 64},
    TEXT("dnis", dnis, 64),
    ID("entryPointId", entry_point_id),
    TEXT("language", language, 64),
    ID("parentCallId", parent_call_id),
    ATTRIBUTES(),
    NEED_OBJECT("customer", customer, &cf_event_customer_table),
    {.name = "greeting", .kind = CF_FIELD_OBJECT, .required = true, .table = &greeting_table},
    {.name = "treatment", .kind = CF_FIELD_OBJECT, .required = true, .table = &treatment_table},
    {.name = "request",
     .kind = CF_FIELD_OBJECT,
     AT(request),
     .flag = offsetof(T, has_request),
     .table = &request_table},
};
#undef T

/* ---- call-ended ---- */

#define T struct cf_call_ended
static const struct cf_event_field call_ended_fields[] = {
    NEED_ID("callId", call_id),
    NEED_TIME("endedAt", ended_at),
    WORD("endedBy", ended_by, 64),
    TEXT("reason", reason, 255),
    ID("agentId", agent_id),
    TEXT("agentName", agent_name, 255),
    ID("queueId", queue_id),
    TEXT("wrapUpCode", wrap_up_code, 255),
    TEXT("notes", notes, 32768),
    TEXT("recordingUrl", recording_url, 2048),
    TEXT("transcriptUrl", transcript_url, 2048),
    INT("talkMs", talk_ms),
    INT("holdMs", hold_ms),
    INT("queueMs", queue_ms),
    TEXT("ani", ani, 64),
    TEXT("dnis", dnis, 64),
    ID("entryPointId", entry_point_id),
    TIME("startedAt", started_at),
    WORD("direction", direction, 64),
    ID("parentCallId", parent_call_id),
    ATTRIBUTES(),
};
#undef T

/* ---- agent-state ---- */

#define T struct cf_agent_state
static const struct cf_event_field agent_state_fields[] = {
    NEED_ID("agentId", agent_id), CHOICE("state", state, cf_event_agent_statuses),
    NEED_TIME("at", at),          ID("callId", call_id),
    ID("offerId", offer_id),      ID("teamId", team_id),
    TEXT("name", name, 255),      SKILLS(offsetof(T, has_skills)),
    TEXT("reason", reason, 255),
};
#undef T

/* ---- call-routed ---- */

#define T struct cf_call_routed
/* Cause and screen pop have no struct of their own; their rows count from the whole. */
static const struct cf_event_field cause_fields[] = {
    TEXT("topic", cause.topic, 255),
    INT("partition", cause.partition),
    INT("offset", cause.offset),
    WORD("eventId", cause.event_id, 256),
    INT("policyVersion", cause.policy_version),
};
static const struct cf_event_field screen_pop_fields[] = {
    NEED_TEXT("url", screen_pop.url, 2048),
    TEXT("object", screen_pop.object, 64),
    ID("id", screen_pop.id),
    TEXT("label", screen_pop.label, 255),
};
static const struct cf_event_table cause_table = TABLE(T, cause_fields);
static const struct cf_event_table screen_pop_table = TABLE(T, screen_pop_fields);
static const struct cf_event_field call_routed_fields[] = {
    ID("callId", call_id),
    ID("agentId", agent_id),
    NEED_WORD("decision", decision, 64),
    NEED_ID("domain", domain),
    NEED_INT("seq", seq),
    NEED_TIME("at", at),
    INT("waitMs", wait_ms),
    ID("queueId", queue_id),
    INT("priority", priority),
    ID("offerId", offer_id),
    {.name = "deadline", .kind = CF_FIELD_TIME, AT(deadline), .absent = -1},
    INT("position", position),
    INT("estimatedWaitMs", estimated_wait_ms),
    TEXT("estimator", estimator, 64),
    TEXT("rules", rules, 255),
    TEXT("alsoQueues", also_queues, 1024),
    INT("step", step),
    {.name = "holdUntil", .kind = CF_FIELD_TIME, AT(hold_until), .absent = -1},
    TEXT("reason", reason, 255),
    {.name = "cause", .kind = CF_FIELD_OBJECT, .required = true, .table = &cause_table},
    {.name = "screenPop", .kind = CF_FIELD_OBJECT, .table = &screen_pop_table},
    OBJECT("case", call_case, &case_table),
    LIST("cases", cases, &case_table, 200),
};
#undef T

/* ---- call-updated ---- */

#define T struct cf_call_updated
static const struct cf_event_field call_updated_fields[] = {
    NEED_ID("callId", call_id),
    NEED_TIME("updatedAt", updated_at),
    CHOICE("outcome", outcome, outcomes),
    ID("taskId", task_id),
    ID("caseId", case_id),
    {.name = "commentIds",
     .kind = CF_FIELD_IDS,
     AT(comment_ids),
     .count = offsetof(T, n_comment_ids),
     .max = 64},
    ID("contactId", contact_id),
    ID("accountId", account_id),
    INT("attempts", attempts),
    {.name = "apiCalls", .kind = CF_FIELD_AMOUNT, AT(api_calls), .max = 1000000},
};
#undef T

const struct cf_event_table *cf_event_data_table(enum cf_event_type type)
{
    static const struct cf_event_table tables[CF_EVENT_TYPES] = {
        [CF_EVENT_CALL_STARTED] = TABLE(struct cf_call_started, call_started_fields),
        [CF_EVENT_CALL_QUEUED] = TABLE(struct cf_call_queued, call_queued_fields),
        [CF_EVENT_CALL_ENDED] = TABLE(struct cf_call_ended, call_ended_fields),
        [CF_EVENT_AGENT_STATE] = TABLE(struct cf_agent_state, agent_state_fields),
        [CF_EVENT_CALL_ROUTED] = TABLE(struct cf_call_routed, call_routed_fields),
        [CF_EVENT_CALL_UPDATED] = TABLE(struct cf_call_updated, call_updated_fields),
    };

    return &tables[type];
}

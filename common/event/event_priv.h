/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_priv - the contract as tables. One row per field says its name, kind, place in the struct and limits;
 * the reader, the writer and nothing else interpret rows. schemas/ says the same in JSON Schema.
 */
#ifndef CF_EVENT_PRIV_H
#define CF_EVENT_PRIV_H

#include <stddef.h>

#include "event/event.h"

#define CF_EVENT_MAX_INT 9007199254740991 /* 2^53 - 1: every JSON reader keeps it exact */
#define CF_EVENT_NO_TIME INT64_MIN

enum cf_field_kind {
    CF_FIELD_TEXT,    /* struct cf_str; min..max code points */
    CF_FIELD_WORD,    /* the same without control characters: ids and words of a vocabulary */
    CF_FIELD_STAMP,   /* struct cf_str that holds a time; written in UTC, left out when it is no time */
    CF_FIELD_TIME,    /* int64_t, wall ms; absent: `absent` */
    CF_FIELD_INT,     /* int64_t, min..max; absent: `absent` */
    CF_FIELD_AMOUNT,  /* double, 0..max; absent: -1 */
    CF_FIELD_CHOICE,  /* an enum, by `names`; a value that is not there is the last one */
    CF_FIELD_OBJECT,  /* a struct inside, by `table`; it is there when `flag` or else its first field is */
    CF_FIELD_LIST,    /* pointer to structs by `table`, and their number at `count`; at most max */
    CF_FIELD_IDS,     /* pointer to struct cf_str, and their number at `count`; at most max */
    CF_FIELD_SKILLS,  /* pointer to struct cf_skill, and their number at `count`; at most max */
    CF_FIELD_STRINGS, /* const struct cf_json *: an object of at most max strings */
    CF_FIELD_NODE,    /* const struct cf_json *: any object, kept as it is */
};

struct cf_event_table;

struct cf_event_field {
    const char *name;
    enum cf_field_kind kind;
    bool required;
    bool nullable;                /* JSON null is read as absent, absent is written as null */
    uint16_t offset, count, flag; /* in the struct; flag 0: none */
    int64_t min, max, absent;
    const struct cf_event_table *table;
    const char *const *names; /* NULL behind the last */
};

/* At most 32 fields. */
struct cf_event_table {
    const struct cf_event_field *fields;
    size_t n_fields, struct_bytes;
};

struct cf_envelope {
    struct cf_str specversion, id, source, type, subject, datacontenttype, traceparent;
    int64_t time;
    const struct cf_json *data;
};

extern const struct cf_event_table cf_event_envelope_table, cf_event_customer_table;
extern const char *const cf_event_customer_statuses[], *const cf_event_agent_statuses[];
/** The table of a type's data. */
const struct cf_event_table *cf_event_data_table(enum cf_event_type type);

/* Limits of what stands inside CF_FIELD_STRINGS and CF_FIELD_SKILLS. */
#define CF_EVENT_MAX_KEY 128
#define CF_EVENT_MAX_ATTRIBUTE 1024
#define CF_EVENT_MAX_SKILL_TEXT 255
#define CF_EVENT_MAX_SKILL_LEVEL 1000000

/** Fills the zeroed struct at `ret_base` from `node`. The error names the field ("customer.cases.id"). */
CF_CHECKED int cf_event_read_object(struct cf_arena *arena, const struct cf_event_table *table,
                                    const struct cf_json *node, void *ret_base, struct cf_err *err);
/** Writes the struct as an object. Whether every field kept the contract; if not, `err` names the first that
 * did not. The output is complete in either case. */
bool cf_event_write_object(struct cf_jsonw *w, const struct cf_event_table *table, const void *base,
                           struct cf_err *err);

/** Whether `text` has min..max code points. */
bool cf_event_text_ok(struct cf_str text, int64_t min, int64_t max);
/** The same, and no control character (Unicode Cc) among them. */
bool cf_event_word_ok(struct cf_str text, int64_t min, int64_t max);
/** RFC 3339; a leap second only as 23:59:60 in UTC. The result is within the years 0000 to 9999 UTC. */
bool cf_event_time_ok(struct cf_str text, int64_t *ret_wall_ms);

#endif

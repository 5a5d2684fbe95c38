/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store - the data half of the Salesforce sandbox: objects, records, queries and searches over SQLite.
 *
 * Vocabulary: an *object* is a Salesforce type (Account, Case, ...); a *record* is one row of it, named by an
 * 18-character *id* (15 characters are accepted everywhere, compared with case); a *locator* names the rest
 * of a result that did not fit in one page; a *context* says on whose behalf and in which API version the
 * next calls run. Names of objects, fields and relations compare without case; answers carry the canonical
 * spelling.
 *
 * Promises: every int function returns 0, or -1 with `fail` filled in Salesforce's own terms (HTTP status,
 * errorCode, message, fields); ret_ arguments are untouched on failure, and a failed write changes nothing.
 * json_t arguments are borrowed, json_t results belong to the caller. One thread at a time. All sizes are
 * bounded by the limits below; values never become SQL text.
 */
#ifndef SF_STORE_H
#define SF_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"

#define SF_ID_SIZE 19             /* 18 characters and NUL */
#define SF_SOQL_MAX_CHARS 100000  /* longer: QUERY_TOO_COMPLICATED, as in Salesforce */
#define SF_LITERAL_MAX_CHARS 4000 /* of one string in WHERE */
#define SF_BATCH_DEFAULT 2000     /* records per page; Sforce-Query-Options asks for 200..2000 */
#define SF_BATCH_MIN 200
#define SF_BATCH_MAX 2000
#define SF_SEARCH_MAX_ROWS 2000        /* of one search, over all objects */
#define SF_LOCATORS_MAX 64             /* open at once; the oldest goes first (then INVALID_QUERY_LOCATOR) */
#define SF_LOCATOR_LIFE_MS 172800000LL /* two days */
#define SF_CASE_COMMENT_MAX_BYTES 4000 /* of UTF-8, not characters */

/* The user that exists in every store: records belong to it unless a context says otherwise. */
#define SF_DEFAULT_USERNAME "integration@callfleet.example"

struct sf_store;

/* Why a call failed. The REST answer is [{"message","errorCode","fields"}] with `status`, unless `body` is
 * set. */
struct sf_fail {
    int status;        /* HTTP status: 300, 400, 404, ... */
    char code[64];     /* "INVALID_FIELD"; as statusCode in the collection dialect */
    char message[600]; /* may hold line feeds (query errors show the place) */
    char fields[200];  /* canonical names, comma-separated; "" for none */
    json_t *body;      /* NULL, or the whole answer (the array of URLs of a 300); sf_fail_done() frees it */
};

/** Frees what `fail` owns and zeroes it. A zeroed sf_fail is fine. */
void sf_fail_done(struct sf_fail *fail);
/** The REST dialect: a new array of one {"message","errorCode"[,"fields"]}; or a new reference to fail->body.
 */
json_t *sf_fail_rest(const struct sf_fail *fail);
/** The collection dialect: a new object {"statusCode","message","fields"} (one element of "errors"). */
json_t *sf_fail_save(const struct sf_fail *fail);

/** Opens or creates a store; ":memory:" is fine. Creates tables and the default user. NULL and `err` when
 * not. */
struct sf_store *sf_store_open(const char *path, char *err, size_t err_size);
/** NULL is fine. */
void sf_store_close(struct sf_store *store);

/* ---- context and clock ---- */
struct sf_context {
    const char *version; /* "v60.0", copied; in attributes.url and nextRecordsUrl. NULL: unchanged */
    const char
        *user_id; /* CreatedById, LastModifiedById and default OwnerId of writes. NULL: the default user */
    bool allow_duplicates; /* Sforce-Duplicate-Rule-Header: allowSave=true */
};
/** Applies to all calls until the next one. Unknown users are taken as they are. */
void sf_store_set_context(struct sf_store *store, const struct sf_context *context);

typedef int64_t sf_now_fn(void *arg); /* milliseconds since 1970 */
/** Replaces the clock (CreatedDate, date literals, locator life, index delay). NULL: the system clock. */
void sf_store_set_now(struct sf_store *store, sf_now_fn *fn, void *arg);
/* Off at first. WARN lets a write pass whose context allows duplicates, BLOCK none. */
enum sf_duplicate_rule { SF_DUPLICATE_OFF, SF_DUPLICATE_WARN, SF_DUPLICATE_BLOCK };
void sf_store_set_duplicate_rule(struct sf_store *store, enum sf_duplicate_rule rule);
/** How long after a write the search index follows. 0 (the default): at once. */
void sf_store_set_index_delay_ms(struct sf_store *store, uint32_t delay_ms);

const char *sf_store_org_id(const struct sf_store *store); /* "00D...", 18 characters, always the same */
const char *sf_store_default_user(const struct sf_store *store); /* id of SF_DEFAULT_USERNAME */

/* ---- reading ---- */
struct sf_query_opts {
    uint32_t batch_size;  /* 0: SF_BATCH_DEFAULT; clamped to SF_BATCH_MIN..MAX */
    bool include_deleted; /* queryAll */
};
/** ret_result: {"totalSize","done"[,"nextRecordsUrl"],"records":[...]}. `opts` may be NULL. */
CF_CHECKED int sf_store_query(struct sf_store *store, const char *soql, const struct sf_query_opts *opts,
                              json_t **ret_result, struct sf_fail *fail);
/** `locator`: the last part of a nextRecordsUrl, "01g...-2000". */
CF_CHECKED int sf_store_query_more(struct sf_store *store, const char *locator,
                                   const struct sf_query_opts *opts, json_t **ret_result,
                                   struct sf_fail *fail);
/** ret_result: {"searchRecords":[...]}. `sosl` is the whole statement, unescaped from the URL. */
CF_CHECKED int sf_store_search(struct sf_store *store, const char *sosl, json_t **ret_result,
                               struct sf_fail *fail);
/** `request`: the body of POST /parameterizedSearch; the GET form is turned into one by the caller. */
CF_CHECKED int sf_store_search_params(struct sf_store *store, json_t *request, json_t **ret_result,
                                      struct sf_fail *fail);
/** One record with all fields, or attributes, Id and the comma-separated `fields` (NULL: all). */
CF_CHECKED int sf_store_get(struct sf_store *store, const char *type, const char *id, const char *fields,
                            json_t **ret_record, struct sf_fail *fail);
/** The id of the record whose external-id (or idLookup) field has this value: 404, or 300 when there are
 * several. */
CF_CHECKED int sf_store_find(struct sf_store *store, const char *type, const char *field, const char *value,
                             char ret_id[SF_ID_SIZE], struct sf_fail *fail);
/** LastModifiedDate, for the Last-Modified header. */
CF_CHECKED int sf_store_modified_ms(struct sf_store *store, const char *type, const char *id, int64_t *ret_ms,
                                    struct sf_fail *fail);
/** GET /sobjects/T/id/RELATION: children as a query result ("CaseComments"), or the parent record
 * ("Account"). */
CF_CHECKED int sf_store_related(struct sf_store *store, const char *type, const char *id,
                                const char *relation, json_t **ret_result, struct sf_fail *fail);

/* ---- writing: bodies are JSON objects; a key "attributes" is ignored ---- */
CF_CHECKED int sf_store_create(struct sf_store *store, const char *type, json_t *body,
                               char ret_id[SF_ID_SIZE], struct sf_fail *fail);
CF_CHECKED int sf_store_update(struct sf_store *store, const char *type, const char *id, json_t *body,
                               struct sf_fail *fail);
CF_CHECKED int sf_store_delete(struct sf_store *store, const char *type, const char *id,
                               struct sf_fail *fail);

struct sf_upsert {
    const char *type, *field; /* `field`: an external id, or "Id" */
    const char *value;        /* not URL-escaped; NULL or "": insert */
    json_t *body;             /* must not repeat `field` with another value */
    bool update_only;         /* ?updateOnly=true */
};
struct sf_upserted {
    char id[SF_ID_SIZE];
    bool created; /* 201, else 200 */
};
CF_CHECKED int sf_store_upsert(struct sf_store *store, const struct sf_upsert *upsert,
                               struct sf_upserted *ret_upserted, struct sf_fail *fail);

/** The CaseComment that the last write made of Case.Comments; NULL when there was none. Asked once. */
const char *sf_store_comment_made(struct sf_store *store);

/** Savepoints, nested at most 8 deep: begin ... commit or rollback of the innermost one. */
void sf_store_begin(struct sf_store *store);
void sf_store_commit(struct sf_store *store);
void sf_store_rollback(struct sf_store *store);

/**
 * The records that a write locks: the record itself (`id` NULL for an insert) and the parents it names (Case,
 * Account). At most `max` ids; returns how many. For simulating UNABLE_TO_LOCK_ROW.
 */
size_t sf_store_locks(struct sf_store *store, const char *type, const char *id, json_t *body,
                      char (*ret_ids)[SF_ID_SIZE], size_t max);

/* ---- what there is ---- */
/** Canonical name of an object, NULL when there is none. Static text. */
const char *sf_store_type_name(const char *type);
/** Object of an id by its key prefix, NULL when the id is malformed or the prefix unknown. Static text. */
const char *sf_store_type_of_id(const char *id);
/** GET /sobjects: {"encoding","maxBatchSize","sobjects":[...]}. */
json_t *sf_store_describe_global(struct sf_store *store);
/** GET /sobjects/T/describe. */
CF_CHECKED int sf_store_describe(struct sf_store *store, const char *type, json_t **ret_describe,
                                 struct sf_fail *fail);
/** GET /sobjects/T: {"objectDescribe","recentItems"}. */
CF_CHECKED int sf_store_describe_basic(struct sf_store *store, const char *type, json_t **ret_describe,
                                       struct sf_fail *fail);

/** Adds the sample customers of README.md unless they are there. */
CF_CHECKED int sf_store_samples(struct sf_store *store, struct sf_fail *fail);

#endif

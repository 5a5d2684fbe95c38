/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox - what all handlers share: the parts of the server, and the context of one request.
 *
 * Prefixes: sf_ is the data half (store.h), sb_ the HTTP half; both belong to this program only. A handler
 * gets the context and the request and fills the reply; it never blocks but on the store's lock.
 */
#ifndef SB_SANDBOX_H
#define SB_SANDBOX_H

#include <jansson.h>
#include <openssl/types.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "api_limits.h"
#include "defaults.h"
#include "faults.h"
#include "history.h"
#include "locks.h"
#include "request.h"
#include "sessions.h"
#include "settings.h"
#include "store.h"
#include "timers.h"

/* Classes of endpoints: for statistics, history and fault rules. X(name) */
#define SB_CLASSES(X)                                                                                        \
    X(admin)                                                                                                 \
    X(oauth)                                                                                                 \
    X(identity)                                                                                              \
    X(discovery)                                                                                             \
    X(query) X(search) X(sobject) X(composite) X(batch) X(collections) X(limits) X(soap) X(unknown)

enum sb_class {
#define X(name) SB_CLASS_##name,
    SB_CLASSES(X)
#undef X
        SB_CLASS_COUNT
};
#define SB_ENDPOINTS_MAX 96
const char *sb_class_name(enum sb_class class);

struct sandbox {
    struct sb_settings settings;
    struct sf_store *store;
    pthread_mutex_t store_lock; /* recursive: a composite call holds it around its subrequests */
    struct sb_sessions *sessions;
    struct sb_locks *locks;
    struct sb_limits *limits;
    struct sb_faults *faults;
    struct sb_history *history;
    struct sb_timers *timers;
    const char *instance_url;  /* where clients are told to send their calls */
    pthread_mutex_t jwt_lock;  /* guards the next */
    EVP_PKEY *jwt_key;         /* NULL: no JWT login */
    _Atomic uint64_t requests; /* arrivals, admin calls not counted */
    _Atomic uint64_t class_requests[SB_CLASS_COUNT], class_errors[SB_CLASS_COUNT];
    struct sb_endpoint_stats {
        _Atomic uint64_t requests, errors, api_calls;
    } endpoints[SB_ENDPOINTS_MAX]; /* in the order of the routes */
};

struct sb_route;

/* One request from arrival to answer; subrequests of a composite share it. */
struct sb_context {
    struct sandbox *sandbox;
    struct cf_arena *arena;
    const struct sb_route *route;
    uint64_t request_no, received_ns;
    uint64_t now_ns;   /* when it is done: later than received_ns after a delay-before fault */
    uint64_t ready_ns; /* not answered before */
    int64_t wall_ms;
    int64_t api_calls;
    json_t *commits; /* array of {id, object, op, mono_ns, fields}: what this request wrote */
    struct sb_fault_fate fate;
    unsigned depth; /* above 0: inside a composite */
};

typedef void sb_handler(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply);

/** Takes the store for this thread and says in which API version it answers. Nests. */
void sb_store_take(struct sb_context *context, const struct sb_request *request);
void sb_store_give(struct sb_context *context);
/** Sets the earliest time of the answer. */
void sb_context_delay_until(struct sb_context *context, uint64_t at_ns);

sb_handler sb_oauth_token, sb_oauth_revoke, sb_oauth_userinfo, sb_oauth_identity, sb_soap_login;
sb_handler sb_rest_versions, sb_rest_resources, sb_rest_limits;
sb_handler sb_rest_query, sb_rest_query_more, sb_rest_updated, sb_rest_deleted, sb_rest_recent,
    sb_rest_search, sb_rest_search_params;
sb_handler sb_rest_describe_global, sb_rest_describe, sb_rest_describe_basic;
sb_handler sb_rest_create, sb_rest_get, sb_rest_update, sb_rest_delete;
sb_handler sb_rest_get_deep, sb_rest_upsert, sb_rest_delete_external;
sb_handler sb_rest_composite, sb_rest_batch, sb_rest_graph, sb_rest_composite_index;
sb_handler sb_rest_collections_create, sb_rest_collections_update, sb_rest_collections_upsert,
    sb_rest_collections_delete, sb_rest_collections_get;
sb_handler sb_admin_health, sb_admin_faults_list, sb_admin_faults_add, sb_admin_faults_mix,
    sb_admin_faults_clear, sb_admin_expire_tokens, sb_admin_config_get, sb_admin_config_set, sb_admin_history,
    sb_admin_stats, sb_admin_jwt_key, sb_admin_lock, sb_admin_org_get, sb_admin_org_field, sb_admin_org_hide,
    sb_admin_org_clear;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * router - the table of (method, path) -> handler, and the way of one request through it.
 *
 * The way: path and version (404, 405, 410) - fault rules - session (401) - API limit (403) - handler.
 */
#ifndef SB_ROUTER_H
#define SB_ROUTER_H

#include "sandbox.h"

enum sb_route_flag {
    SB_OPEN = 1,      /* no session needed */
    SB_UNCOUNTED = 2, /* not an API call: no limit, no Sforce-Limit-Info */
    SB_NO_NEST = 4,   /* not allowed inside composite and batch */
};

struct sb_route {
    unsigned methods, flags;
    enum sb_class class;
    const char *pattern; /* "/services/data/{v}/sobjects/{}": {v} is the version, {} an argument */
    sb_handler *handler;
};

/**
 * Finds the route and fills the request's args and version. NULL: the reply is filled with 404, 405 or 410.
 */
const struct sb_route *sb_router_find(struct sb_request *request, struct sb_reply *reply);

/** Before anything is done: finds the route and asks the fault rules. Fills the reply when there is no route.
 */
void sb_router_prepare(struct sb_context *context, struct sb_request *request, struct sb_reply *reply);
/** Does the request, if prepare found a route and no fault prevents it. */
/** {"GET /services/...": {"requests", "errors", "api_calls"}} of all endpoints that were asked: a new object.
 */
json_t *sb_router_stats(const struct sandbox *sandbox);
void sb_router_run(struct sb_context *context, struct sb_request *request, struct sb_reply *reply);
/** A request inside composite or batch: the session and the limit were looked at for the whole. */
void sb_router_subrequest(struct sb_context *context, struct sb_request *request, struct sb_reply *reply);

#endif

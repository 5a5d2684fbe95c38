/* SPDX-License-Identifier: Apache-2.0 */
/*
 * defaults - the one place for the sandbox's well-known credentials and limits.
 *
 * The credentials are no secret: they open a stand-in that listens on the loopback interface. Tests and
 * tools/fleet.sh read them from here (or from `sf-sandbox --print-env`).
 */
#ifndef SB_DEFAULTS_H
#define SB_DEFAULTS_H

#include <stddef.h>

#define SB_CLIENT_ID "callfleet-sandbox"
#define SB_CLIENT_SECRET "callfleet-sandbox-secret"
#define SB_USERNAME "integration@callfleet.example"
#define SB_PASSWORD "callfleet-sandbox-password"
/* A client may append it to the password, as Salesforce asks of untrusted networks. */
#define SB_SECURITY_TOKEN "callfleetSandboxToken"

#define SB_VERSION_MIN 31 /* 21..30 are retired: 410 */
#define SB_VERSION_MAX 68
#define SB_VERSION_RETIRED_MIN 21

#define SB_URI_MAX_BYTES 16384    /* longer: 414 */
#define SB_HEADER_MAX_BYTES 16384 /* URI and headers together, longer: 431 */
#define SB_BODY_MAX_BYTES ((size_t)8 * 1024 * 1024)
#define SB_ARENA_MAX_BYTES ((size_t)64 * 1024 * 1024)
/* libmicrohttpd clears all of it after each request. */
#define SB_CONNECTION_MEMORY_BYTES ((size_t)40 * 1024)
#define SB_CONNECTIONS_MAX 9000U
#define SB_SUBREQUESTS_MAX 25 /* of one composite or batch call */
#define SB_COMPOSITE_QUERIES_MAX 5
#define SB_COLLECTION_MAX 200    /* records of one collections call */
#define SB_GRAPHS_MAX 75         /* of one graph call */
#define SB_GRAPH_FAILURES_MAX 14 /* more, and the rest of the call is halted */
#define SB_GRAPH_NODES_MAX 500   /* of one graph call */
#define SB_GRAPH_DEPTH_MAX 15    /* nodes that refer to one another in a row */
/* Resources that came later than SB_VERSION_MIN. */
#define SB_VERSION_BATCH 34
#define SB_VERSION_COMPOSITE 38
#define SB_VERSION_COLLECTIONS 42
#define SB_VERSION_COLLECTIONS_UPSERT 46
#define SB_VERSION_GRAPH 50
#define SB_HISTORY_BODY_BYTES ((size_t)64 * 1024)
#define SB_HISTORY_RING_ENTRIES 400000U
#define SB_HISTORY_RING_BYTES ((size_t)512 * 1024 * 1024)
#define SB_HISTORY_PAGE_BYTES ((size_t)32 * 1024 * 1024) /* of the NDJSON form */
#define SB_FAULTS_MAX 64U
#define SB_SESSIONS_MAX 4096U
#define SB_LOCKS_MAX 16384U

#endif

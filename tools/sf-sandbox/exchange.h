/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange - one request on one connection, and how its answer leaves: whole, slowly, half, endless or cut.
 */
#ifndef SB_EXCHANGE_H
#define SB_EXCHANGE_H

#include "sandbox.h"

struct MHD_Connection;
struct sb_server;

enum sb_stage {
    SB_STAGE_RECEIVING,
    SB_STAGE_BEFORE, /* received; a delay-before fault may make it wait */
    SB_STAGE_AFTER,  /* done; the answer may have to wait */
};

struct sb_exchange {
    struct sb_server *server;
    struct MHD_Connection *connection;
    struct cf_str uri;
    struct cf_buf body;
    struct sb_context context;
    struct sb_request request;
    struct sb_reply reply;
    enum sb_stage stage;
    bool seen;     /* the headers were looked at */
    bool recorded; /* in the history */
    bool cut;      /* we break the connection on purpose */
    bool raw_sent; /* the answer went past the server: close the connection */
    bool rested;   /* slow body: the pause before the next piece is over */
};

/** Queues the answer and writes the history; false: the connection must be closed. */
bool sb_exchange_answer(struct sb_exchange *exchange);

/** The client left while its answer was waiting. What it asked for is done all the same, and written down. */
void sb_exchange_abandoned(struct sb_exchange *exchange);

/** Suspends the connection until `until_ns` (server.c). */
void sb_server_park(struct sb_exchange *exchange, uint64_t until_ns);
/** Suspends it until sb_server_resume(), which any thread may call; then the exchange is the server's again.
 */
void sb_server_suspend(struct sb_exchange *exchange);
void sb_server_resume(struct sb_exchange *exchange);
bool sb_server_stopping(const struct sb_server *server);

#endif

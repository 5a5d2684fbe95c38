/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server - HTTP and HTTPS on libmicrohttpd: few threads, thousands of waiting answers.
 *
 * An answer that is due later suspends its connection; a timer resumes it. So a waiting request costs its
 * memory and nothing else. Broken endings (cut, half, slow, huge) are made here.
 */
#ifndef SB_SERVER_H
#define SB_SERVER_H

#include <stdint.h>

#include "sandbox.h"

struct sb_server;

struct sb_server_opts {
    const char *host;               /* an IPv4 address */
    uint16_t port;                  /* 0: any */
    const char *tls_cert, *tls_key; /* PEM text, both or none */
};

/** Opens the listening socket. NULL and `err` (kind CONFIG) when it cannot. */
CF_CHECKED struct sb_server *sb_server_open(const struct sb_server_opts *opts, struct cf_err *err);
/** The port, known before the first request can be answered. */
uint16_t sb_server_port(const struct sb_server *server);
/** Starts serving. -1 and `err` when it cannot; the server is to be stopped all the same. */
CF_CHECKED int sb_server_start(struct sb_server *server, struct sandbox *sandbox,
                               const struct sb_server_opts *opts, struct cf_err *err);
/** Answers what is waiting at once, then closes all connections. Stops the sandbox's timers when it was
 * started. */
void sb_server_stop(struct sb_server *server);

#endif

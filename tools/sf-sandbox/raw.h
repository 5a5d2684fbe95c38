/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw - answers that no HTTP library would send: written to the socket behind the server's back, while the
 * connection is suspended, which is closed afterwards. Over TLS the client just sees the connection break.
 */
#ifndef SB_RAW_H
#define SB_RAW_H

#include "exchange.h"

/** A status line and headers that never end: `bytes` every `delay_ms` of the hit, until the client hangs up.
 */
void sb_raw_endless_headers(struct sb_exchange *exchange);
/** The whole answer twice. Takes `body` over (malloc'ed, may be NULL). */
void sb_raw_doubled(struct sb_exchange *exchange, char *body, size_t size);

#endif

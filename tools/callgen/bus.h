/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus - callgen's side of Kafka: writes events, reads the fleet's results from where the topics end now.
 *
 * Reading uses no consumer group and isolation.level=read_committed, so what is counted is what a careful
 * consumer of the fleet sees.
 */
#ifndef CG_BUS_H
#define CG_BUS_H

#include <jansson.h>
#include <stdint.h>

#include "err/err.h"

struct cg_bus;

enum cg_topic { CG_CALL_QUEUED, CG_CALL_ROUTED, CG_CALL_UPDATED, CG_RESULT_TOPICS };

/* One result. `id` is the CloudEvent's id, `data` its payload; both borrowed for the call. */
struct cg_result {
    enum cg_topic topic;
    const char *topic_name; /* without prefix */
    const char *id;
    json_t *data;
};
typedef void cg_result_fn(void *arg, const struct cg_result *result);

/** Connects and finds the ends of the result topics; waits at most 30 s for the brokers. NULL and `err`. */
CF_CHECKED struct cg_bus *cg_bus_new(const char *brokers, const char *topic_prefix, struct cf_err *err);
/** Waits at most 10 s for what was written. NULL is fine. */
void cg_bus_free(struct cg_bus *bus);

/** Writes one event; `data` is taken over. -1 when Kafka refused it or an earlier one. */
CF_CHECKED int cg_bus_write(struct cg_bus *bus, const char *topic, const char *key, const char *id,
                            json_t *data);
/** Hands over results for at most `wait_ms`, returns early after a burst. -1 when Kafka is lost for good. */
CF_CHECKED int cg_bus_read(struct cg_bus *bus, uint64_t wait_ms, cg_result_fn *fn, void *arg);
/** Waits until all written events are acknowledged, at most `wait_ms`. */
CF_CHECKED int cg_bus_flush(struct cg_bus *bus, int wait_ms);
/** Why the last call returned -1. */
const char *cg_bus_error(const struct cg_bus *bus);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* calendar - what happens next in virtual time: a heap by (time, order of adding). */
#ifndef CF_SIM_CALENDAR_H
#define CF_SIM_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sim_event_kind {
    SIM_EV_ARRIVAL,  /* who: class */
    SIM_EV_PATIENCE, /* who: call slot */
    SIM_EV_SERVICE,  /* who: call slot */
    SIM_EV_ANSWER,   /* who: agent; stamp: of his offer */
    SIM_EV_WRAPPED,  /* who: agent */
    SIM_EV_ON,       /* who: agent */
    SIM_EV_OFF,      /* who: agent */
};

struct sim_event {
    double at;
    uint64_t order, stamp; /* stamp: number of the call or offer it was meant for */
    uint32_t who;
    uint32_t kind; /* enum sim_event_kind */
};

struct sim_calendar {
    struct sim_event *events;
    size_t n, size;
    uint64_t order;
};

void sim_calendar_add(struct sim_calendar *calendar, struct sim_event event);
/** False: empty. */
bool sim_calendar_peek(const struct sim_calendar *calendar, double *ret_at);
struct sim_event sim_calendar_take(struct sim_calendar *calendar);
void sim_calendar_done(struct sim_calendar *calendar);

#endif

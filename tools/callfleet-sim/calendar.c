/* SPDX-License-Identifier: Apache-2.0 */
#include "calendar.h"

#include <assert.h>
#include <stdlib.h>

#include "str/str.h"

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at < b->at || (a->at <= b->at && a->order < b->order);
}

void sim_calendar_add(struct sim_calendar *calendar, struct sim_event event)
{
    size_t pos = calendar->n++;

    if (pos == calendar->size) {
        calendar->size = calendar->size ? calendar->size * 2 : 256;
        calendar->events = cf_realloc(calendar->events, calendar->size * sizeof(*calendar->events));
    }
    event.order = calendar->order++;
    while (pos > 0 && before(&event, &calendar->events[(pos - 1) / 2])) {
        calendar->events[pos] = calendar->events[(pos - 1) / 2];
        pos = (pos - 1) / 2;
    }
    calendar->events[pos] = event;
}

bool sim_calendar_peek(const struct sim_calendar *calendar, double *ret_at)
{
    if (calendar->n == 0)
        return false;
    *ret_at = calendar->events[0].at;
    return true;
}

struct sim_event sim_calendar_take(struct sim_calendar *calendar)
{
    struct sim_event *events = calendar->events, first, last;
    size_t pos = 0;

    assert(calendar->n > 0);
    first = events[0];
    last = events[--calendar->n];
    for (;;) {
        size_t child = 2 * pos + 1;

        if (child >= calendar->n)
            break;
        if (child + 1 < calendar->n && before(&events[child + 1], &events[child]))
            child++;
        if (!before(&events[child], &last))
            break;
        events[pos] = events[child];
        pos = child;
    }
    events[pos] = last;
    return first;
}

void sim_calendar_done(struct sim_calendar *calendar)
{
    free(calendar->events);
    *calendar = (struct sim_calendar){0};
}

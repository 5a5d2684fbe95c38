/* SPDX-License-Identifier: Apache-2.0 */
/* Counting: each call in the batch in which it came, areas over time in the batch that runs. */
#include "world.h"

static struct sim_tally *tally(struct world *world, uint32_t row, size_t batch)
{
    return &world->result->rows[row].batches[batch];
}

static void settle_row(struct world *world, uint32_t row)
{
    double passed = world->now - world->since[row];

    if (world->counting) {
        struct sim_tally *t = tally(world, row, world->batch);

        t->time += passed;
        t->queue_area += passed * world->n_waiting[row];
    }
    world->since[row] = world->now;
}

static void settle_desks(struct world *world)
{
    double passed = world->now - world->desks_since;

    if (world->counting) {
        struct sim_tally *t = tally(world, 0, world->batch);

        t->busy_area += passed * world->n_busy;
        t->duty_area += passed * world->n_duty;
    }
    world->desks_since = world->now;
}

void count_settle(struct world *world)
{
    for (uint32_t row = 0; row < world->result->n_rows; row++)
        settle_row(world, row);
    settle_desks(world);
}

void count_batch(struct world *world, size_t batch)
{
    if (world->counting && world->batch == batch)
        return;
    count_settle(world);
    world->counting = true;
    world->batch = batch;
}

uint32_t count_queue_row(struct world *world, struct cf_str name)
{
    struct sim_result *result = world->result;

    for (uint32_t row = 1; row < result->n_rows; row++) {
        if (result->rows[row].kind == SIM_ROW_QUEUE && cf_str_is(name, result->rows[row].name))
            return row;
    }
    if (result->n_rows == SIM_MAX_ROWS)
        return (uint32_t)result->n_rows - 1;
    result->rows[result->n_rows].kind = SIM_ROW_QUEUE;
    (void)cf_str_copy(result->rows[result->n_rows].name, SIM_NAME, name);
    result->rows[result->n_rows].batches = cf_calloc(result->n_batches, sizeof(struct sim_tally));
    result->rows[result->n_rows].waits = sim_histogram_new();
    world->since[result->n_rows] = world->now;
    return (uint32_t)result->n_rows++;
}

struct rows_of_call {
    uint32_t row[3];
};

static struct rows_of_call rows_of(const struct world *world, const struct call *call)
{
    return (struct rows_of_call){{0, world->row_of_class[call->class], call->queue}};
}

void count_arrival(struct world *world, const struct call *call)
{
    struct rows_of_call rows = rows_of(world, call);

    for (int i = 0; i < 3 && call->counted; i++)
        tally(world, rows.row[i], call->batch)->offered++;
}

void count_waiting(struct world *world, const struct call *call, double change)
{
    struct rows_of_call rows = rows_of(world, call);

    for (int i = 0; i < 3; i++) {
        settle_row(world, rows.row[i]);
        world->n_waiting[rows.row[i]] += change;
    }
}

void count_desks(struct world *world, double busy, double on_duty)
{
    settle_desks(world);
    world->n_busy += busy;
    world->n_duty += on_duty;
}

static void add_wait(struct sim_tally *t, double wait, const struct call *call)
{
    t->wait += wait;
    t->waited += call->waited;
    t->max_wait = wait > t->max_wait ? wait : t->max_wait;
}

void count_answer(struct world *world, const struct call *call)
{
    struct rows_of_call rows = rows_of(world, call);
    double wait = call->answered - call->arrived;

    for (int i = 0; i < 3 && call->counted; i++) {
        struct sim_tally *t = tally(world, rows.row[i], call->batch);

        add_wait(t, wait, call);
        t->answered++;
        t->answered_waited += call->waited;
        t->answered_within += wait <= world->scenario->within_s;
        t->wait_answered += wait;
        t->service += call->service;
        t->sojourn += wait + call->service;
        sim_histogram_add(world->result->rows[rows.row[i]].waits, wait);
    }
}

/* Not answered: hung up, or turned away by the routing. */
void count_end(struct world *world, const struct call *call)
{
    struct rows_of_call rows = rows_of(world, call);
    double wait = world->now - call->arrived;
    bool abandoned = call->state != CALL_CLOSING;

    for (int i = 0; i < 3 && call->counted; i++) {
        struct sim_tally *t = tally(world, rows.row[i], call->batch);

        /* Turned away in the step that brought it: it did not wait. */
        if (abandoned || call->waited)
            add_wait(t, wait, call);
        t->abandoned += abandoned;
        t->refused += !abandoned;
        t->abandoned_within += abandoned && wait <= world->scenario->within_s;
        t->wait_abandoned += abandoned ? wait : 0;
    }
}

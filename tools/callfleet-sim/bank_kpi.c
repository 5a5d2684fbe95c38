/* SPDX-License-Identifier: Apache-2.0 */
/* The same figures of what was recorded and of what was simulated. */
#include "bank.h"

static double per(double a, double b)
{
    return b > 0 ? a / b : 0;
}

struct sums {
    double wait, answered_within, hang_within, service, n_service, by_priority[BANK_PRIORITIES],
        n_by[BANK_PRIORITIES];
    double wait_answered, wait_abandoned;
};

static void add_answered(struct bank_kpis *k, struct sums *s, const struct bank_call *call, double within_s)
{
    k->agent++;
    s->answered_within += call->wait <= within_s;
    s->wait_answered += call->wait;
    if (call->service > 0) {
        s->service += call->service;
        s->n_service++;
    }
    if (call->wait > 0) {
        k->queued_answered++;
        s->by_priority[call->priority] += call->wait;
        s->n_by[call->priority]++;
    }
}

struct bank_kpis bank_recorded(const struct bank *bank, double within_s)
{
    struct bank_kpis k = {.calls = (double)bank->n};
    struct sums s = {0};

    for (size_t i = 0; i < bank->n; i++) {
        const struct bank_call *call = &bank->calls[i];

        k.queued += call->queued;
        k.wait_max = call->wait > k.wait_max ? call->wait : k.wait_max;
        if (call->outcome == BANK_AGENT) {
            add_answered(&k, &s, call, within_s);
            continue;
        }
        k.hang++;
        if (call->queued) {
            k.hang_in_queue++;
            s.hang_within += call->wait <= within_s;
            s.wait_abandoned += call->wait;
        }
    }
    k.wait_queued_answered = per(s.wait_answered, k.queued_answered);
    k.wait_answered = per(s.wait_answered, k.agent);
    k.wait_abandoned = per(s.wait_abandoned, k.hang_in_queue);
    k.aht = per(s.service, s.n_service);
    k.abandonment = per(k.hang_in_queue, k.agent + k.hang_in_queue);
    k.sl_a = per(s.answered_within, k.agent);
    k.sl_b = per(s.answered_within + s.hang_within, k.agent + k.hang_in_queue);
    k.sl_d = per(s.answered_within, k.agent + k.hang_in_queue);
    k.sl_e = per(s.answered_within, k.agent + k.hang_in_queue - s.hang_within);
    k.patience = per(s.wait_answered + s.wait_abandoned, k.hang_in_queue);
    for (int i = 0; i < BANK_PRIORITIES; i++)
        k.wait_by_priority[i] = per(s.by_priority[i], s.n_by[i]);
    return k;
}

/* Classes are named "<type>-<priority>". */
static void add_priorities(const struct sim_result *result, struct bank_kpis *k)
{
    double wait[BANK_PRIORITIES] = {0}, n[BANK_PRIORITIES] = {0};

    for (size_t i = 1; i < result->n_rows; i++) {
        const struct sim_row *row = &result->rows[i];
        struct sim_tally t = sim_tally_sum(row->batches, result->n_batches);
        int priority = row->name[strlen(row->name) - 1] - '0';

        if (row->kind != SIM_ROW_CLASS || priority < 0 || priority >= BANK_PRIORITIES)
            continue;
        wait[priority] += t.wait_answered;
        n[priority] += t.answered_waited;
    }
    for (int i = 0; i < BANK_PRIORITIES; i++)
        k->wait_by_priority[i] = per(wait[i], n[i]);
}

struct bank_kpis bank_simulated(const struct sim_result *result)
{
    struct sim_tally t = sim_tally_sum(result->rows[0].batches, result->n_batches);
    struct bank_kpis k = {.calls = t.offered,
                          .agent = t.answered,
                          .hang = t.abandoned,
                          .hang_in_queue = t.abandoned,
                          .queued = t.waited,
                          .queued_answered = t.answered_waited,
                          .wait_queued_answered = per(t.wait_answered, t.answered_waited),
                          .wait_answered = per(t.wait_answered, t.answered),
                          .wait_abandoned = per(t.wait_abandoned, t.abandoned),
                          .wait_max = t.max_wait,
                          .aht = per(t.service, t.answered),
                          .abandonment = per(t.abandoned, t.offered),
                          .sl_a = sim_figures[SIM_SL_A].of(&t),
                          .sl_b = sim_figures[SIM_SL_B].of(&t),
                          .sl_d = sim_figures[SIM_SL_D].of(&t),
                          .sl_e = sim_figures[SIM_SL_E].of(&t),
                          .patience = per(t.wait, t.abandoned)};

    add_priorities(result, &k);
    return k;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup_crm_priv - shared by lookup_crm.c (asks, questions, their deadlines) and lookup_crm_batch.c
 * (requests: when they leave, and what follows from their answers).
 *
 * Lifecycle of a question: waiting -> in a request -> answered, or (a passing failure) resting -> waiting.
 * One timer serves all: it is set for the earliest of the next deadline, the next request and the next retry.
 */
#ifndef LOOKUP_CRM_PRIV_H
#define LOOKUP_CRM_PRIV_H

#include "lookup_crm.h"

#define BUCKETS 1024      /* of the table of questions */
#define MAX_HALVINGS 20U  /* more than good answers lately: then it is no single number's fault */
#define RETRY_COST 5U     /* a retry costs what so many good answers earn: under load a fifth more, */
#define MAX_RETRIES 1000U /* and at the first failure 200 of them */

struct batch;
struct cf_sf_call;
struct cf_timer;

struct lookup_ask {
    struct lookup_ask *next;
    struct question *question;
    lookup_crm_fn *fn;
    void *arg;
};

struct question {
    struct question *next_in_bucket;
    struct question *sooner, *later; /* by deadline */
    struct question *before, *after; /* in the line `line` */
    struct line *line;               /* waiting or resting; NULL: in a request */
    struct batch *batch;             /* the request under way, NULL: none */
    size_t place;                    /* in it */
    struct lookup_crm *crm;
    struct lookup_ask *asks; /* newest first */
    struct cf_phone phone;
    uint64_t deadline_ms;
    uint64_t due_ms; /* waiting: leaves not later; resting: when the next try is due */
    uint32_t tries;
    double api_calls; /* its share of the requests that were made */
};

struct line {
    struct question *first, *last;
    size_t n;
    uint64_t due_ms; /* not later than the earliest of its questions' */
};

/* What a request asks; searching leads to reading what was found, if anything was. */
enum stage { BY_FORMS, SEARCHING, READING };

/* A request under way. */
struct batch {
    struct batch *next, **link; /* of all */
    struct lookup_crm *crm;
    struct cf_sf_call *call;       /* NULL: being answered */
    struct lookup_query_opts opts; /* what was asked for */
    enum stage stage;
    uint64_t number;                                  /* of the request */
    struct question *questions[LOOKUP_QUERY_NUMBERS]; /* NULL: it has gone meanwhile, */
    bool is_late[LOOKUP_QUERY_NUMBERS];               /* as its time was over */
    struct cf_phone phones[LOOKUP_QUERY_NUMBERS];
    size_t n, n_open;
};

struct lookup_crm {
    struct cf_loop *loop;
    struct cf_sf *sf;
    struct lookup_crm_opts opts;
    struct question *buckets[BUCKETS]; /* by number; the newest question about one comes first */
    struct question *soonest, *latest; /* all questions, by deadline */
    struct line waiting, resting;
    struct batch *batches;
    size_t n_batches;
    uint64_t requests; /* numbered from 1 */
    size_t last_n;     /* numbers in the last request that left the line */
    uint32_t halvings; /* that may still be tried */
    uint32_t retries;  /* the budget of them, in good answers */
    uint64_t sent_ms;  /* when a request left last */
    struct cf_timer *timer;
    uint64_t timer_ms; /* when it fires; 0: not set */
    uint64_t seed;
    struct lookup_crm_counts counts;
};

/* ---- lookup_crm.c ---- */

uint64_t question_left_ms(const struct question *question);
/** Ends the question: tells its asks and frees it. */
void question_answer(struct question *question, const struct lookup_outcome *outcome);
/** Sets the timer to what comes next. */
void crm_schedule(struct lookup_crm *crm);

/* ---- lookup_crm_batch.c ---- */

/** Puts a new question into the line; it may leave at once. */
void batch_enqueue(struct question *question);
/** Takes the question out of its line or request, for good: nobody waits for it. */
void batch_forsake(struct question *question);
/** Whether what is due must wait until the client has room. */
bool batch_is_held(const struct lookup_crm *crm);
/** Sends what is due. */
void batch_turn(struct lookup_crm *crm);
void batch_free_all(struct lookup_crm *crm);

#endif

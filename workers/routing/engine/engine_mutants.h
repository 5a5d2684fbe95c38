/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_mutants - faults that a test can switch on, to see that callfleet-check finds them.
 *
 * Only in the copy of the engine that is built with CF_ENGINE_MUTANTS; everywhere else CF_MUTANT(x) is false
 * and nothing is left of it.
 */
#ifndef CF_ENGINE_MUTANTS_H
#define CF_ENGINE_MUTANTS_H

#include <stdbool.h>

#define CF_ENGINE_MUTANT_LIST(X)                                                                             \
    X(NONE)                                                                                                  \
    X(NO_OFFER_ID)     /* an answer to an offer that is over counts */                                       \
    X(NO_DEDUPE_CALL)  /* a call that is over is queued again */                                             \
    X(NO_DEDUPE_AGENT) /* what an agent said twice counts twice */                                           \
    X(LATE_AGENT)      /* what an agent said before counts */                                                \
    X(LIFO)            /* the last call first */                                                             \
    X(NO_PRIORITY)     /* priorities are not looked at */                                                    \
    X(LOST_ABANDON)    /* who hangs up while waiting is not taken out */                                     \
    X(NEW_AGE)         /* a call that comes back starts anew */                                              \
    X(NO_MISSED)       /* who missed a call is not remembered */                                             \
    X(NO_DEADLINE)     /* offers stand for ever */                                                           \
    X(NO_WRAP_UP)      /* after a talk the agent is free at once */                                          \
    X(IDLE_AGENT)      /* an agent who becomes free takes no call */                                         \
    X(AWAY_AGENT)      /* an agent who goes idle is offered calls */                                         \
    X(LOST_AGENT)      /* who had the offer of an abandoned call is forgotten */                             \
    X(OFFER_TWICE)     /* each offer is made twice */                                                        \
    X(RELEASE_TWICE)   /* each offer is given back twice */                                                  \
    X(NO_TOMB)         /* an end that comes first is forgotten */                                            \
    X(DOUBLE_END)      /* an abandoned call ends twice */                                                    \
    X(NO_ANSWER)       /* an end that comes late has no decision */                                          \
    X(MISCOUNT)        /* positions are one too high */                                                      \
    X(GAP)             /* a number is left out */                                                            \
    X(BY_ADDRESS)      /* agents in the order of their memory */

#define CF_ENGINE_MUTANT_ID(name) CF_ENGINE_MUTANT_##name,
enum cf_engine_mutant { CF_ENGINE_MUTANT_LIST(CF_ENGINE_MUTANT_ID) CF_ENGINE_MUTANTS_N };

#ifdef CF_ENGINE_MUTANTS
extern enum cf_engine_mutant cf_engine_mutant;
/** false: no such one. */
bool cf_engine_set_mutant(const char *name);
#define CF_MUTANT(name) (cf_engine_mutant == CF_ENGINE_MUTANT_##name)
#else
#define CF_MUTANT(name) false
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* limits - every fixed bound of the runtime in one place; what an operator may want to change is
 * configuration. */
#ifndef CF_WORKER_LIMITS_H
#define CF_WORKER_LIMITS_H

#define CF_JOB_ARENA_BYTES                                                                                   \
    ((size_t)32 * 1024 * 1024)  /* all memory of one job; decoding takes CF_EVENT_ARENA_BYTES at most */
#define CF_JOB_MAX_HEADERS 256U /* of a consumed record; more is poison */
#define CF_JOB_MAX_HEADER_BYTES ((size_t)64 * 1024)  /* all headers together; more is poison */
#define CF_JOB_MAX_VALUE_BYTES ((size_t)1024 * 1024) /* of a consumed record; more is poison */
#define CF_JOB_MAX_EVENT_BYTES ((size_t)512 * 1024)  /* of an event that a stage writes */
#define CF_HELD_BYTES                                                                                        \
    ((size_t)64 * 1024 * 1024)    /* decoded records held at once; beyond it nothing is taken */
#define CF_FETCH_AHEAD_KIB 16384U /* of each partition, unless the stage says otherwise */
#define CF_JOBS_KEPT 512U         /* finished job structures kept for reuse */
#define CF_TURN_TAKES 512U        /* records taken before the loop turns again */
#define CF_TURN_NS 1000000U       /* of jobs run and records taken before the loop turns again */
#define CF_TURN_LOOK 8U           /* the clock is looked at after so many */
#define CF_BATCH_BYTES                                                                                       \
    ((size_t)64 * 1024 * 1024) /* results waiting for their commit; beyond it nothing is taken */
#define CF_BATCH_ARENA_BYTES ((size_t)4 << 30) /* never reached: jobs in flight are bounded */
#define CF_EMITS_MAX 10000U                    /* records of cf_worker_emit() waiting for a transaction */

#endif

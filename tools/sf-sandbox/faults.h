/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults - what goes wrong on purpose: a bounded list of rules, each for some requests, at a rate, from a
 * seed.
 *
 * Vocabulary: a *fault* is a rule; a *hit* is what it does to one request. The first rule that fires decides
 * how the request ends; delays of all rules add up. Rates are drawn from each rule's own generator, so the
 * n-th matching request always meets the same fate. Thread-safe.
 */
#ifndef SB_FAULTS_H
#define SB_FAULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "err/err.h"
#include "str/str.h"

enum sb_fault_kind {
    SB_FAULT_NONE,
    SB_FAULT_STATUS,     /* `status` and an empty body; nothing is done */
    SB_FAULT_ERROR_BODY, /* `status` with `errorCode` and `message` in the endpoint's dialect; nothing is done
                          */
    SB_FAULT_DELAY,      /* done at once, answered `delay_ms` later */
    SB_FAULT_DELAY_BEFORE,    /* done and answered `delay_ms` later */
    SB_FAULT_CUT_BEFORE,      /* nothing is done, the connection is cut */
    SB_FAULT_CUT_AFTER,       /* done, then the connection is cut */
    SB_FAULT_COMMIT_500,      /* done, answered 500 (or `status`) */
    SB_FAULT_SLOW_BODY,       /* done, answered `bytes` (1) bytes every `delay_ms` (100) */
    SB_FAULT_HTML,            /* a maintenance page with `status` (503) */
    SB_FAULT_HUGE_BODY,       /* 200 and `bytes` (64 MiB) of white space */
    SB_FAULT_EXPIRE_TOKEN,    /* the request's session ends: 401 */
    SB_FAULT_REDIRECT,        /* 302 (or `status`) to `location` */
    SB_FAULT_HALF,            /* done, half of the answer, then the connection is cut */
    SB_FAULT_RECORD_ERROR,    /* each record of a write fails at `rate` with `errorCode` and `message` */
    SB_FAULT_GARBAGE,         /* done, answered with bytes that are no JSON */
    SB_FAULT_GZIP_BOMB,       /* 200 and a small gzip body of `bytes` (1 GiB) of white space */
    SB_FAULT_DEEP_JSON,       /* 200 and `bytes` (100,000) arrays inside each other */
    SB_FAULT_WRONG_CHARSET,   /* done, answered in UTF-16 */
    SB_FAULT_ENDLESS_HEADERS, /* done, answered with header lines, `bytes` (1) every `delay_ms` (100) */
    SB_FAULT_DOUBLED,         /* done, the answer sent twice, then the connection is closed */
};

struct sb_fault_hit {
    enum sb_fault_kind kind;
    uint32_t fault_id;
    int status;
    uint64_t delay_ms, bytes;
    int64_t retry_after; /* seconds; -1: no such header */
    char code[64], message[200], location[256];
};

struct sb_fault_ask {
    const char *method, *class_name;
    struct cf_str path, body;
};

/* What the rules decided for one request. */
struct sb_fault_fate {
    struct sb_fault_hit end; /* how it ends; kind NONE: as usual */
    uint64_t delay_before_ms, delay_after_ms;
    uint32_t record_fault_id; /* rule that fails records one by one; 0: none */
};

struct sb_faults;

struct sb_faults *sb_faults_new(void);
void sb_faults_free(struct sb_faults *faults);
/** Adds a rule; returns its id, or 0 and fills `err`. */
CF_CHECKED uint32_t sb_faults_add(struct sb_faults *faults, json_t *rule, struct cf_err *err);
/** Removes one rule, or all with id 0. Returns how many went. */
size_t sb_faults_clear(struct sb_faults *faults, uint32_t id);
/**
 * Adds a rule of every kind, which together meet `rate` of the requests: faults_mix.c has the list. `mix` is
 * {"rate", "seed", "without": [names], and what rules take to pick requests and times}. Returns the names and
 * ids as a new object, or NULL and `err`, with nothing added.
 */
CF_CHECKED json_t *sb_faults_mix(struct sb_faults *faults, json_t *mix, struct cf_err *err);
/** A new array of the rules, with their counts. */
json_t *sb_faults_list(struct sb_faults *faults);
/** Lets the rules decide about a request. */
void sb_faults_decide(struct sb_faults *faults, const struct sb_fault_ask *ask,
                      struct sb_fault_fate *ret_fate);
/** Lets rule `id` decide about one record; fills code and message of `ret_hit` when it fails. */
bool sb_faults_record(struct sb_faults *faults, uint32_t id, struct sb_fault_hit *ret_hit);
const char *sb_fault_name(enum sb_fault_kind kind);
/** Whether `path` matches `pattern`: a prefix, or a glob when it holds '*'. */
bool sb_fault_path_matches(struct cf_str pattern, struct cf_str path);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The call's context: what the later stages need to know of a call that their own events do not say.
 *
 * A Redis hash cf:ctx:{<call id>}; an absent field is unknown:
 *   contactId accountId caseId caseNumber entryPointId ani domain   customer (JSON as in call-queued)
 * `domain` is a hint for the sequencer: the call's attribute of that name, if it has one. Written without
 * waiting: a Redis that is slow or down costs a later stage a lookup of its own, but never the caller's time.
 */
#include <inttypes.h>
#include <stdio.h>

#include "log/log.h"
#include "lookup.h"
#include "redis/redis.h"

#define CUSTOMER_LIMIT_BYTES ((size_t)256 << 10)
#define MAX_ARGS 20

static const char script[] = "redis.call('DEL', KEYS[1]) "
                             "redis.call('HSET', KEYS[1], unpack(ARGV, 2)) "
                             "return redis.call('PEXPIRE', KEYS[1], ARGV[1])";

struct args {
    struct cf_str list[MAX_ARGS];
    size_t n;
};

static void add(struct args *args, const char *field, struct cf_str value)
{
    if (!value.p)
        return;
    args->list[args->n++] = cf_str_of(field);
    args->list[args->n++] = value;
}

static void on_kept(void *arg, const struct cf_reply *reply, const struct cf_err *err)
{
    (void)arg, (void)reply;
    if (err)
        cf_log_err(CF_LOG_WARN, "lookup", NULL, "a call's context was not kept in Redis", err);
}

static void write_customer(struct cf_buf *buf, const struct cf_customer *customer)
{
    struct cf_jsonw w;

    cf_jsonw_init(&w, buf);
    cf_event_write_customer(&w, customer);
}

void lookup_keep_context(struct cf_worker *worker, const struct cf_call_queued *queued)
{
    const struct lookup *lookup = cf_worker_state(worker);
    const struct cf_customer *customer = &queued->customer;
    struct args args = {.n = 2};
    struct cf_buf key, json;
    char life[24];

    cf_buf_init(&key, 256);
    cf_buf_text(&key, "cf:ctx:{");
    cf_buf_str(&key, queued->call_id);
    cf_buf_char(&key, '}');
    (void)snprintf(life, sizeof(life), "%" PRIu64, lookup->config->context_ttl_ms);
    cf_buf_init(&json, CUSTOMER_LIMIT_BYTES);
    write_customer(&json, customer);
    args.list[0] = cf_buf_view(&key);
    args.list[1] = cf_str_of(life);
    add(&args, "contactId", customer->contact.id);
    add(&args, "accountId", customer->account.id);
    add(&args, "caseId", customer->n_cases ? customer->cases[0].id : (struct cf_str){0});
    add(&args, "caseNumber", customer->n_cases ? customer->cases[0].number : (struct cf_str){0});
    add(&args, "entryPointId", queued->entry_point_id);
    add(&args, "ani", queued->ani);
    add(&args, "domain", cf_json_get_str(queued->attributes, "domain"));
    add(&args, "customer", cf_buf_view(&json));
    if (!json.full)
        cf_redis_eval(cf_worker_redis(worker), script, 1, args.n, args.list, on_kept, NULL);
    cf_buf_done(&json);
    cf_buf_done(&key);
}

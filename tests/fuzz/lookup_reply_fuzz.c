/* SPDX-License-Identifier: Apache-2.0 */
/* Salesforce's answer to a lookup, all the way to the decision and the greeting. */
#include <stdlib.h>

#include "lookup_greeting.h"
#include "lookup_query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_greeting(const struct lookup_greeting *greeting)
{
    static const char end[] = "</speak>";

    if (greeting->text.n > 4096 || greeting->ssml.n > 8192 || greeting->ssml.n < sizeof(end) ||
        memcmp(greeting->ssml.p + greeting->ssml.n - sizeof(end) + 1, end, sizeof(end) - 1) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct lookup_query_opts opts = {
        "v60.0", "Tier__c", true, true, true, {{"Phone", "MobilePhone"}, {"Phone"}, {"Phone"}}};
    static const struct lookup_greeting_opts greeting_opts = {NULL, "en"};
    static const struct lookup_rules rules = {
        .criteria = {LOOKUP_OPEN_CASE, LOOKUP_RECENT_ACTIVITY, LOOKUP_ACCOUNT_TIER}, .n_criteria = 3};
    struct cf_phone phone;
    const struct lookup_caller caller = {&phone, "US"};
    json_t *answer = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    struct cf_arena *arena = cf_arena_new(8 << 20);
    struct lookup_greeting greeting;
    struct lookup_record *records;
    struct cf_customer customer;
    struct lookup_dropped dropped;
    struct cf_err err;
    size_t n;

    json_t *body = NULL;

    cf_phone_parse(CF_STR("+15207739050"), "US", &phone);
    if (lookup_search_read(&opts, answer, 1, &body, &dropped, &err) == 0)
        json_decref(body);
    if (lookup_query_check(&opts, answer, &dropped, &err) == 0) {
        lookup_query_read(arena, &opts, answer, &records, &n);
        lookup_decide(arena, &rules, &caller, records, n, &customer);
        lookup_greet(arena, &greeting_opts, CF_STR("en"), &customer, &greeting);
        check_greeting(&greeting);
    }
    cf_arena_free(arena);
    json_decref(answer);
    return 0;
}

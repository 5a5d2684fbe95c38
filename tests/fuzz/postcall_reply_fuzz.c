/* SPDX-License-Identifier: Apache-2.0 */
/* Salesforce's answers to the post-call stage: to a write, and to the look at what is there. */
#include <stdlib.h>

#include "postcall_rules.h"
#include "postcall_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct postcall_org org = {.api_version = "v60.0",
                                            .external_id_field = "Callfleet_Call_Id__c"};
    static const struct postcall_plan plan = {
        .key = {"c1", 2},
        .marker = {"[callfleet:c1]", 14},
        .subject = {"Call c1", 7},
        .description = {"Call c1\n[callfleet:c1]", 22},
        .parts = {{"(1/2)\nfirst\n[callfleet:c1]", 26}, {"(2/2)\nsecond\n[callfleet:c1]", 27}},
        .n_parts = 2,
    };
    json_t *answer = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    struct cf_arena *arena = cf_arena_new((size_t)8 << 20);
    static const struct postcall_customer customer = {.case_id = {"500000000000001AAA", 18}};
    struct postcall_found found = {0};
    struct postcall_call call = {&plan, &customer, &found};
    struct postcall_outcome outcome;
    struct cf_err err;

    if (postcall_read_found(arena, &org, &call, &(struct postcall_answer){answer, 2}, &found, &err) == 0 &&
        found.task_id.p && found.task_id.n > 255)
        abort();
    for (size_t i = 0; i < 3; i++)
        postcall_read_written(arena, &org, answer, i, &found, &outcome);
    cf_arena_free(arena);
    json_decref(answer);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store_priv.h"

int sf_store_search(struct sf_store *store, const char *sosl, json_t **ret_result, struct sf_fail *fail)
{
    (void)store, (void)sosl, (void)ret_result;
    return sf_fail_set(fail, 500, "UNKNOWN_EXCEPTION", NULL, "not built yet");
}

int sf_store_search_params(struct sf_store *store, json_t *request, json_t **ret_result, struct sf_fail *fail)
{
    (void)store, (void)request, (void)ret_result;
    return sf_fail_set(fail, 500, "UNKNOWN_EXCEPTION", NULL, "not built yet");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes are a SOQL statement, or behind a first "F" a SOSL search; what parses is also compiled and run
 * on an empty store. Nothing may crash, and a failure always says why.
 */
#include <stdint.h>
#include <stdlib.h>

#include "store.h"
#include "str/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_BYTES 8192 /* the limits of the parser have tests of their own */

static struct sf_store *store;

static int64_t fixed_now(void *arg)
{
    (void)arg;
    return 1794996000000;
}

/* Kept for all inputs: queries change nothing. */
static void open_store(void)
{
    char err[200];

    store = sf_store_open(":memory:", err, sizeof(err));
    if (!store)
        abort();
    sf_store_set_now(store, fixed_now, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sf_fail fail = {0};
    json_t *result = NULL;
    char *text;
    int failed;

    if (size > MAX_BYTES)
        return 0;
    if (!store)
        open_store();
    text = cf_calloc(size + 1, 1);
    if (size > 0)
        memcpy(text, data, size);
    if (text[0] == 'F')
        failed = sf_store_search(store, text, &result, &fail);
    else
        failed = sf_store_query(store, text, NULL, &result, &fail);
    if ((failed == 0) != (result != NULL) || (failed != 0) != (fail.status != 0 && fail.code[0] != '\0'))
        abort();
    json_decref(result);
    json_decref(sf_fail_rest(&fail));
    sf_fail_done(&fail);
    free(text);
    return 0;
}

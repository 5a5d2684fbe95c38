/* SPDX-License-Identifier: Apache-2.0 */
/* record_rig - a store with one account, one contact of it and one case of that, for each test. */
#ifndef SF_RECORD_RIG_H
#define SF_RECORD_RIG_H

#include "store_rig.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct rig rig;
static char account[SF_ID_SIZE], contact[SF_ID_SIZE], ticket[SF_ID_SIZE];

static inline void must_create(const char *type, const char *body, char ret_id[SF_ID_SIZE])
{
    const char *code = rig_create(&rig, type, body, ret_id);

    ck_assert_msg(code == NULL, "%s: %s %s", body, code, rig.fail.message);
}

static inline void setup(void)
{
    rig_open(&rig);
    must_create("Account", "{\"Name\":\"Acme\",\"Legacy_Id__c\":\"A1\"}", account);
    must_create("Contact",
                "{\"LastName\":\"Archer\",\"FirstName\":\"Ann\",\"AccountId\":\"0015f0000000001\"}", contact);
    must_create("Case", "{\"Subject\":\"Broken\",\"ContactId\":\"0035f0000000001\"}", ticket);
}

static inline void teardown(void)
{
    rig_close(&rig);
}

static inline int update(const char *type, const char *id, const char *body)
{
    json_t *json = rig_json(body);
    int failed;

    sf_fail_done(&rig.fail);
    failed = sf_store_update(rig.store, type, id, json, &rig.fail);
    json_decref(json);
    return failed;
}

static inline void must_update(const char *type, const char *id, const char *body)
{
    ck_assert_msg(update(type, id, body) == 0, "%s: %s %s", body, rig.fail.code, rig.fail.message);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* soql_data - the few records that soql_test queries; each value in them serves some row. */
#ifndef SF_SOQL_DATA_H
#define SF_SOQL_DATA_H

#include "store_rig.h"

#define DAY_MS 86400000LL

static inline void soql_data_create(struct rig *rig, int64_t ago_days, const char *type, const char *body)
{
    int64_t now = rig->now_ms;
    const char *code;

    rig->now_ms -= ago_days * DAY_MS;
    code = rig_create(rig, type, body, NULL);
    rig->now_ms = now;
    ck_assert_msg(code == NULL, "%s: %s %s", body, code, rig->fail.message);
}

static inline void soql_data_fill(struct rig *rig)
{
    static const struct {
        int64_t ago_days;
        const char *type, *body;
    } rows[] = {
        {8, "Account",
         "{\"Name\":\"Acme\",\"Tier__c\":\"Gold\",\"Phone\":\"(520) 773-9050\",\"NumberOfEmployees\":100}"},
        {8, "Account",
         "{\"Name\":\"acme "
         "east\",\"Tier__c\":\"Silver\",\"NumberOfEmployees\":50,\"ParentId\":\"0015f0000000001\"}"},
        {8, "Account", "{\"Name\":\"\\u017bubr 100%\"}"},
        {8, "Account", "{\"Name\":\"O'Neil_Co\\\\x\",\"Tier__c\":\"Bronze\",\"NumberOfEmployees\":7}"},
        {3, "Contact",
         "{\"FirstName\":\"Ann\",\"LastName\":\"Archer\",\"AccountId\":\"0015f0000000001\","
         "\"MobilePhone\":\"+1 520 773 9050\",\"Email\":\"ann@acme.example\"}"},
        {3, "Contact",
         "{\"FirstName\":\"Bob\",\"LastName\":\"Baker\",\"AccountId\":\"0015f0000000001\","
         "\"Phone\":\"520.773.9050\",\"Birthdate\":\"1980-05-01\"}"},
        {3, "Contact",
         "{\"FirstName\":\"Cy\",\"LastName\":\"\\u00c9lan\",\"AccountId\":\"0015f0000000002\",\"DoNotCall\":"
         "true}"},
        {3, "Contact", "{\"FirstName\":\"Di\",\"LastName\":\"Orphan\"}"},
        {1, "Case",
         "{\"Subject\":\"Broken\",\"ContactId\":\"0035f0000000001\",\"Priority\":\"High\",\"Comments\":"
         "\"called\"}"},
        {29, "Case",
         "{\"Subject\":\"Solved\",\"ContactId\":\"0035f0000000001\",\"Priority\":\"Low\",\"Status\":"
         "\"Closed\"}"},
        {0, "Case", "{\"Subject\":\"Slow\",\"ContactId\":\"0035f0000000002\",\"Status\":\"Working\"}"},
        {322, "Case", "{\"Subject\":\"Old\",\"AccountId\":\"0015f0000000002\",\"Priority\":\"High\"}"},
        {0, "Task",
         "{\"Subject\":\"Call\",\"WhoId\":\"0035f0000000001\",\"WhatId\":\"5005f0000000001\","
         "\"ActivityDate\":\"2026-11-24\",\"Status\":\"Completed\"}"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        soql_data_create(rig, rows[i].ago_days, rows[i].type, rows[i].body);
}

#endif

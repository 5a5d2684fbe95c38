/* SPDX-License-Identifier: Apache-2.0 */
/*
 * org - how this org differs from the schema table: fields that it hides, custom fields that an administrator
 * added, Person Accounts. The schema is the process's, so one process is one org.
 */
#ifndef SF_ORG_H
#define SF_ORG_H

#include "store.h"

/**
 * Adds a custom field: {"object", "name": "Queue__c", "type": string (default), phone, email, textarea,
 * boolean, int, double, date, datetime or picklist, "length", "externalId", "unique", "values": "A|B"}. A
 * file keeps it.
 */
CF_CHECKED int sf_org_add_field(struct sf_store *store, json_t *field, struct sf_fail *fail);
/** The org has no such field, for reading and writing, until it is shown again; its values stay. */
CF_CHECKED int sf_org_hide_field(struct sf_store *store, const char *object, const char *field, bool hidden,
                                 struct sf_fail *fail);
/** Shows all fields again. Returns how many. */
size_t sf_org_show_all(struct sf_store *store);
/** {"hidden": ["Contact.MobilePhone"], "custom": ["Task.Callfleet_Call_Id__c"], "person_accounts": false} */
json_t *sf_org_json(struct sf_store *store);
/** Off at first. Person Accounts stay accounts with a contact when it is switched off again. */
void sf_org_person_accounts(struct sf_store *store, bool on);
/** Takes the custom fields of an opened file over. */
void sf_org_load(struct sf_store *store);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Duplicate rules, as an org may have switched them on: a new contact, lead or account that looks like
 * another is refused with the record that it matches, unless the rule only warns and the client says
 * allowSave=true.
 */
#include <stdio.h>

#include "record.h"

#define MATCHES_MAX 5

/* The fields that must be equal, all of a line. */
static const struct {
    const char *object, *rule, *field[2];
} lines[] = {
    {"Contact", "Standard_Contact_Duplicate_Rule", {"Email", NULL}},
    {"Contact", "Standard_Contact_Duplicate_Rule", {"Name", "Phone"}},
    {"Contact", "Standard_Contact_Duplicate_Rule", {"Name", "MobilePhone"}},
    {"Lead", "Standard_Lead_Duplicate_Rule", {"Email", NULL}},
    {"Lead", "Standard_Lead_Duplicate_Rule", {"Name", "Phone"}},
    {"Account", "Standard_Account_Duplicate_Rule", {"Name", "Phone"}},
};

static json_t *value_of(const struct sf_row *row, const char *name)
{
    const struct sf_field *field = name ? sf_field_find(row->object, cf_str_of(name)) : NULL;

    return field ? row->value[field - row->object->fields] : NULL;
}

static json_t *match_json(const struct sf_store *store, const struct sf_row *row, const char *id)
{
    return json_pack("{s:[],s:{s:{s:s,s:o},s:s},s:f,s:[]}", "fieldDiffs", "record", "attributes", "type",
                     row->object->name, "url",
                     json_sprintf("/services/data/%s/sobjects/%s/%s", store->version, row->object->name, id),
                     "Id", id, "matchConfidence", 100.0, "additionalInformation");
}

/* The records that line `at` finds; an empty array for none. */
static json_t *matches(struct sf_store *store, const struct sf_row *row, size_t at)
{
    json_t *list = json_array();
    const char *second = lines[at].field[1];
    sqlite3_stmt *stmt;
    char sql[240];

    (void)snprintf(sql, sizeof(sql),
                   "SELECT Id FROM \"o_%s\" WHERE \"%s\" = ?1 AND \"%s\" = ?2 AND Id <> ?3 AND IsDeleted = 0 "
                   "LIMIT %d",
                   row->object->name, lines[at].field[0], second ? second : lines[at].field[0], MATCHES_MAX);
    stmt = sf_db_prepare(store, sql);
    sf_value_bind(stmt, 1, value_of(row, lines[at].field[0]));
    sf_value_bind(stmt, 2, value_of(row, second ? second : lines[at].field[0]));
    sf_db_bind(stmt, 3, row->id);
    while (sf_db_step(store, stmt))
        json_array_append_new(list, match_json(store, row, (const char *)sqlite3_column_text(stmt, 0)));
    sf_db_release(store, stmt);
    return list;
}

static int refuse(const struct sf_store *store, const struct sf_row *row, size_t at, json_t *records,
                  struct sf_fail *fail)
{
    static const char message[] = "Use one of these records?";
    json_t *result = json_pack("{s:b,s:s,s:s,s:s,s:[{s:s,s:s,s:[],s:O,s:s,s:i,s:b}]}", "allowSave",
                               (int)(store->duplicate_rule == SF_DUPLICATE_WARN), "duplicateRule",
                               lines[at].rule, "duplicateRuleEntityType", row->object->name, "errorMessage",
                               message, "matchResults", "entityType", row->object->name, "matchEngine",
                               "ExactMatchEngine", "errors", "matchRecords", records, "rule", lines[at].rule,
                               "size", (int)json_array_size(records), "success", 1);

    (void)sf_fail_set(fail, 400, "DUPLICATES_DETECTED", NULL, "%s", message);
    fail->body = json_pack("[{s:s,s:s,s:[],s:o}]", "message", message, "errorCode", "DUPLICATES_DETECTED",
                           "fields", "duplicateResult", result);
    return -1;
}

int sf_duplicate_check(struct sf_store *store, const struct sf_row *row, struct sf_fail *fail)
{
    if (store->duplicate_rule == SF_DUPLICATE_OFF ||
        (store->duplicate_rule == SF_DUPLICATE_WARN && store->duplicates_allowed))
        return 0;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        json_t *records;
        int failed = 0;

        if (strcmp(lines[i].object, row->object->name) != 0 ||
            !json_is_string(value_of(row, lines[i].field[0])) ||
            (lines[i].field[1] && !json_is_string(value_of(row, lines[i].field[1]))))
            continue;
        records = matches(store, row, i);
        if (json_array_size(records) > 0)
            failed = refuse(store, row, i, records, fail);
        json_decref(records);
        if (failed)
            return -1;
    }
    return 0;
}

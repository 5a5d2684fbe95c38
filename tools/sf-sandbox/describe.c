/* SPDX-License-Identifier: Apache-2.0 */
/* describe: the schema table in Salesforce's form. */
#include <stdio.h>

#include "store_priv.h"

#define MAX_BATCH 200
#define RECENT_MAX 10

static void set_flag(json_t *object, const char *name, bool value)
{
    json_object_set_new(object, name, json_boolean(value));
}

static void set_text(json_t *object, const char *name, const char *text)
{
    json_object_set_new(object, name, text ? json_string(text) : json_null());
}

static json_t *picklist(const struct sf_field *field)
{
    json_t *list = json_array();

    for (const char *p = field->values; p; p = strchr(p, '|')) {
        struct cf_str value;
        json_t *entry = json_object();

        p += *p == '|';
        value = (struct cf_str){p, strcspn(p, "|")};
        set_flag(entry, "active", true);
        set_flag(entry, "defaultValue", field->initial && cf_str_is(value, field->initial));
        json_object_set_new(entry, "label", json_stringn(value.p, value.n));
        set_text(entry, "validFor", NULL);
        json_object_set_new(entry, "value", json_stringn(value.p, value.n));
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *reference_to(const struct sf_field *field)
{
    json_t *list = json_array();

    for (const char *p = field->refs; p; p = strchr(p, ',')) {
        p += *p == ',';
        json_array_append_new(list, json_stringn(p, strcspn(p, ",")));
    }
    return list;
}

static const char *soap_type(const struct sf_field *field)
{
    switch (field->type) {
    case SF_T_ID:
    case SF_T_REFERENCE:
        return "tns:ID";
    case SF_T_BOOLEAN:
        return "xsd:boolean";
    case SF_T_INT:
        return "xsd:int";
    case SF_T_DOUBLE:
        return "xsd:double";
    case SF_T_DATE:
        return "xsd:date";
    case SF_T_DATETIME:
        return "xsd:dateTime";
    case SF_T_STRING:
    case SF_T_PHONE:
    case SF_T_EMAIL:
    case SF_T_PICKLIST:
    case SF_T_TEXTAREA:
        break;
    }
    return "xsd:string";
}

static json_t *describe_field(const struct sf_field *field)
{
    unsigned flags = field->flags;
    json_t *object = json_object();

    set_text(object, "name", field->name);
    set_text(object, "label", field->label);
    set_text(object, "type", field->type == SF_T_TEXTAREA ? "textarea" : sf_type_label(field->type));
    set_text(object, "soapType", soap_type(field));
    json_object_set_new(object, "length", json_integer(field->length));
    json_object_set_new(object, "byteLength", json_integer((json_int_t)field->length * 3));
    set_flag(object, "createable", (flags & SF_CREATE) != 0);
    set_flag(object, "updateable", (flags & SF_UPDATE) != 0);
    set_flag(object, "nillable",
             !(flags & SF_REQUIRED) && field->type != SF_T_BOOLEAN && field->type != SF_T_ID);
    set_flag(object, "defaultedOnCreate", field->initial || field->type == SF_T_BOOLEAN);
    set_flag(object, "filterable", !(flags & (SF_LONG | SF_WRITE_ONLY)));
    set_flag(object, "sortable", !(flags & (SF_LONG | SF_WRITE_ONLY)));
    set_flag(object, "groupable", !(flags & (SF_LONG | SF_WRITE_ONLY)) && field->type != SF_T_DATETIME);
    set_flag(object, "nameField", (flags & SF_NAME_FIELD) != 0);
    set_flag(object, "externalId", (flags & SF_EXTERNAL_ID) != 0);
    set_flag(object, "idLookup", (flags & SF_ID_LOOKUP) != 0);
    set_flag(object, "unique", (flags & SF_UNIQUE) != 0);
    set_flag(object, "caseSensitive", false);
    set_flag(object, "custom", (flags & SF_CUSTOM) != 0);
    set_flag(object, "autoNumber", strcmp(field->name, "CaseNumber") == 0);
    set_flag(object, "calculated", field->via != NULL);
    set_flag(object, "restrictedPicklist", (flags & SF_RESTRICTED) != 0);
    json_object_set_new(object, "picklistValues", picklist(field));
    set_text(object, "relationshipName", field->relation);
    json_object_set_new(object, "referenceTo", reference_to(field));
    set_text(object, "defaultValue", NULL);
    return object;
}

/* What describe and the list of all objects have in common. */
static json_t *describe_object(const struct sf_store *store, const struct sf_object *object)
{
    json_t *description = json_object(), *urls = json_object();

    set_text(description, "name", object->name);
    set_text(description, "label", object->label);
    set_text(description, "labelPlural", object->plural);
    set_text(description, "keyPrefix", object->prefix);
    set_flag(description, "createable", object->writable);
    set_flag(description, "updateable", object->writable);
    set_flag(description, "deletable", object->writable && strcmp(object->name, "User") != 0);
    set_flag(description, "queryable", true);
    set_flag(description, "retrieveable", true);
    set_flag(description, "searchable", object->searchable);
    set_flag(description, "custom", false);
    set_flag(description, "customSetting", false);
    set_flag(description, "layoutable", true);
    set_flag(description, "undeletable", false);
    json_object_set_new(urls, "sobject",
                        json_sprintf("/services/data/%s/sobjects/%s", store->version, object->name));
    json_object_set_new(urls, "describe",
                        json_sprintf("/services/data/%s/sobjects/%s/describe", store->version, object->name));
    json_object_set_new(urls, "rowTemplate",
                        json_sprintf("/services/data/%s/sobjects/%s/{ID}", store->version, object->name));
    json_object_set_new(description, "urls", urls);
    return description;
}

json_t *sf_store_describe_global(struct sf_store *store)
{
    json_t *all = json_object(), *list = json_array();

    set_text(all, "encoding", "UTF-8");
    json_object_set_new(all, "maxBatchSize", json_integer(MAX_BATCH));
    for (size_t i = 0; i < sf_n_objects; i++)
        json_array_append_new(list, describe_object(store, &sf_objects[i]));
    json_object_set_new(all, "sobjects", list);
    return all;
}

static json_t *child_relationships(const struct sf_object *object)
{
    json_t *list = json_array();

    for (size_t i = 0; i < sf_n_children; i++) {
        json_t *child;

        if (strcmp(sf_children[i].parent, object->name) != 0)
            continue;
        child = json_object();
        set_text(child, "childSObject", sf_children[i].child);
        set_text(child, "field", sf_children[i].field);
        set_text(child, "relationshipName", sf_children[i].relation);
        set_flag(child, "cascadeDelete", sf_children[i].cascade);
        json_array_append_new(list, child);
    }
    return list;
}

int sf_store_describe(struct sf_store *store, const char *type, json_t **ret_describe, struct sf_fail *fail)
{
    const struct sf_object *object = sf_need_object(type, fail);
    json_t *description, *fields;

    if (!object)
        return -1;
    description = describe_object(store, object);
    fields = json_array();
    for (size_t i = 0; i < object->n_fields; i++) {
        if (!(object->fields[i].flags & SF_HIDDEN))
            json_array_append_new(fields, describe_field(&object->fields[i]));
    }
    json_object_set_new(description, "fields", fields);
    json_object_set_new(description, "childRelationships", child_relationships(object));
    json_object_set_new(description, "recordTypeInfos", json_array());
    *ret_describe = description;
    return 0;
}

int sf_store_describe_basic(struct sf_store *store, const char *type, json_t **ret_describe,
                            struct sf_fail *fail)
{
    const struct sf_object *object = sf_need_object(type, fail);
    json_t *result = NULL, *basic;
    char soql[120] = "";

    if (!object)
        return -1;
    (void)snprintf(soql, sizeof(soql), "SELECT Id FROM %s ORDER BY LastModifiedDate DESC LIMIT %d",
                   object->name, RECENT_MAX);
    if (sf_store_query(store, soql, NULL, &result, fail) != 0)
        return -1;
    basic = json_object();
    json_object_set_new(basic, "objectDescribe", describe_object(store, object));
    json_object_set(basic, "recentItems", json_object_get(result, "records"));
    json_decref(result);
    *ret_describe = basic;
    return 0;
}

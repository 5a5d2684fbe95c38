/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* These macros make initializers, where arguments cannot stand in parentheses. */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
/* clang-format off */
#define TEXT(n, l, len, f) {.name = n, .label = l, .type = SF_T_STRING, .length = len, .flags = (f)}
#define PHONE(n, l, f) {.name = n, .label = l, .type = SF_T_PHONE, .length = 40, .flags = (f) | SF_INDEXED}
#define EMAIL(n, l, f) {.name = n, .label = l, .type = SF_T_EMAIL, .length = 80, .flags = (f) | SF_INDEXED}
#define AREA(n, l, len, f) {.name = n, .label = l, .type = SF_T_TEXTAREA, .length = len, .flags = (f) | SF_LONG}
#define PICK(n, l, f, v, d) \
    {.name = n, .label = l, .type = SF_T_PICKLIST, .length = 255, .flags = (f), .values = v, .initial = d}
#define REF(n, l, f, to, rel) \
    {.name = n, .label = l, .type = SF_T_REFERENCE, .length = 18, .flags = (f) | SF_INDEXED, .refs = to, .relation = rel}
#define OTHER(n, l, t, f) {.name = n, .label = l, .type = t, .flags = (f)}
#define VIA(n, l, t, len, path) {.name = n, .label = l, .type = t, .length = len, .via = path}
#define PERSON (SF_PERSON | SF_HIDDEN)
#define OWNER REF("OwnerId", "Owner ID", SF_RW, "User", "Owner")
/* First and last of every object. */
#define HEAD(l) {.name = "Id", .label = l " ID", .type = SF_T_ID, .length = 18, .flags = SF_ID_LOOKUP}, \
    OTHER("IsDeleted", "Deleted", SF_T_BOOLEAN, 0)
#define TAIL OTHER("CreatedDate", "Created Date", SF_T_DATETIME, 0), \
    REF("CreatedById", "Created By ID", 0, "User", "CreatedBy"), \
    OTHER("LastModifiedDate", "Last Modified Date", SF_T_DATETIME, 0), \
    REF("LastModifiedById", "Last Modified By ID", 0, "User", "LastModifiedBy"), \
    OTHER("SystemModstamp", "System Modstamp", SF_T_DATETIME, 0)
#define LEGACY_ID TEXT("Legacy_Id__c", "Legacy Id", 64, SF_RW | SF_EXTERNAL_ID | SF_ID_LOOKUP | SF_INDEXED | SF_CUSTOM)

static const struct sf_field account_fields[] = {
    HEAD("Account"),
    TEXT("Name", "Account Name", 255, SF_RW | SF_REQUIRED | SF_NAME_FIELD | SF_INDEXED),
    PICK("Type", "Account Type", SF_RW, "Prospect|Customer - Direct|Customer - Channel|Other", NULL),
    REF("ParentId", "Parent Account ID", SF_RW, "Account", "Parent"),
    TEXT("BillingStreet", "Billing Street", 255, SF_RW),
    TEXT("BillingCity", "Billing City", 40, SF_RW | SF_SEARCHABLE),
    TEXT("BillingPostalCode", "Billing Zip/Postal Code", 20, SF_RW),
    TEXT("BillingCountry", "Billing Country", 80, SF_RW),
    PHONE("Phone", "Account Phone", SF_RW),
    PHONE("Fax", "Account Fax", SF_RW),
    TEXT("AccountNumber", "Account Number", 40, SF_RW | SF_SEARCHABLE),
    TEXT("Website", "Website", 255, SF_RW),
    PICK("Industry", "Industry", SF_RW, "Agriculture|Banking|Energy|Healthcare|Manufacturing|Retail|Technology|Transportation|Other", NULL),
    OTHER("NumberOfEmployees", "Employees", SF_T_INT, SF_RW),
    AREA("Description", "Account Description", 32000, SF_RW),
    OWNER,
    OTHER("LastActivityDate", "Last Activity", SF_T_DATE, 0),
    PICK("Tier__c", "Tier", SF_RW | SF_RESTRICTED | SF_CUSTOM, "Gold|Silver|Bronze", NULL),
    LEGACY_ID,
    OTHER("IsPersonAccount", "Is Person Account", SF_T_BOOLEAN, PERSON),
    REF("PersonContactId", "Contact ID", PERSON, "Contact", "PersonContact"),
    TEXT("FirstName", "First Name", 40, SF_RW | PERSON),
    TEXT("LastName", "Last Name", 80, SF_RW | PERSON),
    PHONE("PersonMobilePhone", "Mobile", SF_RW | PERSON),
    PHONE("PersonHomePhone", "Home Phone", SF_RW | PERSON),
    PHONE("PersonOtherPhone", "Other Phone", SF_RW | PERSON),
    PHONE("PersonAssistantPhone", "Asst. Phone", SF_RW | PERSON),
    EMAIL("PersonEmail", "Email", SF_RW | PERSON),
    TAIL,
};

static const struct sf_field contact_fields[] = {
    HEAD("Contact"),
    REF("AccountId", "Account ID", SF_RW, "Account", "Account"),
    TEXT("LastName", "Last Name", 80, SF_RW | SF_REQUIRED),
    TEXT("FirstName", "First Name", 40, SF_RW),
    PICK("Salutation", "Salutation", SF_RW, "Mr.|Ms.|Mrs.|Dr.|Prof.|Mx.", NULL),
    TEXT("Name", "Full Name", 121, SF_NAME_FIELD | SF_INDEXED),
    TEXT("MailingCity", "Mailing City", 40, SF_RW),
    TEXT("MailingCountry", "Mailing Country", 80, SF_RW),
    PHONE("Phone", "Business Phone", SF_RW),
    PHONE("Fax", "Business Fax", SF_RW),
    PHONE("MobilePhone", "Mobile Phone", SF_RW),
    PHONE("HomePhone", "Home Phone", SF_RW),
    PHONE("OtherPhone", "Other Phone", SF_RW),
    PHONE("AssistantPhone", "Asst. Phone", SF_RW),
    REF("ReportsToId", "Reports To ID", SF_RW, "Contact", "ReportsTo"),
    EMAIL("Email", "Email", SF_RW | SF_ID_LOOKUP),
    TEXT("Title", "Title", 128, SF_RW),
    TEXT("Department", "Department", 80, SF_RW),
    TEXT("AssistantName", "Assistant's Name", 40, SF_RW),
    OTHER("Birthdate", "Birthdate", SF_T_DATE, SF_RW),
    AREA("Description", "Contact Description", 32000, SF_RW),
    OWNER,
    OTHER("HasOptedOutOfEmail", "Email Opt Out", SF_T_BOOLEAN, SF_RW),
    OTHER("DoNotCall", "Do Not Call", SF_T_BOOLEAN, SF_RW),
    OTHER("LastActivityDate", "Last Activity", SF_T_DATE, 0),
    OTHER("IsPersonAccount", "Is Person Account", SF_T_BOOLEAN, PERSON),
    TEXT("Language__c", "Language", 12, SF_RW | SF_CUSTOM),
    LEGACY_ID,
    TAIL,
};

static const struct sf_field lead_fields[] = {
    HEAD("Lead"),
    TEXT("LastName", "Last Name", 80, SF_RW | SF_REQUIRED),
    TEXT("FirstName", "First Name", 40, SF_RW),
    PICK("Salutation", "Salutation", SF_RW, "Mr.|Ms.|Mrs.|Dr.|Prof.|Mx.", NULL),
    TEXT("Name", "Full Name", 121, SF_NAME_FIELD | SF_INDEXED),
    TEXT("Title", "Title", 128, SF_RW),
    TEXT("Company", "Company", 255, SF_RW | SF_REQUIRED | SF_SEARCHABLE),
    PHONE("Phone", "Phone", SF_RW),
    PHONE("MobilePhone", "Mobile Phone", SF_RW),
    PHONE("Fax", "Fax", SF_RW),
    EMAIL("Email", "Email", SF_RW | SF_ID_LOOKUP),
    AREA("Description", "Description", 32000, SF_RW),
    PICK("LeadSource", "Lead Source", SF_RW, "Web|Phone Inquiry|Partner Referral|Purchased List|Other", NULL),
    PICK("Status", "Status", SF_RW, "Open - Not Contacted|Working - Contacted|Closed - Converted|Closed - Not Converted", "Open - Not Contacted"),
    OWNER,
    OTHER("LastActivityDate", "Last Activity", SF_T_DATE, 0),
    OTHER("IsConverted", "Converted", SF_T_BOOLEAN, 0),
    TAIL,
};

static const struct sf_field case_fields[] = {
    HEAD("Case"),
    TEXT("CaseNumber", "Case Number", 30, SF_ID_LOOKUP | SF_NAME_FIELD | SF_INDEXED),
    REF("ContactId", "Contact ID", SF_RW, "Contact", "Contact"),
    REF("AccountId", "Account ID", SF_RW, "Account", "Account"),
    REF("ParentId", "Parent Case ID", SF_RW, "Case", "Parent"),
    TEXT("SuppliedName", "Name", 80, SF_RW | SF_SEARCHABLE),
    EMAIL("SuppliedEmail", "Email Address", SF_RW),
    PHONE("SuppliedPhone", "Phone", SF_RW),
    TEXT("SuppliedCompany", "Company", 80, SF_RW | SF_SEARCHABLE),
    PICK("Type", "Case Type", SF_RW, "Mechanical|Electrical|Electronic|Structural|Other", NULL),
    PICK("Status", "Status", SF_RW, "New|Working|Escalated|Closed", "New"),
    PICK("Reason", "Case Reason", SF_RW, "Installation|Equipment Complexity|Performance|Breakdown|Feedback|Other", NULL),
    PICK("Origin", "Case Origin", SF_RW, "Phone|Email|Web", NULL),
    TEXT("Subject", "Subject", 255, SF_RW | SF_SEARCHABLE),
    PICK("Priority", "Priority", SF_RW, "High|Medium|Low", "Medium"),
    AREA("Description", "Description", 32000, SF_RW | SF_SEARCHABLE),
    OTHER("IsClosed", "Closed", SF_T_BOOLEAN, 0),
    OTHER("ClosedDate", "Closed Date", SF_T_DATETIME, 0),
    OTHER("IsEscalated", "Escalated", SF_T_BOOLEAN, SF_RW),
    OWNER,
    VIA("ContactPhone", "Contact Phone", SF_T_PHONE, 40, "Contact.Phone"),
    VIA("ContactMobile", "Contact Mobile", SF_T_PHONE, 40, "Contact.MobilePhone"),
    VIA("ContactEmail", "Contact Email", SF_T_EMAIL, 80, "Contact.Email"),
    VIA("ContactFax", "Contact Fax", SF_T_PHONE, 40, "Contact.Fax"),
    AREA("Comments", "Internal Comments", 4000, SF_RW | SF_WRITE_ONLY),
    TAIL,
};

static const struct sf_field case_comment_fields[] = {
    HEAD("Case Comment"),
    REF("ParentId", "Parent Case ID", SF_CREATE | SF_REQUIRED, "Case", "Parent"),
    OTHER("IsPublished", "Published", SF_T_BOOLEAN, SF_RW),
    /* filterable, though long: clients look for their marker in it */
    {.name = "CommentBody", .label = "Body", .type = SF_T_TEXTAREA, .length = 4000, .flags = SF_RW},
    TAIL,
};

static const struct sf_field task_fields[] = {
    HEAD("Activity"),
    REF("WhoId", "Name ID", SF_RW, "Contact,Lead", "Who"),
    REF("WhatId", "Related To ID", SF_RW, "Account,Case", "What"),
    TEXT("Subject", "Subject", 255, SF_RW | SF_NAME_FIELD),
    OTHER("ActivityDate", "Due Date Only", SF_T_DATE, SF_RW),
    PICK("Status", "Status", SF_RW, "Not Started|In Progress|Completed|Waiting on someone else|Deferred", "Not Started"),
    PICK("Priority", "Priority", SF_RW, "High|Normal|Low", "Normal"),
    OTHER("IsHighPriority", "High Priority", SF_T_BOOLEAN, 0),
    OWNER,
    AREA("Description", "Description", 32000, SF_RW),
    PICK("Type", "Type", SF_RW, "Call|Email|Meeting|Other", NULL),
    REF("AccountId", "Account ID", 0, "Account", "Account"),
    OTHER("IsClosed", "Closed", SF_T_BOOLEAN, 0),
    OTHER("CallDurationInSeconds", "Call Duration", SF_T_INT, SF_RW),
    PICK("CallType", "Call Type", SF_RW | SF_RESTRICTED, "Internal|Inbound|Outbound", NULL),
    TEXT("CallDisposition", "Call Result", 255, SF_RW),
    TEXT("CallObject", "Call Object Identifier", 255, SF_RW | SF_INDEXED),
    PICK("TaskSubtype", "Task Subtype", SF_CREATE | SF_RESTRICTED, "Task|Email|ListEmail|Call|Cadence|LinkedIn", "Task"),
    OTHER("CompletedDateTime", "Completed Date", SF_T_DATETIME, 0),
    TEXT("Callfleet_Call_Id__c", "Callfleet Call Id", 128, SF_RW | SF_EXTERNAL_ID | SF_UNIQUE | SF_ID_LOOKUP | SF_INDEXED | SF_CUSTOM),
    TAIL,
};

static const struct sf_field user_fields[] = {
    HEAD("User"),
    TEXT("Username", "Username", 80, SF_RW | SF_REQUIRED | SF_UNIQUE | SF_ID_LOOKUP | SF_INDEXED),
    TEXT("LastName", "Last Name", 80, SF_RW | SF_REQUIRED),
    TEXT("FirstName", "First Name", 40, SF_RW),
    TEXT("Name", "Full Name", 121, SF_NAME_FIELD | SF_INDEXED),
    EMAIL("Email", "Email", SF_RW),
    PHONE("Phone", "Phone", SF_RW),
    PHONE("MobilePhone", "Cell", SF_RW),
    TEXT("Alias", "Alias", 8, SF_RW),
    OTHER("IsActive", "Active", SF_T_BOOLEAN, SF_RW),
    TEXT("TimeZoneSidKey", "Time Zone", 40, SF_RW),
    TEXT("LocaleSidKey", "Locale", 40, SF_RW),
    TEXT("LanguageLocaleKey", "Language", 40, SF_RW),
    PICK("UserType", "User Type", 0, "Standard", "Standard"),
    TAIL,
};

static const struct sf_field organization_fields[] = {
    HEAD("Organization"),
    TEXT("Name", "Name", 80, SF_NAME_FIELD),
    PICK("OrganizationType", "Edition", 0, "Developer Edition", "Developer Edition"),
    TEXT("InstanceName", "Instance Name", 5, 0),
    OTHER("IsSandbox", "Is Sandbox", SF_T_BOOLEAN, 0),
    TEXT("NamespacePrefix", "Namespace Prefix", 15, 0),
    TEXT("LanguageLocaleKey", "Language", 40, 0),
    TEXT("TimeZoneSidKey", "Time Zone", 40, 0),
    TAIL,
};

static const struct sf_field name_fields[] = {
    {.name = "Id", .label = "Id", .type = SF_T_ID, .length = 18},
    TEXT("Name", "Name", 255, SF_NAME_FIELD),
    PICK("Type", "Type", 0, "Account|Case|Contact|Lead|User", NULL),
};

#define OBJECT(n, l, p, prefix_, array, search, write) \
    {.name = n, .label = l, .plural = p, .prefix = prefix_, .fields = array, .n_fields = COUNT(array), \
     .searchable = search, .writable = write}

/* NOLINTEND(bugprone-macro-parentheses) */

struct sf_object sf_objects[] = {
    OBJECT("Account", "Account", "Accounts", "001", account_fields, true, true),
    OBJECT("Contact", "Contact", "Contacts", "003", contact_fields, true, true),
    OBJECT("Lead", "Lead", "Leads", "00Q", lead_fields, true, true),
    OBJECT("Case", "Case", "Cases", "500", case_fields, true, true),
    OBJECT("CaseComment", "Case Comment", "Case Comments", "00a", case_comment_fields, false, true),
    OBJECT("Task", "Task", "Tasks", "00T", task_fields, true, true),
    OBJECT("User", "User", "Users", "005", user_fields, true, true),
    OBJECT("Organization", "Organization", "Organizations", "00D", organization_fields, false, false),
};
const size_t sf_n_objects = COUNT(sf_objects);

static const struct sf_object name_object = OBJECT("Name", "Name", "Names", "", name_fields, false, false);

const struct sf_child sf_children[] = {
    {"Account", "ChildAccounts", "Account", "ParentId", false},
    {"Account", "Contacts", "Contact", "AccountId", true},
    {"Account", "Cases", "Case", "AccountId", false},
    {"Account", "Tasks", "Task", "WhatId", true},
    {"Contact", "Cases", "Case", "ContactId", false},
    {"Contact", "Tasks", "Task", "WhoId", false},
    {"Lead", "Tasks", "Task", "WhoId", false},
    {"Case", "Cases", "Case", "ParentId", false},
    {"Case", "CaseComments", "CaseComment", "ParentId", true},
    {"Case", "Tasks", "Task", "WhatId", true},
};
const size_t sf_n_children = COUNT(sf_children);
/* clang-format on */

/* The fields of objects that differ from the table. */
static struct sf_field changed[COUNT(sf_objects)][SF_FIELDS_MAX];

static struct sf_field *writable_fields(const struct sf_object *object)
{
    size_t at = (size_t)(object - sf_objects);

    if (object->fields != changed[at]) {
        memcpy(changed[at], object->fields, object->n_fields * sizeof(object->fields[0]));
        sf_objects[at].fields = changed[at];
    }
    return changed[at];
}

const struct sf_field *sf_schema_add(const struct sf_object *object, const struct sf_field *field)
{
    struct sf_field *fields = writable_fields(object);
    size_t n = object->n_fields;

    if (n == SF_FIELDS_MAX)
        return NULL;
    fields[n] = *field;
    sf_objects[object - sf_objects].n_fields++;
    return &fields[n];
}

void sf_schema_flag(const struct sf_object *object, size_t at, unsigned flag, bool on)
{
    struct sf_field *field = &writable_fields(object)[at];

    field->flags = on ? field->flags | flag : field->flags & ~flag;
}

const struct sf_object *sf_object_find(struct cf_str name)
{
    for (size_t i = 0; i < sf_n_objects; i++) {
        if (cf_str_eq_nocase(name, cf_str_of(sf_objects[i].name))) {
            return &sf_objects[i];
        }
    }
    return NULL;
}

const struct sf_object *sf_object_of_prefix(const char *id)
{
    for (size_t i = 0; i < sf_n_objects; i++) {
        if (strncmp(id, sf_objects[i].prefix, 3) == 0) {
            return &sf_objects[i];
        }
    }
    return NULL;
}

const struct sf_object *sf_object_name(void)
{
    return &name_object;
}

const struct sf_field *sf_field_find(const struct sf_object *object, struct cf_str name)
{
    for (size_t i = 0; i < object->n_fields; i++) {
        if (!(object->fields[i].flags & SF_HIDDEN) &&
            cf_str_eq_nocase(name, cf_str_of(object->fields[i].name))) {
            return &object->fields[i];
        }
    }
    return NULL;
}

const struct sf_field *sf_field_of_relation(const struct sf_object *object, struct cf_str name)
{
    for (size_t i = 0; i < object->n_fields; i++) {
        if (object->fields[i].relation && !(object->fields[i].flags & SF_HIDDEN) &&
            cf_str_eq_nocase(name, cf_str_of(object->fields[i].relation))) {
            return &object->fields[i];
        }
    }
    return NULL;
}

const struct sf_object *sf_field_target(const struct sf_field *field)
{
    const struct sf_object *target = sf_object_find(cf_str_of(field->refs));

    return target ? target : &name_object;
}

bool sf_field_refers_to(const struct sf_field *field, const struct sf_object *object)
{
    size_t n = strlen(object->name);

    for (const char *p = field->refs; p; p = strchr(p, ',')) {
        p += *p == ',';
        if (strncmp(p, object->name, n) == 0 && (p[n] == ',' || p[n] == '\0')) {
            return true;
        }
    }
    return false;
}

const struct sf_child *sf_child_find(const struct sf_object *parent, struct cf_str relation)
{
    for (size_t i = 0; i < sf_n_children; i++) {
        if (strcmp(sf_children[i].parent, parent->name) == 0 &&
            cf_str_eq_nocase(relation, cf_str_of(sf_children[i].relation))) {
            return &sf_children[i];
        }
    }
    return NULL;
}

const char *sf_type_label(enum sf_type type)
{
    static const char *const labels[] = {
        [SF_T_ID] = "id",
        [SF_T_REFERENCE] = "reference",
        [SF_T_STRING] = "string",
        [SF_T_PHONE] = "phone",
        [SF_T_EMAIL] = "email",
        [SF_T_PICKLIST] = "picklist",
        [SF_T_TEXTAREA] = "textarea",
        [SF_T_BOOLEAN] = "boolean",
        [SF_T_INT] = "int",
        [SF_T_DOUBLE] = "double",
        [SF_T_DATE] = "date",
        [SF_T_DATETIME] = "datetime",
    };

    return labels[type];
}

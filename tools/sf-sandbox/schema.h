/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema - which objects and fields the sandbox has; one table, read by every other part.
 *
 * Vocabulary: a *reference* field holds the id of a parent, its *relation* is the name that paths use for
 * that parent (Contact.Account); a *child relation* is the other direction (Account.Contacts). A field with
 * `via` is no column: it shows a field of a parent (Case.ContactPhone is Contact.Phone). The pseudo object
 * "Name" stands for parents of more than one type (Task.Who) and has only Id, Name and Type.
 */
#ifndef SF_SCHEMA_H
#define SF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "str/str.h"

enum sf_type {
    SF_T_ID,
    SF_T_REFERENCE,
    SF_T_STRING,
    SF_T_PHONE,
    SF_T_EMAIL,
    SF_T_PICKLIST,
    SF_T_TEXTAREA,
    SF_T_BOOLEAN,
    SF_T_INT,
    SF_T_DOUBLE,
    SF_T_DATE,     /* stored as milliseconds of its midnight, UTC */
    SF_T_DATETIME, /* stored as milliseconds */
};

enum {
    SF_CREATE = 1 << 0,
    SF_UPDATE = 1 << 1,
    SF_REQUIRED = 1 << 2,
    SF_LONG = 1 << 3,       /* neither filterable nor sortable */
    SF_WRITE_ONLY = 1 << 4, /* reads as null */
    SF_EXTERNAL_ID = 1 << 5,
    SF_UNIQUE = 1 << 6, /* without case */
    SF_ID_LOOKUP = 1 << 7,
    SF_NAME_FIELD = 1 << 8,  /* the record's name: NAME FIELDS of a search */
    SF_SEARCHABLE = 1 << 9,  /* ALL FIELDS; names, phones and e-mail addresses are searchable anyway */
    SF_RESTRICTED = 1 << 10, /* picklist takes the listed values only */
    SF_INDEXED = 1 << 11,
    SF_CUSTOM = 1 << 12,
    SF_HIDDEN = 1 << 13, /* this org has no such field: sf_field_find() does not find it */
    SF_PERSON = 1 << 14, /* hidden unless Person Accounts are on */
    SF_RW = SF_CREATE | SF_UPDATE,
};

struct sf_field {
    const char *name, *label;
    enum sf_type type;
    unsigned length; /* characters; 0 where it has no meaning */
    unsigned flags;
    const char *refs;     /* REFERENCE: "Account" or "Contact,Lead" */
    const char *relation; /* REFERENCE: "Account", "Who" */
    const char *values;   /* PICKLIST: "High|Medium|Low" */
    const char *initial;  /* default of an insert, NULL: none */
    const char *via;      /* "Contact.Phone" */
};

struct sf_object {
    const char *name, *label, *plural, *prefix;
    const struct sf_field *fields;
    size_t n_fields;
    bool searchable;
    bool writable;
};

struct sf_child {
    const char *parent, *relation, *child, *field;
    bool cascade; /* deleting the parent deletes the children */
};

#define SF_FIELDS_MAX 64 /* of one object */
/* Changed by sf_schema_add() and sf_schema_flag() only. */
extern struct sf_object sf_objects[];
extern const size_t sf_n_objects;
extern const struct sf_child sf_children[];
extern const size_t sf_n_children;

/** Adds a field behind the others (its texts stay the caller's); NULL when the object has SF_FIELDS_MAX. */
const struct sf_field *sf_schema_add(const struct sf_object *object, const struct sf_field *field);
/** Sets or clears a flag of field `at`. */
void sf_schema_flag(const struct sf_object *object, size_t at, unsigned flag, bool on);
const struct sf_object *sf_object_find(struct cf_str name);
const struct sf_object *sf_object_of_prefix(const char *id);
/** The pseudo object of polymorphic parents. */
const struct sf_object *sf_object_name(void);
const struct sf_field *sf_field_find(const struct sf_object *object, struct cf_str name);
/** The reference field whose relation is `name`. */
const struct sf_field *sf_field_of_relation(const struct sf_object *object, struct cf_str name);
/** The object a reference leads to: "Name" when it can be several. */
const struct sf_object *sf_field_target(const struct sf_field *field);
bool sf_field_refers_to(const struct sf_field *field, const struct sf_object *object);
const struct sf_child *sf_child_find(const struct sf_object *parent, struct cf_str relation);

/** "string", "dateTime", ... as describe and error messages name it. */
const char *sf_type_label(enum sf_type type);
static inline bool sf_type_is_text(enum sf_type type)
{
    return type >= SF_T_STRING && type <= SF_T_TEXTAREA;
}
static inline bool sf_type_is_id(enum sf_type type)
{
    return type == SF_T_ID || type == SF_T_REFERENCE;
}

#endif

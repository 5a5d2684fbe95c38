/* SPDX-License-Identifier: Apache-2.0 */
/* record - one record in memory while it is written: the values of its columns in the order of the schema. */
#ifndef SF_RECORD_H
#define SF_RECORD_H

#include "store_priv.h"

#define SF_MAX_FIELDS SF_FIELDS_MAX
#define SF_ROW_SQL_BYTES ((size_t)8 << 10)

struct sf_row {
    const struct sf_object *object;
    char id[SF_ID_SIZE];
    json_t *value[SF_MAX_FIELDS]; /* as columns hold them; NULL counts as null */
    uint64_t new_phones;          /* bit per field: a phone that this write changes */
    json_t *comment;              /* Case.Comments of this write */
};

/** The live record, or 404. Only object and id are filled. */
int sf_row_find(struct sf_store *store, const char *type, const char *id, struct sf_row *row,
                struct sf_fail *fail);
/** Reads the values of row->id; false when there is no such record. */
bool sf_row_load(struct sf_store *store, struct sf_row *row);
void sf_row_done(struct sf_row *row);

/* ---- person.c ---- */
/** An account with a LastName becomes a person, when the org has them: its Name follows. */
void sf_person_prepare(struct sf_store *store, struct sf_row *row);
/** Brings a saved person's contact in line. */
int sf_person_mirror(struct sf_store *store, const struct sf_row *row, struct sf_fail *fail);

/* ---- duplicate.c ---- */
/** A derived new record against the duplicate rules: DUPLICATES_DETECTED. */
int sf_duplicate_check(struct sf_store *store, const struct sf_row *row, struct sf_fail *fail);

/* ---- derive.c ---- */
/** What an insert starts from: initial values, owner, audit fields, numbers. */
void sf_row_defaults(struct sf_store *store, struct sf_row *row);
/** What Salesforce computes from the rest: full names, IsClosed, accounts, modification stamps. */
void sf_row_derive(struct sf_store *store, struct sf_row *row, bool creating);

#endif

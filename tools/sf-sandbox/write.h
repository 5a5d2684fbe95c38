/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write - the one way to the store for all that changes records: fault rule for records, row locks, the write
 * itself, and the note of what was committed.
 */
#ifndef SB_WRITE_H
#define SB_WRITE_H

#include "sandbox.h"

enum sb_write_kind { SB_CREATE, SB_UPDATE, SB_DELETE_RECORD, SB_UPSERT };

struct sb_write {
    enum sb_write_kind kind;
    const char *type;
    const char *id;            /* update and delete */
    const char *field, *value; /* upsert */
    json_t *body;              /* borrowed; not for delete */
    bool update_only;
};

struct sb_written {
    char id[SF_ID_SIZE];
    bool created;
};

/** Under sb_store_take(). -1 with `fail` filled; nothing has changed then. */
CF_CHECKED int sb_write(struct sb_context *context, const struct sb_write *write,
                        struct sb_written *ret_written, struct sf_fail *fail);

/** Begins a unit that is kept or undone as a whole, with its notes of commits. Returns what end needs. */
size_t sb_unit_begin(struct sb_context *context);
void sb_unit_end(struct sb_context *context, size_t mark, bool keep);

/** Fills a failure in the sandbox's own words. */
void sb_fail_set(struct sf_fail *fail, int status, const char *code, const char *message);

#endif

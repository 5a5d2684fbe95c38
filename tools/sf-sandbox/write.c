/* SPDX-License-Identifier: Apache-2.0 */
#include "write.h"

#include <strings.h>

#include "clock/clock.h"

#define LOCK_IDS_MAX 8

void sb_fail_set(struct sf_fail *fail, int status, const char *code, const char *message)
{
    *fail = (struct sf_fail){.status = status};
    (void)cf_str_copy(fail->code, sizeof(fail->code), cf_str_of(code));
    (void)cf_str_copy(fail->message, sizeof(fail->message), cf_str_of(message));
}

static int fail_by_rule(struct sb_context *context, struct sf_fail *fail)
{
    struct sb_fault_hit hit;

    if (context->fate.record_fault_id == 0 ||
        !sb_faults_record(context->sandbox->faults, context->fate.record_fault_id, &hit))
        return 0;
    sb_fail_set(fail, hit.status, hit.code[0] ? hit.code : "UNABLE_TO_LOCK_ROW",
                hit.message[0] ? hit.message : "unable to obtain exclusive access to this record");
    return -1;
}

/* The id that an upsert will hit, NULL when it inserts (or will fail). */
static const char *target_of(struct sf_store *store, const struct sb_write *write, char id[SF_ID_SIZE])
{
    struct sf_fail ignored = {0};

    if (write->kind != SB_UPSERT)
        return write->id;
    if (!write->value || !*write->value)
        return NULL;
    if (sf_store_find(store, write->type, write->field, write->value, id, &ignored)) {
        sf_fail_done(&ignored);
        return NULL;
    }
    return id;
}

static int take_locks(struct sb_context *context, const struct sb_write *write, struct sf_fail *fail)
{
    struct sandbox *sandbox = context->sandbox;
    char ids[LOCK_IDS_MAX][SF_ID_SIZE], target[SF_ID_SIZE];
    struct sb_locks_ask ask = {.owner = context->request_no,
                               .now_ns = context->now_ns,
                               .hold_ms = sb_setting(&sandbox->settings, SB_lock_hold_ms),
                               .wait_ms = sb_setting(&sandbox->settings, SB_lock_wait_ms),
                               .ids = ids};
    uint64_t done_ns;
    bool taken;

    if (!sb_locks_needed(sandbox->locks, ask.hold_ms, ask.now_ns))
        return 0;
    ask.count = sf_store_locks(sandbox->store, write->type, target_of(sandbox->store, write, target),
                               write->body, ids, LOCK_IDS_MAX);
    taken = sb_locks_take(sandbox->locks, &ask, &done_ns);
    sb_context_delay_until(context, done_ns);
    if (taken)
        return 0;
    sb_fail_set(fail, 400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record");
    return -1;
}

static int run(struct sf_store *store, const struct sb_write *write, struct sb_written *written,
               struct sf_fail *fail)
{
    struct sf_upsert upsert = {write->type, write->field, write->value, write->body, write->update_only};
    struct sf_upserted upserted;

    switch (write->kind) {
    case SB_CREATE:
        written->created = true;
        return sf_store_create(store, write->type, write->body, written->id, fail);
    case SB_UPDATE:
        return sf_store_update(store, write->type, write->id, write->body, fail);
    case SB_DELETE_RECORD:
        return sf_store_delete(store, write->type, write->id, fail);
    case SB_UPSERT:
        if (sf_store_upsert(store, &upsert, &upserted, fail))
            return -1;
        memcpy(written->id, upserted.id, sizeof(written->id));
        written->created = upserted.created;
        return 0;
    }
    return -1;
}

/* Comments of a case have made a record of their own. */
static void note_comment(struct sb_context *context, const struct sb_write *write, const char *parent)
{
    const char *id = sf_store_comment_made(context->sandbox->store), *key;
    json_t *value;

    if (!id)
        return;
    json_object_foreach(write->body, key, value)
    {
        if (strcasecmp(key, "Comments") == 0 && json_is_string(value))
            json_array_append_new(context->commits,
                                  json_pack("{s:s,s:s,s:s,s:I,s:{s:s,s:O}}", "id", id, "object",
                                            "CaseComment", "op", "created", "mono_ns",
                                            (json_int_t)cf_clock_mono_ns(), "fields", "ParentId", parent,
                                            "CommentBody", value));
    }
}

static void note(struct sb_context *context, const struct sb_write *write, const struct sb_written *written)
{
    const char *type = sf_store_type_name(write->type);
    const char *op = write->kind == SB_DELETE_RECORD ? "deleted" : written->created ? "created" : "updated";
    json_t *entry =
        json_pack("{s:s,s:s,s:s,s:I,s:O*}", "id", written->id, "object", type ? type : write->type, "op", op,
                  "mono_ns", (json_int_t)cf_clock_mono_ns(), "fields", write->body);

    if (write->kind == SB_UPSERT && write->value && *write->value)
        json_object_set_new(entry, "externalId", json_string(write->value));
    if (write->kind == SB_UPSERT && write->field)
        json_object_set_new(entry, "externalIdField", json_string(write->field));
    json_array_append_new(context->commits, entry);
    note_comment(context, write, written->id);
}

int sb_write(struct sb_context *context, const struct sb_write *write, struct sb_written *ret_written,
             struct sf_fail *fail)
{
    struct sb_written written = {.id = ""};

    if (write->id)
        (void)cf_str_copy(written.id, sizeof(written.id), cf_str_of(write->id));
    if (fail_by_rule(context, fail) || take_locks(context, write, fail) ||
        run(context->sandbox->store, write, &written, fail))
        return -1;
    note(context, write, &written);
    *ret_written = written;
    return 0;
}

size_t sb_unit_begin(struct sb_context *context)
{
    sf_store_begin(context->sandbox->store);
    return json_array_size(context->commits);
}

void sb_unit_end(struct sb_context *context, size_t mark, bool keep)
{
    if (keep) {
        sf_store_commit(context->sandbox->store);
        return;
    }
    sf_store_rollback(context->sandbox->store);
    while (json_array_size(context->commits) > mark)
        json_array_remove(context->commits, json_array_size(context->commits) - 1);
}

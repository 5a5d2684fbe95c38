/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <string.h>

static const struct row {
    const char *name;
    int64_t initial, lowest, highest;
} rows[SB_SETTING_COUNT] = {
#define X(name, initial, lowest, highest, meaning) {#name, initial, lowest, highest},
    SB_SETTINGS(X)
#undef X
};

void sb_settings_init(struct sb_settings *settings)
{
    for (size_t i = 0; i < SB_SETTING_COUNT; i++)
        atomic_store(&settings->values[i], rows[i].initial);
}

static const struct row *find(const char *name)
{
    for (size_t i = 0; i < SB_SETTING_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    return NULL;
}

int sb_settings_apply(struct sb_settings *settings, json_t *object, struct cf_err *err)
{
    const char *name;
    json_t *value;

    if (!json_is_object(object))
        return cf_err_set(err, CF_ERR_REJECTED, "settings", 0, "an object is needed");
    json_object_foreach(object, name, value)
    {
        const struct row *row = find(name);

        if (!row)
            return cf_err_set(err, CF_ERR_REJECTED, "settings", 0, "no setting '%.60s'", name);
        if (!json_is_integer(value) || json_integer_value(value) < row->lowest ||
            json_integer_value(value) > row->highest)
            return cf_err_set(err, CF_ERR_REJECTED, "settings", 0, "%s: a number from %lld to %lld is needed",
                              name, (long long)row->lowest, (long long)row->highest);
    }
    json_object_foreach(object, name, value)
    {
        const struct row *row = find(name);

        if (row)
            atomic_store(&settings->values[row - rows], json_integer_value(value));
    }
    return 0;
}

json_t *sb_settings_json(struct sb_settings *settings)
{
    json_t *object = json_object();

    for (size_t i = 0; i < SB_SETTING_COUNT; i++)
        json_object_set_new(object, rows[i].name, json_integer(atomic_load(&settings->values[i])));
    return object;
}

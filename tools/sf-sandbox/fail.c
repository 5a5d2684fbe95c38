/* SPDX-License-Identifier: Apache-2.0 */
/* Failures in Salesforce's two dialects. */
#include <stdarg.h>
#include <stdio.h>

#include "store_priv.h"

void sf_fail_done(struct sf_fail *fail)
{
    json_decref(fail->body);
    *fail = (struct sf_fail){0};
}

static json_t *field_list(const struct sf_fail *fail)
{
    json_t *list = json_array();
    const char *p = fail->fields;

    while (*p) {
        size_t n = strcspn(p, ",");

        json_array_append_new(list, json_stringn(p, n));
        p += n + (p[n] == ',');
    }
    return list;
}

/* Messages quote input, which may be cut inside a character. */
static json_t *message(const struct sf_fail *fail)
{
    char copy[sizeof(fail->message)];
    size_t n = strlen(fail->message);
    json_t *text = json_stringn(fail->message, n);

    memcpy(copy, fail->message, n);
    for (size_t i = 0; !text && i < n; i++) {
        if ((unsigned char)copy[i] >= 0x80)
            copy[i] = '?';
    }
    return text ? text : json_stringn(copy, n);
}

json_t *sf_fail_rest(const struct sf_fail *fail)
{
    json_t *error = json_object(), *list = json_array();

    if (fail->body) {
        json_decref(error);
        json_decref(list);
        return json_incref(fail->body);
    }
    json_object_set_new(error, "message", message(fail));
    json_object_set_new(error, "errorCode", json_string(fail->code));
    if (fail->fields[0])
        json_object_set_new(error, "fields", field_list(fail));
    json_array_append_new(list, error);
    return list;
}

json_t *sf_fail_save(const struct sf_fail *fail)
{
    json_t *error = json_object();

    json_object_set_new(error, "statusCode", json_string(fail->code));
    json_object_set_new(error, "message", message(fail));
    json_object_set_new(error, "fields", field_list(fail));
    return error;
}

int sf_fail_set(struct sf_fail *fail, int status, const char *code, const char *fields, const char *fmt, ...)
{
    va_list args;

    fail->status = status;
    (void)cf_str_copy(fail->code, sizeof(fail->code), cf_str_of(code));
    (void)cf_str_copy(fail->fields, sizeof(fail->fields), cf_str_of(fields));
    va_start(args, fmt);
    (void)vsnprintf(fail->message, sizeof(fail->message), fmt, args);
    va_end(args);
    return -1;
}

const struct sf_object *sf_need_object(const char *type, struct sf_fail *fail)
{
    const struct sf_object *object = sf_object_find(cf_str_of(type));

    if (!object)
        (void)sf_fail_set(fail, 404, "NOT_FOUND", NULL, "The requested resource does not exist");
    return object;
}

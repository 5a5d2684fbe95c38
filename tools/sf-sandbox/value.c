/* SPDX-License-Identifier: Apache-2.0 */
/* Values: from JSON to columns with Salesforce's checks, and back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock/clock.h"
#include "store_priv.h"

#define SECOND_MS 1000
#define DAY_MS 86400000LL

bool sf_time_parse(struct cf_str text, int64_t *ret_ms)
{
    char copy[64];
    size_t n = text.n;

    if (n < 6 || n > 40)
        return false;
    memcpy(copy, text.p, n);
    if ((copy[n - 5] == '+' || copy[n - 5] == '-') && n > 15) { /* +0000: RFC 3339 wants a colon */
        memmove(copy + n - 1, copy + n - 2, 2);
        copy[n - 2] = ':';
        n++;
    }
    return cf_clock_parse((struct cf_str){copy, n}, ret_ms);
}

void sf_time_format(int64_t ms, char ret_text[32])
{
    char text[CF_CLOCK_TEXT_SIZE];

    cf_clock_format(ms, text);
    (void)snprintf(ret_text, 32, "%.23s+0000", text);
}

json_t *sf_value_json(const struct sf_field *field, sqlite3_stmt *stmt, int column)
{
    char text[32];

    if (column < 0 || sqlite3_column_type(stmt, column) == SQLITE_NULL)
        return json_null();
    switch (field->type) {
    case SF_T_BOOLEAN:
        return json_boolean(sqlite3_column_int(stmt, column));
    case SF_T_INT:
        return json_integer(sqlite3_column_int64(stmt, column));
    case SF_T_DOUBLE:
        return json_real(sqlite3_column_double(stmt, column));
    case SF_T_DATE:
    case SF_T_DATETIME:
        sf_time_format(sqlite3_column_int64(stmt, column), text);
        return json_stringn(text, field->type == SF_T_DATE ? 10 : strlen(text));
    case SF_T_ID:
    case SF_T_REFERENCE:
    case SF_T_STRING:
    case SF_T_PHONE:
    case SF_T_EMAIL:
    case SF_T_PICKLIST:
    case SF_T_TEXTAREA:
        break;
    }
    return json_stringn((const char *)sqlite3_column_text(stmt, column),
                        (size_t)sqlite3_column_bytes(stmt, column));
}

/* ---- checks of a write ---- */

static const char *json_token_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "START_OBJECT";
    case JSON_ARRAY:
        return "START_ARRAY";
    case JSON_STRING:
        return "VALUE_STRING";
    case JSON_INTEGER:
        return "VALUE_NUMBER_INT";
    case JSON_REAL:
        return "VALUE_NUMBER_FLOAT";
    case JSON_TRUE:
        return "VALUE_TRUE";
    case JSON_FALSE:
        return "VALUE_FALSE";
    case JSON_NULL:
        break;
    }
    return "VALUE_NULL";
}

static int reject_json(const struct sf_field *field, const json_t *value, struct sf_fail *fail)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";

    return sf_fail_set(fail, 400, "JSON_PARSER_ERROR", field->name,
                       "Cannot deserialize instance of %s from %s value "
                       "%.100s",
                       sf_type_label(field->type), json_token_name(value), text);
}

static size_t characters(struct cf_str text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return n;
}

static bool in_list(const char *values, struct cf_str text, struct cf_str *ret_value)
{
    for (const char *p = values; p; p = strchr(p, '|')) {
        p += *p == '|';
        *ret_value = (struct cf_str){p, strcspn(p, "|")};
        if (cf_str_eq_nocase(*ret_value, text))
            return true;
    }
    return false;
}

static bool is_email(struct cf_str text)
{
    const char *at = memchr(text.p, '@', text.n);
    size_t before = at ? (size_t)(at - text.p) : 0;
    const char *dot = at ? memchr(at, '.', text.n - before) : NULL;

    return before > 0 && dot && dot > at + 1 && dot < text.p + text.n - 1 && !memchr(text.p, ' ', text.n) &&
           !memchr(at + 1, '@', text.n - before - 1);
}

static int check_text(const struct sf_field *field, struct cf_str text, json_t **ret_value,
                      struct sf_fail *fail)
{
    struct cf_str known;

    if (field->type != SF_T_TEXTAREA)
        text = cf_str_trim(text);
    if (text.n == 0) {
        *ret_value = json_null();
        return 0;
    }
    if (characters(text) > field->length)
        return sf_fail_set(fail, 400, "STRING_TOO_LONG", field->name,
                           "%s: data value too large: %.80s%s (max length=%u)", field->label, text.p,
                           text.n > 80 ? "..." : "", field->length);
    if (field->type == SF_T_EMAIL && !is_email(text))
        return sf_fail_set(fail, 400, "INVALID_EMAIL_ADDRESS", field->name, "%s: invalid email address: %.*s",
                           field->label, CF_STR_FMT(text));
    if (field->type == SF_T_PICKLIST && in_list(field->values, text, &known))
        text = known;
    else if (field->flags & SF_RESTRICTED)
        return sf_fail_set(fail, 400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", field->name,
                           "%s: bad value for restricted picklist field: %.*s", field->label,
                           CF_STR_FMT(text));
    *ret_value = json_stringn(text.p, text.n);
    return 0;
}

/* Numbers and booleans are taken for text, as Salesforce does; objects and arrays are not. */
static int check_scalar_text(const struct sf_field *field, json_t *value, json_t **ret_value,
                             struct sf_fail *fail)
{
    char number[40];

    if (json_is_object(value) || json_is_array(value))
        return reject_json(field, value, fail);
    if (json_is_string(value))
        return check_text(field, (struct cf_str){json_string_value(value), json_string_length(value)},
                          ret_value, fail);
    if (json_is_boolean(value))
        return check_text(field, cf_str_of(json_is_true(value) ? "true" : "false"), ret_value, fail);
    if (json_is_integer(value))
        (void)snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
    else
        (void)snprintf(number, sizeof(number), "%.17g", json_real_value(value));
    return check_text(field, cf_str_of(number), ret_value, fail);
}

static int check_reference(struct sf_store *store, const struct sf_field *field, json_t *value,
                           json_t **ret_value, struct sf_fail *fail)
{
    const char *text = json_string_value(value);
    const struct sf_object *object;
    char id[SF_ID_SIZE];
    bool deleted = false;

    if (!text)
        return reject_json(field, value, fail);
    if (text[0] == '\0') {
        *ret_value = json_null();
        return 0;
    }
    if (!sf_id_parse(cf_str_of(text), id))
        return sf_fail_set(fail, 400, "MALFORMED_ID", field->name, "%s: id value of incorrect type: %.60s",
                           field->label, text);
    object = sf_object_of_prefix(id);
    if (!object || !sf_field_refers_to(field, object))
        return sf_fail_set(fail, 400, "FIELD_INTEGRITY_EXCEPTION", field->name,
                           "%s: id value of incorrect type: %s", field->label, id);
    if (!sf_record_exists(store, object, id, &deleted))
        return deleted ? sf_fail_set(fail, 400, "ENTITY_IS_DELETED", field->name, "entity is deleted")
                       : sf_fail_set(fail, 400, "INVALID_CROSS_REFERENCE_KEY", field->name,
                                     "invalid cross reference id");
    *ret_value = json_string(id);
    return 0;
}

static int check_number(const struct sf_field *field, json_t *value, json_t **ret_value, struct sf_fail *fail)
{
    double number = json_number_value(value);
    char *end = NULL;

    if (json_is_string(value)) {
        number = strtod(json_string_value(value), &end);
        if (json_string_length(value) == 0 || *end != '\0')
            return reject_json(field, value, fail);
    } else if (!json_is_number(value)) {
        return reject_json(field, value, fail);
    }
    if (field->type == SF_T_DOUBLE) {
        *ret_value = json_real(number);
        return 0;
    }
    if (!(fabs(number) <= 2147483647.0) || number != floor(number))
        return reject_json(field, value, fail);
    *ret_value = json_integer((json_int_t)number);
    return 0;
}

static int check_time(const struct sf_field *field, json_t *value, json_t **ret_value, struct sf_fail *fail)
{
    const char *text = json_string_value(value);
    char copy[32];
    int64_t ms;

    if (!text)
        return reject_json(field, value, fail);
    if (text[0] == '\0') {
        *ret_value = json_null();
        return 0;
    }
    (void)snprintf(copy, sizeof(copy), "%.20sT00:00:00Z", text);
    if (!sf_time_parse(cf_str_of(strlen(text) == 10 ? copy : text), &ms))
        return reject_json(field, value, fail);
    if (field->type == SF_T_DATE)
        ms -= (ms % DAY_MS + DAY_MS) % DAY_MS;
    else
        ms -= (ms % SECOND_MS + SECOND_MS) % SECOND_MS; /* Salesforce keeps whole seconds */
    *ret_value = json_integer(ms);
    return 0;
}

int sf_value_check(struct sf_store *store, const struct sf_field *field, json_t *value, json_t **ret_value,
                   struct sf_fail *fail)
{
    if (json_is_null(value)) {
        *ret_value = field->type == SF_T_BOOLEAN ? json_false() : json_null();
        return 0;
    }
    switch (field->type) {
    case SF_T_REFERENCE:
        return check_reference(store, field, value, ret_value, fail);
    case SF_T_INT:
    case SF_T_DOUBLE:
        return check_number(field, value, ret_value, fail);
    case SF_T_DATE:
    case SF_T_DATETIME:
        return check_time(field, value, ret_value, fail);
    case SF_T_BOOLEAN:
        if (json_is_boolean(value))
            *ret_value = json_incref(value);
        else if (json_is_string(value) &&
                 cf_str_eq_nocase(cf_str_of(json_string_value(value)), CF_STR("true")))
            *ret_value = json_true();
        else if (json_is_string(value) &&
                 cf_str_eq_nocase(cf_str_of(json_string_value(value)), CF_STR("false")))
            *ret_value = json_false();
        else
            return reject_json(field, value, fail);
        return 0;
    case SF_T_ID:
    case SF_T_STRING:
    case SF_T_PHONE:
    case SF_T_EMAIL:
    case SF_T_PICKLIST:
    case SF_T_TEXTAREA:
        break;
    }
    return check_scalar_text(field, value, ret_value, fail);
}

void sf_value_bind(sqlite3_stmt *stmt, int at, json_t *value)
{
    if (json_is_string(value))
        (void)sqlite3_bind_text(stmt, at, json_string_value(value), (int)json_string_length(value),
                                SQLITE_TRANSIENT);
    else if (json_is_boolean(value))
        (void)sqlite3_bind_int(stmt, at, json_is_true(value));
    else if (json_is_integer(value))
        (void)sqlite3_bind_int64(stmt, at, json_integer_value(value));
    else if (json_is_real(value))
        (void)sqlite3_bind_double(stmt, at, json_real_value(value));
    else
        (void)sqlite3_bind_null(stmt, at);
}

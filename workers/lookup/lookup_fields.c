/* SPDX-License-Identifier: Apache-2.0 */
/* lookup_fields - which fields and objects are asked for: out of the configuration, and less what the org
 * lacks.
 */
#include "lookup_query_priv.h"

bool lookup_match_of(struct cf_str name, enum lookup_match *ret_match)
{
    static const char *const names[] = {[LOOKUP_EXACT] = "exact",
                                        [LOOKUP_SEARCH] = "search",
                                        [LOOKUP_EXACT_THEN_SEARCH] = "exact-then-search"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!cf_str_is(name, names[i]))
            continue;
        *ret_match = (enum lookup_match)i;
        return true;
    }
    return false;
}

bool lookup_is_field_name(struct cf_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool inner = (c >= '0' && c <= '9') || c == '_';

        if (!letter && (i == 0 || !inner))
            return false;
    }
    return name.n > 0 && name.n <= 80;
}

/* What the queries ask for anyway: Salesforce refuses a field that is named twice. */
static bool is_asked_for(struct cf_str name)
{
    static const char *const asked[] = {"Id",
                                        "Name",
                                        "OwnerId",
                                        "LastModifiedDate",
                                        "Company",
                                        "LastActivityDate",
                                        "IsPersonAccount",
                                        "PersonContactId",
                                        "IsConverted"};

    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        if (cf_str_eq_nocase(name, cf_str_of(asked[i])))
            return true;
    }
    return false;
}

static int add_name(const char *key, struct cf_str name, struct lookup_field_list *list, size_t *used,
                    struct cf_err *err)
{
    const int shown = (int)(name.n < 80 ? name.n : 80);

    if (!lookup_is_field_name(name) || is_asked_for(name))
        return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0, "%s: \"%.*s\" is no name of a phone field", key,
                          shown, name.p);
    for (size_t i = 0; i < list->n; i++) {
        if (cf_str_eq_nocase(name, cf_str_of(list->text + list->at[i])))
            return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0, "%s: %.*s is named twice", key, shown, name.p);
    }
    if (list->n == LOOKUP_PHONES)
        return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0, "%s: at most %d fields", key, LOOKUP_PHONES);
    list->at[list->n++] = *used;
    memcpy(list->text + *used, name.p, name.n);
    *used += name.n;
    list->text[(*used)++] = '\0';
    return 0;
}

int lookup_fields_parse(const char *key, struct cf_str text, struct lookup_field_list *ret_list,
                        struct cf_err *err)
{
    struct lookup_field_list list = {.n = 0};
    size_t used = 0;

    while (text.n > 0) {
        const char *comma = memchr(text.p, ',', text.n);
        size_t n = comma ? (size_t)(comma - text.p) : text.n;

        if (add_name(key, cf_str_trim((struct cf_str){text.p, n}), &list, &used, err))
            return -1;
        text.p += comma ? n + 1 : n;
        text.n -= comma ? n + 1 : n;
    }
    *ret_list = list;
    return 0;
}

void lookup_fields_add_name(const char *name, const char *phones[LOOKUP_PHONES])
{
    size_t at = 0;

    while (at < LOOKUP_PHONES && phones[at] && !cf_str_eq_nocase(cf_str_of(phones[at]), cf_str_of(name)))
        at++;
    if (at < LOOKUP_PHONES)
        phones[at] = name;
}

void lookup_fields_add(const struct lookup_field_list *list, const char *phones[LOOKUP_PHONES])
{
    for (size_t i = 0; i < list->n; i++)
        lookup_fields_add_name(list->text + list->at[i], phones);
}

/* ---- what the org lacks ---- */

/* A phone field; the last one of an object stays, for without any nobody would be found and nobody told. */
static bool drop_phone(const char *phones[LOOKUP_PHONES], const char *field, bool *ret_news)
{
    size_t at = 0;

    while (at < LOOKUP_PHONES && phones[at] && strcmp(phones[at], field) != 0)
        at++;
    *ret_news = at < LOOKUP_PHONES && phones[at];
    if (!*ret_news)
        return true;
    if (!phones[1])
        return false;
    for (; at + 1 < LOOKUP_PHONES; at++)
        phones[at] = phones[at + 1];
    phones[LOOKUP_PHONES - 1] = NULL;
    return true;
}

static bool drop_flag(bool *flag, bool *ret_news)
{
    *ret_news = *flag;
    *flag = false;
    return true;
}

static bool drop_text(const char **text, bool *ret_news)
{
    *ret_news = *text != NULL;
    *text = NULL;
    return true;
}

bool lookup_query_drop(struct lookup_query_opts *opts, const struct lookup_dropped *dropped, bool *ret_news)
{
    const char *field = dropped->field;

    *ret_news = false;
    if (!dropped->object)
        return false;
    if (!field)
        return drop_text(&opts->phones[LOOKUP_LEAD][0], ret_news);
    if (strcmp(field, "LastActivityDate") == 0)
        return drop_flag(&opts->activity, ret_news);
    if (strcmp(field, "IsPersonAccount") == 0)
        return drop_flag(&opts->person_accounts, ret_news);
    if (opts->tier_field && strcmp(field, opts->tier_field) == 0)
        return drop_text(&opts->tier_field, ret_news);
    for (size_t i = 0; i < LOOKUP_OBJECTS; i++) {
        if (strcmp(dropped->object, lookup_object_names[i]) == 0)
            return drop_phone(opts->phones[i], field, ret_news);
    }
    return false;
}

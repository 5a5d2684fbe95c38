/* SPDX-License-Identifier: Apache-2.0 */
/* lookup_search - who has a number, asked of the search index (SOSL). */
#include <stdlib.h>

#include "lookup_query_priv.h"
#include "sf/sf.h"

#define FORMS 20
#define FORM_BYTES 32
#define TERMS 8                           /* of one number; more do not occur */
#define SEARCH_LIMIT_BYTES ((size_t)9000) /* Salesforce allows 10,000 characters between the braces */

/* ---- the request ---- */

/* The digits of a written form are what the index compares. Each way to write the number's beginning
 * (nothing, the trunk prefix, the country code, 00) is a term of its own: that a search for the end of a
 * number finds the whole one is not documented. */
static size_t terms_of(const struct cf_phone *phone, char ret_terms[TERMS][FORM_BYTES])
{
    char forms[FORMS][FORM_BYTES], digits[FORM_BYTES];
    size_t n_forms = cf_phone_forms(phone, forms, FORMS), n = 0;

    for (size_t i = 0; i < n_forms && n < TERMS; i++) {
        size_t used = 0, same = 0;

        for (const char *at = forms[i]; *at; at++) {
            if (*at >= '0' && *at <= '9')
                digits[used++] = *at;
        }
        digits[used] = '\0';
        while (same < n && strcmp(ret_terms[same], digits) != 0)
            same++;
        if (same == n)
            memcpy(ret_terms[n++], digits, used + 1);
    }
    return n;
}

static void add_terms(struct cf_buf *sosl, const struct cf_phone *phones, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char terms[TERMS][FORM_BYTES];
        size_t n_terms = terms_of(&phones[i], terms);

        for (size_t k = 0; k < n_terms; k++) {
            cf_buf_text(sosl, i || k ? " OR " : "");
            cf_sosl_escape(sosl, cf_str_of(terms[k]));
        }
    }
}

static void add_returning(struct cf_buf *sosl, const struct lookup_query_opts *opts, size_t n)
{
    const char *before = " RETURNING ";

    for (size_t i = 0; i < LOOKUP_OBJECTS; i++) {
        if (!opts->phones[i][0])
            continue;
        cf_buf_text(sosl, before);
        cf_buf_text(sosl, lookup_object_names[i]);
        cf_buf_text(sosl, i == LOOKUP_LEAD ? "(Id WHERE IsConverted = false LIMIT " : "(Id LIMIT ");
        cf_buf_u64(sosl, LOOKUP_QUERY_ROWS(n));
        cf_buf_char(sosl, ')');
        before = ", ";
    }
}

json_t *lookup_search_build(const struct lookup_query_opts *opts, const struct cf_phone *phones, size_t n)
{
    struct cf_buf sosl, url;
    json_t *body;

    cf_buf_init(&sosl, SEARCH_LIMIT_BYTES);
    cf_buf_text(&sosl, "FIND {");
    add_terms(&sosl, phones, n);
    cf_buf_text(&sosl, "} IN PHONE FIELDS");
    add_returning(&sosl, opts, n);
    cf_buf_init(&url, 3 * SEARCH_LIMIT_BYTES);
    cf_buf_text(&url, opts->api_version);
    cf_buf_text(&url, "/search/?q=");
    lookup_encode(&url, cf_buf_view(&sosl));
    body = sosl.full || url.full ? NULL
                                 : json_pack("{s:b, s:[{s:s, s:s%}]}", "haltOnError", 0, "batchRequests",
                                             "method", "GET", "url", url.p, url.n);
    if (!body)
        abort(); /* 20 numbers of 8 terms can not be too long */
    cf_buf_done(&url);
    cf_buf_done(&sosl);
    return body;
}

/* ---- the answer ---- */

static void add_found(const json_t *row, size_t most, struct lookup_ids ids[LOOKUP_OBJECTS])
{
    struct cf_str id = lookup_text_of(row, "Id"),
                  type = lookup_text_of(json_object_get(row, "attributes"), "type");

    for (size_t i = 0; i < LOOKUP_OBJECTS && lookup_is_id(id); i++) {
        if (cf_str_is(type, lookup_object_names[i]) && ids[i].n < most)
            ids[i].list[ids[i].n++] = id;
    }
}

int lookup_search_read(const struct lookup_query_opts *opts, const json_t *answer, size_t n,
                       json_t **ret_body, struct lookup_dropped *ret_dropped, struct cf_err *err)
{
    const json_t *part = json_array_get(json_object_get(answer, "results"), 0);
    const json_t *result = json_object_get(part, "result"), *rows = json_object_get(result, "searchRecords");
    int status = (int)json_integer_value(json_object_get(part, "statusCode"));
    struct lookup_ids ids[LOOKUP_OBJECTS];
    size_t found = 0;

    *ret_dropped = (struct lookup_dropped){0};
    if (!part)
        return cf_err_set(err, CF_ERR_TRANSIENT, "sf", 0, "the answer lacks the search");
    if (status != 200)
        return lookup_part_failed(opts, LOOKUP_CONTACT, status, result, ret_dropped, err);
    for (size_t i = 0; i < LOOKUP_OBJECTS; i++)
        ids[i].n = 0;
    for (size_t i = 0; i < json_array_size(rows); i++)
        add_found(json_array_get(rows, i), LOOKUP_QUERY_ROWS(n), ids);
    for (size_t i = 0; i < LOOKUP_OBJECTS; i++)
        found += opts->phones[i][0] ? ids[i].n : 0;
    *ret_body = found ? lookup_query_build_ids(opts, ids, n) : NULL;
    return 0;
}

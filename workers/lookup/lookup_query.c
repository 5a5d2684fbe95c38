/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup_query.h"

#include <stdio.h>
#include <stdlib.h>

#include "http/http.h"
#include "sf/sf.h"

#define FORMS 16
#define QUERY_LIMIT_BYTES ((size_t)100000) /* encoded; Salesforce allows as many before encoding */
#define MIN_PATTERN_DIGITS 7               /* fewer digits in a row are in too many numbers */

static const char *const contact_phones[LOOKUP_PHONES] = {"Phone", "MobilePhone", "HomePhone", "OtherPhone",
                                                          "AssistantPhone"};
static const char *const account_phones[LOOKUP_PHONES] = {"Phone", NULL, NULL, NULL, NULL};

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

/* ---- the text of the queries ----
 * It stands in a URL, so it is written percent-encoded at once, and the forms of the numbers, which come once
 * for each phone field, are made and encoded only once: that is most of what a lookup costs in CPU. */

static void add_encoded(struct cf_buf *q, const char *text)
{
    cf_http_escape(q, cf_str_of(text));
}

/* All written forms of all numbers: 'a','b',... */
static void add_forms(struct cf_buf *q, const struct cf_phone *phones, size_t n)
{
    struct cf_buf text;

    cf_buf_init(&text, QUERY_LIMIT_BYTES);
    for (size_t i = 0; i < n; i++) {
        char forms[FORMS][32];
        size_t n_forms = cf_phone_forms(&phones[i], forms, FORMS);

        for (size_t k = 0; k < n_forms; k++) {
            cf_buf_text(&text, text.n ? ",'" : "'");
            cf_soql_escape(&text, cf_str_of(forms[k]));
            cf_buf_char(&text, '\'');
        }
    }
    cf_http_escape(q, cf_buf_view(&text));
    cf_buf_done(&text);
}

/* '%5%2%0%7%...%': the digits in order, whatever is written between them. The groups of a written number can
 * end anywhere, so no longer run of digits is safe; the E.164 comparison sorts the accidental hits out. */
static void add_pattern(struct cf_buf *q, const struct cf_phone *phone)
{
    add_encoded(q, "'%");
    for (const char *at = phone->national; *at; at++) {
        cf_buf_char(q, *at);
        add_encoded(q, "%");
    }
    add_encoded(q, "'");
}

struct numbers {
    const struct cf_phone *phones;
    size_t n;
    struct cf_buf forms; /* encoded */
};

static void add_where(struct cf_buf *q, const struct lookup_query_opts *opts, const char *const *fields,
                      const struct numbers *numbers)
{
    add_encoded(q, " WHERE ");
    for (size_t f = 0; f < LOOKUP_PHONES && fields[f]; f++) {
        add_encoded(q, f ? " OR " : "");
        add_encoded(q, fields[f]);
        add_encoded(q, " IN (");
        cf_buf_str(q, cf_buf_view(&numbers->forms));
        add_encoded(q, ")");
        for (size_t i = 0; i < numbers->n && opts->patterns; i++) {
            if (strlen(numbers->phones[i].national) < MIN_PATTERN_DIGITS)
                continue;
            add_encoded(q, " OR ");
            add_encoded(q, fields[f]);
            add_encoded(q, " LIKE ");
            add_pattern(q, &numbers->phones[i]);
        }
    }
}

#define TEXT_OF(number) #number
#define LIMIT(number) " LIMIT " TEXT_OF(number)
#define SELECT_CASES                                                                                         \
    ", (SELECT Id, CaseNumber, Subject, Status, Priority, IsEscalated, OwnerId, CreatedDate FROM Cases "     \
    "WHERE "                                                                                                 \
    "IsClosed = false ORDER BY CreatedDate" LIMIT(LOOKUP_QUERY_CASES) ")"

static void add_limit(struct cf_buf *q, size_t n_numbers)
{
    add_encoded(q, " LIMIT ");
    cf_buf_u64(q, LOOKUP_QUERY_ROWS(n_numbers));
}

static void write_contacts(struct cf_buf *q, const struct lookup_query_opts *opts,
                           const struct numbers *numbers)
{
    add_encoded(q, "SELECT Id, Name, OwnerId, Phone, MobilePhone, HomePhone, OtherPhone, AssistantPhone, "
                   "LastModifiedDate");
    add_encoded(q, opts->activity ? ", LastActivityDate" : "");
    add_encoded(q, ", Account.Id, Account.Name, Account.OwnerId");
    if (opts->tier_field) {
        add_encoded(q, ", Account.");
        add_encoded(q, opts->tier_field);
    }
    add_encoded(q, SELECT_CASES " FROM Contact");
    add_where(q, opts, contact_phones, numbers);
    add_limit(q, numbers->n);
}

static void write_accounts(struct cf_buf *q, const struct lookup_query_opts *opts,
                           const struct numbers *numbers)
{
    add_encoded(q, "SELECT Id, Name, OwnerId, Phone, LastModifiedDate");
    add_encoded(q, opts->activity ? ", LastActivityDate" : "");
    if (opts->tier_field) {
        add_encoded(q, ", ");
        add_encoded(q, opts->tier_field);
    }
    add_encoded(q, SELECT_CASES " FROM Account");
    add_where(q, opts, account_phones, numbers);
    add_limit(q, numbers->n);
}

static json_t *subrequest(const char *reference, const struct cf_buf *url)
{
    json_t *item = url->full ? NULL
                             : json_pack("{s:s, s:s%, s:s}", "method", "GET", "url", url->p, url->n,
                                         "referenceId", reference);

    if (!item)
        abort(); /* out of memory: 20 numbers of 16 forms can not be too long */
    return item;
}

json_t *lookup_query_build(const struct lookup_query_opts *opts, const struct cf_phone *phones, size_t n)
{
    struct numbers numbers = {phones, n, {0}};
    json_t *items = json_array(), *body;
    struct cf_buf url;

    cf_buf_init(&numbers.forms, QUERY_LIMIT_BYTES);
    add_forms(&numbers.forms, phones, n);
    cf_buf_init(&url, QUERY_LIMIT_BYTES);
    cf_buf_printf(&url, "/services/data/%s/query?q=", opts->api_version);
    write_contacts(&url, opts, &numbers);
    json_array_append_new(items, subrequest("contacts", &url));
    cf_buf_clear(&url);
    cf_buf_printf(&url, "/services/data/%s/query?q=", opts->api_version);
    write_accounts(&url, opts, &numbers);
    json_array_append_new(items, subrequest("accounts", &url));
    cf_buf_done(&url);
    cf_buf_done(&numbers.forms);
    body = json_pack("{s:b, s:o}", "allOrNone", 0, "compositeRequest", items);
    if (!body)
        abort();
    return body;
}

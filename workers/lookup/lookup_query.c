/* SPDX-License-Identifier: Apache-2.0 */
/* lookup_query - the text of the requests. It stands in URLs, so it is written percent-encoded at once; what
 * is known of one number (its forms, its pattern) is encoded once and copied for each field. */
#include "lookup_query.h"

#include <stdlib.h>

#include "lookup_query_priv.h"
#include "sf/sf.h"

#define FORMS 20
#define FORM_BYTES 32
#define QUERY_LIMIT_BYTES ((size_t)200000) /* encoded; Salesforce allows 100,000 characters before that */
#define MIN_PATTERN_DIGITS 7               /* fewer digits in a row are in too many numbers */

/* What numbers are found by. Text in the buffers is encoded. */
struct numbers {
    size_t n;
    struct cf_buf forms;    /* 'a','b',...: for IN; may be empty */
    struct cf_buf patterns; /* '%1%2%' one after the other: for LIKE */
    size_t pattern_end[LOOKUP_QUERY_NUMBERS], n_patterns;
};

/* As few bytes are encoded as RFC 3986 allows in a query; a space is "+". */
void lookup_encode(struct cf_buf *buf, struct cf_str text)
{
    static const char hex[] = "0123456789ABCDEF";
    char encoded[3 * 256];
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     (c && strchr("-._~'(),:/*", c));

        if (n + 3 > sizeof(encoded)) {
            cf_buf_add(buf, encoded, n);
            n = 0;
        }
        if (plain || c == ' ') {
            encoded[n++] = (char)(c == ' ' ? '+' : c);
        } else {
            encoded[n++] = '%';
            encoded[n++] = hex[c >> 4];
            encoded[n++] = hex[c & 15];
        }
    }
    cf_buf_add(buf, encoded, n);
}

/* ---- what numbers are found by ---- */

/* Whether the digits of `digits` are in `form` in this order. */
static bool pattern_finds(const char *digits, const char *form)
{
    for (; *digits && *form; form++)
        digits += *digits == *form;
    return *digits == '\0';
}

/* All written forms, or those that the pattern does not find: 'a','b',... */
static void add_forms(struct numbers *numbers, const struct cf_phone *phone, bool patterns)
{
    char forms[FORMS][FORM_BYTES];
    size_t n = cf_phone_forms(phone, forms, FORMS);
    struct cf_buf text;

    cf_buf_init(&text, QUERY_LIMIT_BYTES);
    for (size_t i = 0; i < n; i++) {
        if (patterns && pattern_finds(phone->national, forms[i]))
            continue;
        cf_buf_text(&text, text.n || numbers->forms.n ? ",'" : "'");
        cf_soql_escape(&text, cf_str_of(forms[i]));
        cf_buf_char(&text, '\'');
    }
    lookup_encode(&numbers->forms, cf_buf_view(&text));
    cf_buf_done(&text);
}

/* '%5%2%0%7%...%': the digits in order, whatever is written between them. The groups of a written number can
 * end anywhere, so no longer run of digits is safe; the E.164 comparison sorts the accidental hits out. */
static void add_pattern(struct numbers *numbers, const struct cf_phone *phone)
{
    cf_buf_text(&numbers->patterns, "'%25");
    for (const char *at = phone->national; *at; at++) {
        const char piece[] = {*at, '%', '2', '5'};

        cf_buf_add(&numbers->patterns, piece, sizeof(piece));
    }
    cf_buf_char(&numbers->patterns, '\'');
    numbers->pattern_end[numbers->n_patterns++] = numbers->patterns.n;
}

static void numbers_init(struct numbers *numbers, const struct lookup_query_opts *opts,
                         const struct cf_phone *phones, size_t n)
{
    *numbers = (struct numbers){.n = n};
    cf_buf_init(&numbers->forms, QUERY_LIMIT_BYTES);
    cf_buf_init(&numbers->patterns, QUERY_LIMIT_BYTES);
    for (size_t i = 0; i < n; i++) {
        bool patterns = opts->patterns && strlen(phones[i].national) >= MIN_PATTERN_DIGITS;

        if (patterns)
            add_pattern(numbers, &phones[i]);
        if (!patterns || !cf_phone_forms_are_plain(&phones[i]))
            add_forms(numbers, &phones[i], patterns);
    }
}

static void numbers_done(struct numbers *numbers)
{
    cf_buf_done(&numbers->forms);
    cf_buf_done(&numbers->patterns);
}

/* ---- the queries ---- */

static void add_conditions(struct cf_buf *q, const char *field, const struct numbers *numbers,
                           const char *before)
{
    size_t at = 0;

    if (numbers->forms.n) {
        cf_buf_text(q, before);
        cf_buf_text(q, field);
        cf_buf_text(q, "+IN+(");
        cf_buf_str(q, cf_buf_view(&numbers->forms));
        cf_buf_char(q, ')');
        before = "+OR+";
    }
    for (size_t i = 0; i < numbers->n_patterns; i++) {
        cf_buf_text(q, before);
        cf_buf_text(q, field);
        cf_buf_text(q, "+LIKE+");
        cf_buf_add(q, numbers->patterns.p + at, numbers->pattern_end[i] - at);
        at = numbers->pattern_end[i];
        before = "+OR+";
    }
}

#define TEXT_OF(number) #number
#define LIMIT(number) "+LIMIT+" TEXT_OF(number)
#define SELECT_CASES                                                                                         \
    ",(SELECT+Id,CaseNumber,Subject,Status,Priority,IsEscalated,OwnerId,CreatedDate+FROM+Cases+"             \
    "WHERE+IsClosed%3Dfalse+ORDER+BY+CreatedDate" LIMIT(LOOKUP_QUERY_CASES) ")"

static void add_select(struct cf_buf *q, const struct lookup_query_opts *opts, enum lookup_object object)
{
    const char *tier = opts->tier_field;

    cf_buf_text(q, "SELECT+Id,Name,OwnerId,LastModifiedDate");
    for (size_t i = 0; i < LOOKUP_PHONES && opts->phones[object][i]; i++) {
        cf_buf_char(q, ',');
        cf_buf_text(q, opts->phones[object][i]);
    }
    cf_buf_text(q, opts->activity ? ",LastActivityDate" : "");
    if (object == LOOKUP_CONTACT)
        cf_buf_text(q, ",Account.Id,Account.Name,Account.OwnerId");
    if (tier && object != LOOKUP_LEAD) {
        cf_buf_text(q, object == LOOKUP_CONTACT ? ",Account." : ",");
        cf_buf_text(q, tier);
    }
    if (object == LOOKUP_ACCOUNT && opts->person_accounts)
        cf_buf_text(q, ",IsPersonAccount,PersonContactId");
    cf_buf_text(q, object == LOOKUP_LEAD ? ",Company" : SELECT_CASES);
    cf_buf_text(q, "+FROM+");
    cf_buf_text(q, lookup_object_names[object]);
    cf_buf_text(q, "+WHERE+");
}

/* A converted lead is the contact that it became. */
static void add_where(struct cf_buf *q, const struct lookup_query_opts *opts, enum lookup_object object,
                      const struct numbers *numbers)
{
    cf_buf_text(q, object == LOOKUP_LEAD ? "IsConverted%3Dfalse+AND+(" : "");
    for (size_t i = 0; i < LOOKUP_PHONES && opts->phones[object][i]; i++)
        add_conditions(q, opts->phones[object][i], numbers, i ? "+OR+" : "");
    cf_buf_text(q, object == LOOKUP_LEAD ? ")" : "");
}

static void add_ids(struct cf_buf *q, const struct lookup_ids *ids)
{
    if (ids->n == 0)
        cf_buf_text(q, "Id%3Dnull"); /* each object keeps its part in the answer */
    for (size_t i = 0; i < ids->n; i++) {
        cf_buf_text(q, i ? ",'" : "Id+IN+('");
        cf_buf_str(q, ids->list[i]);
        cf_buf_char(q, '\'');
    }
    cf_buf_text(q, ids->n ? ")" : "");
}

static json_t *subrequest(enum lookup_object object, const struct cf_buf *url)
{
    json_t *item = json_object();

    if (url->full)
        abort(); /* 20 numbers of 20 forms can not be too long */
    json_object_set_new_nocheck(item, "method", json_string_nocheck("GET"));
    json_object_set_new_nocheck(item, "url", json_stringn_nocheck(url->p, url->n));
    json_object_set_new_nocheck(item, "referenceId", json_string_nocheck(lookup_references[object]));
    return item;
}

/* By numbers, or else by ids. */
static json_t *build(const struct lookup_query_opts *opts, const struct numbers *numbers,
                     const struct lookup_ids *ids, size_t n)
{
    json_t *items = json_array(), *body = json_object();
    struct cf_buf url;

    cf_buf_init(&url, QUERY_LIMIT_BYTES);
    for (size_t i = 0; i < LOOKUP_OBJECTS; i++) {
        if (!opts->phones[i][0])
            continue;
        cf_buf_clear(&url);
        cf_buf_text(&url, "/services/data/");
        cf_buf_text(&url, opts->api_version);
        cf_buf_text(&url, "/query?q=");
        add_select(&url, opts, (enum lookup_object)i);
        if (numbers)
            add_where(&url, opts, (enum lookup_object)i, numbers);
        else
            add_ids(&url, &ids[i]);
        cf_buf_text(&url, "+LIMIT+");
        cf_buf_u64(&url, LOOKUP_QUERY_ROWS(n));
        json_array_append_new(items, subrequest((enum lookup_object)i, &url));
    }
    cf_buf_done(&url);
    json_object_set_new_nocheck(body, "allOrNone", json_false());
    if (json_object_set_new_nocheck(body, "compositeRequest", items))
        abort();
    return body;
}

json_t *lookup_query_build(const struct lookup_query_opts *opts, const struct cf_phone *phones, size_t n)
{
    struct numbers numbers;
    json_t *body;

    numbers_init(&numbers, opts, phones, n);
    body = build(opts, &numbers, NULL, n);
    numbers_done(&numbers);
    return body;
}

json_t *lookup_query_build_ids(const struct lookup_query_opts *opts,
                               const struct lookup_ids ids[LOOKUP_OBJECTS], size_t n)
{
    return build(opts, NULL, ids, n);
}

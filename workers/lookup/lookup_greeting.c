/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup_greeting.h"

/* Together they keep the SSML, every byte escaped, below the contract's 8192 characters. */
#define MAX_TEMPLATE_BYTES 500
#define MAX_PLACEHOLDERS 8 /* in one template */
#define MAX_VALUE_BYTES 80 /* of a name: longer ones are cut */
#define MAX_TEXT_BYTES 4000
#define MAX_SSML_BYTES 8000
#define MAX_TAG_BYTES 35

static const struct cf_pair built_in[] = {
    {"en.case", "Hello {name}. You are calling about case {case}? We will be with you in a moment."},
    {"en", "Hello {name}. Thank you for calling. We will be with you in a moment."},
    {"en.unknown", "Hello, and thank you for calling. We will be with you in a moment."},
    {"de.case", "Guten Tag, {name}. Geht es um den Vorgang {case}? Wir sind gleich für Sie da."},
    {"de", "Guten Tag, {name}. Vielen Dank für Ihren Anruf. Wir sind gleich für Sie da."},
    {"de.unknown", "Guten Tag und vielen Dank für Ihren Anruf. Wir sind gleich für Sie da."},
    {"es.case", "Hola, {name}. ¿Nos llama por el caso {case}? Le atendemos en un momento."},
    {"es", "Hola, {name}. Gracias por llamar. Le atendemos en un momento."},
    {"es.unknown", "Hola y gracias por llamar. Le atendemos en un momento."},
    {"fr.case",
     "Bonjour {name}. Vous appelez au sujet du dossier {case} ? Nous sommes à vous dans un instant."},
    {"fr", "Bonjour {name}. Merci de votre appel. Nous sommes à vous dans un instant."},
    {"fr.unknown", "Bonjour et merci de votre appel. Nous sommes à vous dans un instant."},
    {0}};

enum { NAME, ACCOUNT, CASE, VALUES };
static const char *const placeholders[VALUES] = {"{name}", "{account}", "{case}"};

struct facts {
    struct cf_str values[VALUES]; /* empty: not known */
    bool known;
};

/* ---- language ---- */

static bool is_tag(struct cf_str tag)
{
    for (size_t i = 0; i < tag.n; i++) {
        char c = tag.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool inner = (c >= '0' && c <= '9') || c == '-';

        if (!letter && (i == 0 || !inner))
            return false;
    }
    return tag.n > 0 && tag.n <= MAX_TAG_BYTES && tag.p[tag.n - 1] != '-';
}

/* "de-AT" -> "de" -> "". */
static struct cf_str shorter(struct cf_str tag)
{
    while (tag.n > 0 && tag.p[tag.n - 1] != '-')
        tag.n--;
    tag.n -= tag.n > 0;
    return tag;
}

/* ---- choosing a template ---- */

static const char *find(const struct cf_pair *templates, struct cf_str tag, const char *suffix)
{
    size_t n = strlen(suffix);

    for (; templates && templates->name; templates++) {
        struct cf_str name = cf_str_of(templates->name);

        if (name.n == tag.n + n && cf_str_eq_nocase((struct cf_str){name.p, tag.n}, tag) &&
            memcmp(name.p + tag.n, suffix, n) == 0)
            return templates->value;
    }
    return NULL;
}

/* Which placeholder starts here, VALUES: none. */
static size_t placeholder_at(const char *at)
{
    size_t i = 0;

    while (i < VALUES && strncmp(at, placeholders[i], strlen(placeholders[i])) != 0)
        i++;
    return i;
}

static bool can_be_said(const char *template, const struct facts *facts)
{
    for (const char *at = strchr(template, '{'); at; at = strchr(at + 1, '{')) {
        size_t which = placeholder_at(at);

        if (which < VALUES && facts->values[which].n == 0)
            return false;
    }
    return true;
}

/* In one source: the most special template of that language that can be said. */
static const char *best_of(const struct cf_pair *templates, struct cf_str tag, const struct facts *facts)
{
    static const char *const known[] = {".case", "", ".unknown"}, *const unknown[] = {".unknown", ""};
    size_t n = facts->known ? 3 : 2;

    for (size_t i = 0; i < n; i++) {
        const char *suffix = facts->known ? known[i] : unknown[i];
        const char *template = find(templates, tag, suffix);

        /* An ordinary caller is not told the text for strangers when a better one is built in. */
        if (facts->known && strcmp(suffix, ".unknown") == 0 && templates != built_in)
            continue;
        if (strcmp(suffix, ".case") == 0 && facts->values[CASE].n == 0)
            continue;
        if (template && can_be_said(template, facts))
            return template;
    }
    return NULL;
}

static const char *choose(const struct lookup_greeting_opts *opts, struct cf_str tag,
                          const struct facts *facts)
{
    for (; tag.n > 0; tag = shorter(tag)) {
        const char *template = best_of(opts->templates, tag, facts);

        if (!template)
            template = best_of(built_in, tag, facts);
        if (template)
            return template;
    }
    return NULL;
}

/* ---- writing ---- */

/* What XML 1.0 can not hold, and what no voice can say, becomes a blank. */
static void add_char(struct cf_buf *buf, char c)
{
    if ((unsigned char)c < 0x20 || c == 0x7f)
        c = ' ';
    cf_buf_char(buf, c);
}

static void add_plain(struct cf_buf *buf, struct cf_str text)
{
    for (size_t i = 0; i < text.n; i++)
        add_char(buf, text.p[i]);
}

static void add_xml(struct cf_buf *buf, struct cf_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        switch (text.p[i]) {
        case '&':
            cf_buf_text(buf, "&amp;");
            break;
        case '<':
            cf_buf_text(buf, "&lt;");
            break;
        case '>':
            cf_buf_text(buf, "&gt;");
            break;
        case '"':
            cf_buf_text(buf, "&quot;");
            break;
        case '\'':
            cf_buf_text(buf, "&apos;");
            break;
        default:
            add_char(buf, text.p[i]);
        }
    }
}

/* One pass: a value that looks like a placeholder stays what it is. */
static void fill(struct cf_buf *buf, const char *template, const struct facts *facts, bool xml)
{
    while (*template) {
        size_t which = *template == '{' ? placeholder_at(template) : VALUES;
        size_t n = which < VALUES ? strlen(placeholders[which]) : 1;
        struct cf_str value = which < VALUES ? facts->values[which] : (struct cf_str){template, 1};
        bool spelled = xml && which == CASE;

        if (spelled)
            cf_buf_text(buf, "<say-as interpret-as=\"characters\">");
        if (xml)
            add_xml(buf, value);
        else
            add_plain(buf, value);
        if (spelled)
            cf_buf_text(buf, "</say-as>");
        template += n;
    }
}

static struct cf_str shorten(struct cf_str text)
{
    if (text.n <= MAX_VALUE_BYTES)
        return text;
    text.n = MAX_VALUE_BYTES;
    while (text.n > 0 && ((unsigned char)text.p[text.n] & 0xc0) == 0x80)
        text.n--;
    return text;
}

static void gather(const struct cf_customer *customer, struct facts *ret_facts)
{
    *ret_facts = (struct facts){.known = customer->status == CF_CUSTOMER_MATCHED};
    if (!ret_facts->known)
        return;
    ret_facts->values[NAME] = shorten(cf_str_trim(customer->contact.name));
    ret_facts->values[ACCOUNT] = shorten(cf_str_trim(customer->account.name));
    if (ret_facts->values[NAME].n == 0)
        ret_facts->values[NAME] = ret_facts->values[ACCOUNT];
    if (customer->n_cases > 0)
        ret_facts->values[CASE] = shorten(cf_str_trim(customer->cases[0].number));
}

static struct cf_str keep(struct cf_arena *arena, struct cf_buf *buf)
{
    struct cf_str kept = cf_arena_str(arena, cf_buf_view(buf));

    cf_buf_done(buf);
    return kept;
}

void lookup_greet(struct cf_arena *arena, const struct lookup_greeting_opts *opts, struct cf_str language,
                  const struct cf_customer *customer, struct lookup_greeting *ret_greeting)
{
    struct facts facts;
    const char *template = NULL;
    struct cf_buf text, ssml;

    gather(customer, &facts);
    if (is_tag(language))
        template = choose(opts, language, &facts);
    if (!template) {
        language = cf_str_of(opts->default_language);
        template = choose(opts, language, &facts);
    }
    if (!template) {
        language = CF_STR("en");
        template = choose(opts, language, &facts);
    }
    if (!template)
        template = ""; /* built_in has one for everybody */
    cf_buf_init(&text, MAX_TEXT_BYTES);
    fill(&text, template, &facts, false);
    cf_buf_init(&ssml, MAX_SSML_BYTES);
    cf_buf_printf(&ssml,
                  "<speak version=\"1.0\" xmlns=\"http://www.w3.org/2001/10/synthesis\" xml:lang=\"%.*s\">",
                  CF_STR_FMT(language));
    fill(&ssml, template, &facts, true);
    cf_buf_text(&ssml, "</speak>");
    ret_greeting->language = cf_arena_str(arena, language);
    ret_greeting->text = keep(arena, &text);
    ret_greeting->ssml = keep(arena, &ssml);
}

/* ---- configuration ---- */

static bool is_key(struct cf_str key)
{
    struct cf_str dot = {memchr(key.p, '.', key.n), 0};

    if (dot.p) {
        dot.n = key.n - (size_t)(dot.p - key.p);
        key.n -= dot.n;
        if (!cf_str_is(dot, ".case") && !cf_str_is(dot, ".unknown"))
            return false;
    }
    return is_tag(key);
}

static int check_template(const struct cf_pair *pair, struct cf_err *err)
{
    size_t n = 0;

    if (!is_key(cf_str_of(pair->name)))
        return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0,
                          "[greeting] %.40s: a key is a language tag, alone or with .case or .unknown",
                          pair->name);
    if (strlen(pair->value) > MAX_TEMPLATE_BYTES)
        return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0, "[greeting] %.40s is longer than %d bytes",
                          pair->name, MAX_TEMPLATE_BYTES);
    for (const char *brace = strchr(pair->value, '{'); brace; brace = strchr(brace + 1, '{'), n++) {
        if (placeholder_at(brace) == VALUES || n == MAX_PLACEHOLDERS)
            return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0,
                              "[greeting] %.40s: placeholders are {name}, {account} and {case}, at most %d",
                              pair->name, MAX_PLACEHOLDERS);
    }
    return 0;
}

int lookup_greeting_check(const struct lookup_greeting_opts *opts, struct cf_err *err)
{
    if (!is_tag(cf_str_of(opts->default_language)))
        return cf_err_set(err, CF_ERR_CONFIG, "lookup", 0,
                          "default_language must be a tag such as en or de-AT");
    for (const struct cf_pair *at = opts->templates; at && at->name; at++) {
        if (check_template(at, err))
            return -1;
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sosl.h"

#define WORD_BYTES 68

struct parser {
    struct cf_arena *arena;
    struct cf_str text;
    size_t at;
    bool plain;
    unsigned depth, runs;
    struct sf_fail *fail;
};

static struct sosl_term *parse_or(struct parser *parser);

static struct sosl_term *reject(struct parser *parser, const char *what, const char *arg)
{
    if (parser->fail->status == 0)
        (void)sf_fail_set(parser->fail, 400, "MALFORMED_SEARCH", NULL, "%s%s", what, arg);
    return NULL;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_reserved(char c)
{
    return c != '\0' && strchr("?&|!{}[]()^~*:\\\"'+-", c) != NULL;
}

static void skip_spaces(struct parser *parser)
{
    while (parser->at < parser->text.n && is_space(parser->text.p[parser->at]))
        parser->at++;
}

/* The operator word at the current place, 0 when there is none. */
static size_t operator_at(const struct parser *parser, size_t at, const char *word)
{
    size_t n = strlen(word);
    struct cf_str here = {parser->text.p + at, n};

    if (at + n > parser->text.n || !cf_str_eq_nocase(here, (struct cf_str){word, n}))
        return 0;
    if (at + n < parser->text.n && !is_space(parser->text.p[at + n]) && parser->text.p[at + n] != '(' &&
        parser->text.p[at + n] != '"')
        return 0;
    return n;
}

static bool take_operator(struct parser *parser, const char *word)
{
    size_t n;

    skip_spaces(parser);
    n = operator_at(parser, parser->at, word);
    parser->at += n;
    return n > 0;
}

/* ---- runs ---- */

struct builder {
    struct parser *parser;
    struct sosl_term *term;
    char word[WORD_BYTES + 4];
    size_t n;
    bool wildcard, letters, too_many;
    enum { NOTHING, LETTERS, DIGITS } last;
    char digits[24];
    size_t n_digits, characters;
};

static void end_word(struct builder *builder)
{
    struct sosl_term *term = builder->term;

    if (builder->n > 0 && term->n_words < SOSL_MAX_WORDS) {
        term->word[term->n_words].text =
            cf_arena_cstr(builder->parser->arena, (struct cf_str){builder->word, builder->n});
        term->word[term->n_words++].wildcard = builder->wildcard;
    } else if (builder->n > 0) {
        builder->too_many = true;
    }
    builder->n = 0;
    builder->wildcard = false;
    builder->last = NOTHING;
}

static void add_wildcard(struct builder *builder, char c)
{
    if (builder->n == 0) /* leading ones mean nothing */
        return;
    if (builder->n < WORD_BYTES)
        builder->word[builder->n++] = c;
    builder->wildcard = true;
    if (c == '*' && builder->last == DIGITS)
        builder->term->digits_wildcard = true;
}

static void add_character(struct builder *builder, uint32_t c)
{
    bool digit = c >= '0' && c <= '9', letter = (c >= 'a' && c <= 'z') || c >= 0xc0;

    if (!digit && !letter) {
        end_word(builder);
        return;
    }
    if (builder->last != NOTHING && (builder->last == DIGITS) != digit)
        end_word(builder);
    builder->last = digit ? DIGITS : LETTERS;
    builder->letters = builder->letters || letter;
    builder->characters++;
    if (builder->n < WORD_BYTES)
        builder->n += sf_utf8_put(builder->word + builder->n, c);
    if (digit && builder->n_digits + 1 < sizeof(builder->digits))
        builder->digits[builder->n_digits++] = (char)c;
}

/* One character of a run; false: the run ends here (operator, parenthesis, quote) or the text is wrong. */
static bool take_character(struct parser *parser, struct builder *builder, bool quoted)
{
    struct cf_str rest = {parser->text.p + parser->at, parser->text.n - parser->at};
    char c = rest.p[0];

    if (c == '"' || (!parser->plain && !quoted && (c == '(' || c == ')')))
        return false;
    if (c == '\\' && !parser->plain) {
        if (rest.n < 2 || !is_reserved(rest.p[1])) {
            (void)reject(parser, "a backslash may only stand before a reserved character", "");
            return false;
        }
        end_word(builder);
        parser->at += 2;
        return true;
    }
    if (c == '*' || c == '?') {
        if (builder->n == 0 && !parser->plain) {
            (void)reject(parser, "a search term may not start with a wildcard", "");
            return false;
        }
        add_wildcard(builder, c);
        parser->at++;
        return true;
    }
    if (is_reserved(c) && !parser->plain) {
        (void)reject(parser, "reserved characters must be escaped with a backslash: ", (char[]){c, '\0'});
        return false;
    }
    add_character(builder, sf_text_next(&rest));
    parser->at = (size_t)(rest.p - parser->text.p);
    return true;
}

static bool at_operator(const struct parser *parser)
{
    bool at_word = parser->at == 0 || is_space(parser->text.p[parser->at - 1]);

    return at_word && (operator_at(parser, parser->at, "and") || operator_at(parser, parser->at, "or"));
}

static struct sosl_term *finish_run(struct parser *parser, struct builder *builder)
{
    end_word(builder);
    if (parser->fail->status)
        return NULL;
    if (builder->too_many)
        return reject(parser, "too many words in a search term", "");
    if (builder->characters < 2)
        return reject(parser, "search term must be longer than one character: ",
                      cf_arena_cstr(parser->arena, parser->text));
    builder->term->digits = "";
    if (!builder->letters && builder->n_digits >= SF_PHONE_SUFFIX_MIN)
        builder->term->digits =
            cf_arena_cstr(parser->arena, (struct cf_str){builder->digits, builder->n_digits});
    return builder->term;
}

static struct sosl_term *parse_run(struct parser *parser, bool quoted)
{
    struct builder builder = {.parser = parser,
                              .term = cf_arena_zalloc(parser->arena, sizeof(struct sosl_term))};

    builder.term->kind = SOSL_RUN;
    builder.term->phrase = quoted;
    if (++parser->runs > SOSL_MAX_RUNS)
        return reject(parser, "too many search terms", "");
    while (parser->at < parser->text.n && (quoted || !at_operator(parser))) {
        if (!take_character(parser, &builder, quoted))
            break;
    }
    if (quoted && parser->fail->status == 0) {
        if (parser->at >= parser->text.n)
            return reject(parser, "a quoted phrase has no closing quote", "");
        parser->at++;
    }
    return finish_run(parser, &builder);
}

/* ---- operators ---- */

static struct sosl_term *parse_simple(struct parser *parser)
{
    struct sosl_term *term;
    char c = '\0';

    skip_spaces(parser);
    if (parser->at < parser->text.n)
        c = parser->text.p[parser->at];
    if (c == '"') {
        parser->at++;
        return parse_run(parser, true);
    }
    if (c != '(' || parser->plain)
        return parse_run(parser, false);
    parser->at++;
    if (++parser->depth > SOSL_MAX_DEPTH)
        return reject(parser, "search terms are nested too deeply", "");
    term = parse_or(parser);
    parser->depth--;
    skip_spaces(parser);
    if (term && (parser->at >= parser->text.n || parser->text.p[parser->at] != ')'))
        return reject(parser, "missing ) in the search term", "");
    parser->at++;
    return term;
}

static struct sosl_term *combine(struct parser *parser, enum sosl_kind kind, struct sosl_term *left,
                                 struct sosl_term *right)
{
    struct sosl_term *term = cf_arena_zalloc(parser->arena, sizeof(*term));

    if (!left || !right)
        return NULL;
    term->kind = kind;
    term->left = left;
    term->right = right;
    return term;
}

/* Terms side by side, with or without AND, must all be there. */
static struct sosl_term *parse_and(struct parser *parser)
{
    struct sosl_term *term = parse_simple(parser);

    while (term) {
        enum sosl_kind kind = SOSL_AND;

        skip_spaces(parser);
        if (parser->at >= parser->text.n || (!parser->plain && parser->text.p[parser->at] == ')') ||
            operator_at(parser, parser->at, "or"))
            break;
        if (take_operator(parser, "and") && take_operator(parser, "not"))
            kind = SOSL_AND_NOT;
        term = combine(parser, kind, term, parse_simple(parser));
    }
    return term;
}

static struct sosl_term *parse_or(struct parser *parser)
{
    struct sosl_term *term = parse_and(parser);

    while (term && take_operator(parser, "or"))
        term = combine(parser, SOSL_OR, term, parse_and(parser));
    return term;
}

struct sosl_term *sosl_parse_term(struct cf_arena *arena, struct cf_str text, bool plain,
                                  struct sf_fail *fail)
{
    struct parser parser = {.arena = arena, .text = cf_str_trim(text), .plain = plain, .fail = fail};
    struct sosl_term *term;

    if (text.n > SOSL_MAX_CHARS)
        return reject(&parser, "search string is too long", "");
    if (!sf_utf8_valid(text))
        return reject(&parser, "search string is not valid UTF-8", "");
    term = parse_or(&parser);
    skip_spaces(&parser);
    if (term && parser.at < parser.text.n)
        return reject(&parser,
                      "unexpected character in the search term: ", (char[]){parser.text.p[parser.at], '\0'});
    return term;
}

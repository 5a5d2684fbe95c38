/* SPDX-License-Identifier: Apache-2.0 */
/* What a call that is over becomes: fields, texts, parts. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "postcall_rules.h"

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))
#define ENDED_AT 1795342530123 /* 2026-11-22T10:15:30.123Z */

static struct cf_arena *arena;

static void setup(void)
{
    arena = cf_arena_new(64U << 20);
}

static void teardown(void)
{
    cf_arena_free(arena);
}

static struct cf_call_ended call_of(void)
{
    return (struct cf_call_ended){.call_id = CF_STR("c-1"),
                                  .ended_at = ENDED_AT,
                                  .talk_ms = -1,
                                  .hold_ms = -1,
                                  .queue_ms = -1,
                                  .started_at = INT64_MIN};
}

static struct cf_call_ended full_call(void)
{
    struct cf_call_ended ended = call_of();

    ended.ended_by = CF_STR("caller");
    ended.reason = CF_STR("hang-up");
    ended.agent_id = CF_STR("a-7");
    ended.agent_name = CF_STR("Jane Doe");
    ended.queue_id = CF_STR("support");
    ended.wrap_up_code = CF_STR("Solved");
    ended.notes = CF_STR("First line\nsecond line");
    ended.recording_url = CF_STR("https://rec.example/1");
    ended.transcript_url = CF_STR("https://rec.example/1.txt");
    ended.ani = CF_STR("+15207739050");
    ended.dnis = CF_STR("+18005550100");
    ended.talk_ms = 200500;
    ended.hold_ms = 9999;
    ended.queue_ms = 61000;
    return ended;
}

static const struct postcall_rules rules = {
    .subject = "Call {callId}", .write_abandoned = true, .write_unmatched = false};
static const struct postcall_customer customer = {
    {"003000000000001AAA", 18}, {"001000000000001AAA", 18}, {"500000000000001AAA", 18}};

static bool is(struct cf_str text, const char *want)
{
    return want ? text.p && cf_str_is(text, want) : !text.p;
}

START_TEST(test_full_call)
{
    struct cf_call_ended ended = full_call();
    struct postcall_plan plan;

    postcall_decide(arena, &rules, &ended, &customer, &plan);
    ck_assert(!plan.nothing && !plan.consult);
    ck_assert(is(plan.key, "c-1"));
    ck_assert(is(plan.marker, "[callfleet:c-1]"));
    ck_assert(is(plan.subject, "Call c-1"));
    ck_assert(is(plan.call_type, "Inbound"));
    ck_assert(is(plan.disposition, "Solved"));
    ck_assert(is(plan.activity_date, "2026-11-22"));
    ck_assert_int_eq(plan.duration_s, 210);
    ck_assert_uint_eq(plan.n_parts, 1);
    ck_assert_str_eq(plan.parts[0].p, "Inbound call c-1, ended 2026-11-22 10:15 UTC\n"
                                      "From: +15207739050\n"
                                      "To: +18005550100\n"
                                      "Agent: Jane Doe (a-7)\n"
                                      "Queue: support\n"
                                      "Waited: 1:01\n"
                                      "Talked: 3:20\n"
                                      "Held: 0:09\n"
                                      "Result: Solved\n"
                                      "Ended by: caller\n"
                                      "Reason: hang-up\n"
                                      "Notes: First line\nsecond line\n"
                                      "Recording: https://rec.example/1\n"
                                      "Transcript: https://rec.example/1.txt\n"
                                      "[callfleet:c-1]");
    ck_assert(cf_str_eq(plan.description, plan.parts[0]));
}
END_TEST

START_TEST(test_bare_call)
{
    struct cf_call_ended ended = call_of();
    struct postcall_plan plan;

    postcall_decide(arena, &rules, &ended, &customer, &plan);
    ck_assert_str_eq(plan.parts[0].p, "Inbound call c-1, abandoned 2026-11-22 10:15 UTC\n[callfleet:c-1]");
    ck_assert(is(plan.disposition, "Abandoned"));
    ck_assert_int_eq(plan.duration_s, 0);
}
END_TEST

START_TEST(test_without_a_case)
{
    struct postcall_customer no_case = {.account_id = customer.account_id};
    struct cf_call_ended ended = full_call();
    struct postcall_plan plan;

    postcall_decide(arena, &rules, &ended, &no_case, &plan);
    ck_assert(!plan.nothing);
    ck_assert_uint_eq(plan.n_parts, 0);
}
END_TEST

static const struct {
    bool known, agent, write_abandoned, write_unmatched, nothing;
} choices[] = {
    {true, true, false, false, false}, {true, false, true, false, false}, {true, false, false, false, true},
    {false, true, true, false, true},  {false, true, true, true, false},  {false, false, false, true, true},
};

START_TEST(test_choices)
{
    static const struct postcall_customer nobody = {{0}, {0}, {0}};
    struct postcall_rules chosen = rules;
    struct cf_call_ended ended = call_of();
    struct postcall_plan plan;

    chosen.write_abandoned = choices[_i].write_abandoned;
    chosen.write_unmatched = choices[_i].write_unmatched;
    if (choices[_i].agent)
        ended.agent_id = CF_STR("a");
    postcall_decide(arena, &chosen, &ended, choices[_i].known ? &customer : &nobody, &plan);
    ck_assert_int_eq(plan.nothing, choices[_i].nothing);
}
END_TEST

START_TEST(test_consult_call)
{
    struct cf_call_ended ended = full_call();
    struct postcall_plan plan;

    ended.parent_call_id = CF_STR("p-1");
    postcall_decide(arena, &rules, &ended, &customer, &plan);
    ck_assert(plan.consult);
    ck_assert(is(plan.key, "p-1"));
    ck_assert(is(plan.marker, "[callfleet:c-1]"));
    ck_assert(cf_str_starts(plan.parts[0], CF_STR("Consult call c-1 of call p-1, ended ")));
    ended.parent_call_id = ended.call_id; /* not a consult call */
    postcall_decide(arena, &rules, &ended, &customer, &plan);
    ck_assert(!plan.consult);
}
END_TEST

static const struct {
    const char *agent, *reason, *wrap_up, *direction, *disposition, *call_type;
    int64_t talk_ms, hold_ms, started_ago_ms, duration_s; /* -1: absent */
} rows[] = {
    {"a", "r", "w", NULL, "w", "Inbound", 1000, -1, -1, 1},
    {"a", "r", NULL, "outbound", "r", "Outbound", 1999, 1001, -1, 3},
    {"a", NULL, NULL, "inbound", NULL, "Inbound", -1, 5000, 70000, 70},
    {"a", NULL, NULL, "sideways", NULL, "Inbound", -1, -1, -1, -1},
    {NULL, "r", NULL, NULL, "Abandoned", "Inbound", -1, -1, 70000, 0},
    {NULL, NULL, NULL, NULL, "Abandoned", "Inbound", 0, -1, -1, 0},
    {NULL, "r", NULL, NULL, "r", "Inbound", 5000, -1, -1, 5},
    {"a", NULL, NULL, NULL, NULL, "Inbound", -1, -1, -5000, -1}, /* starts after its end */
};

START_TEST(test_rows)
{
    struct cf_call_ended ended = call_of();
    struct postcall_plan plan;

    ended.agent_id = cf_str_of(rows[_i].agent);
    ended.reason = cf_str_of(rows[_i].reason);
    ended.wrap_up_code = cf_str_of(rows[_i].wrap_up);
    ended.direction = cf_str_of(rows[_i].direction);
    ended.talk_ms = rows[_i].talk_ms;
    ended.hold_ms = rows[_i].hold_ms;
    if (rows[_i].started_ago_ms != -1)
        ended.started_at = ENDED_AT - rows[_i].started_ago_ms;
    postcall_decide(arena, &rules, &ended, &customer, &plan);
    ck_assert(is(plan.disposition, rows[_i].disposition));
    ck_assert(is(plan.call_type, rows[_i].call_type));
    ck_assert_int_eq(plan.duration_s, rows[_i].duration_s);
}
END_TEST

/* ---- templates ---- */

static const struct {
    const char *text, *want;
} templates[] = {
    {"Call {callId}", "Call c-1"},
    {"{agentName} ({agentId}), {queueId}", "Jane Doe (a-7), support"},
    {"{talkSeconds}/{holdSeconds}/{queueSeconds}", "200/9/61"},
    {"{endedAt}", "2026-11-22T10:15:30.123Z"},
    {"{attributes.tier}", "gold"},
    {"{attributes.none}|{parentCallId}|{entryPointId}", "||"},
    {"{direction} {ani} {dnis}", "inbound +15207739050 +18005550100"},
    {"{wrapUpCode} {reason} {endedBy}", "Solved hang-up caller"},
    {"{recordingUrl}", "https://rec.example/1"},
    {"}{callId}{", "}c-1{"},
    {"  {parentCallId}  ", ""},
    {"{unclosed", "{unclosed"},
    {"plain", "plain"},
};

START_TEST(test_templates)
{
    struct cf_err err;
    struct cf_call_ended ended = full_call();

    ended.attributes = cf_json_parse(arena, CF_STR("{\"tier\":\"gold\"}"), &err);
    ck_assert_ptr_nonnull(ended.attributes);
    ck_assert_ptr_null(postcall_template_unknown(cf_str_of(templates[_i].text)).p);
    ck_assert_str_eq(postcall_render(arena, cf_str_of(templates[_i].text), &ended).p, templates[_i].want);
}
END_TEST

static const struct {
    const char *subject, *field, *value;
    bool good;
} checks[] = {
    {"Call {callId}", "Queue__c", "{queueId}", true},
    {"x", "F1", "", true},
    {"Call {callid}", "Queue__c", "x", false},
    {"Call {}", "Queue__c", "x", false},
    {"x", "Queue__c", "{what}", false},
    {"x", "Queue-c", "x", false},
    {"x", "", "x", false},
    {"x", "1x", "x", false},
    {"x", "a b", "x", false},
    {"x {text}", "F1", "x", false}, /* of description and comment only */
    {"x", "Subject", "x", false},   /* has a key of its own */
    {"x", "description", "x", false},
    {"x", "WhatId", "x", false},
    {"x", "Priority", "High", true},
};

START_TEST(test_check)
{
    const struct cf_pair fields[] = {{checks[_i].field, checks[_i].value}, {NULL, NULL}};
    const struct postcall_rules checked = {.subject = checks[_i].subject, .task_fields = fields};
    struct cf_err err = {0};

    ck_assert_int_eq(postcall_rules_check(&checked, &err), checks[_i].good ? 0 : -1);
    if (!checks[_i].good)
        ck_assert_int_eq(err.kind, CF_ERR_CONFIG);
}
END_TEST

START_TEST(test_task_fields)
{
    static const struct cf_pair fields[] = {
        {"Queue__c", "q:{queueId}"}, {"None__c", "{parentCallId}"}, {NULL, NULL}};
    struct postcall_rules mapped = rules;
    struct cf_call_ended ended = full_call();
    struct postcall_plan plan;

    mapped.task_fields = fields;
    postcall_decide(arena, &mapped, &ended, &customer, &plan);
    ck_assert_uint_eq(plan.n_fields, 1); /* an empty value would only clear what others have set */
    ck_assert_str_eq(plan.fields[0].name, "Queue__c");
    ck_assert(is(plan.fields[0].value, "q:support"));
}
END_TEST

START_TEST(test_texts_by_template)
{
    struct postcall_rules own = rules;
    struct cf_call_ended ended = full_call();
    struct postcall_plan plan;
    struct cf_err err;

    own.disposition = "{wrapUpCode}/{callType}/{durationSeconds}/{endedDate}";
    own.description = "D {callId}: {text}";
    own.comment = "{notes}";
    own.recording_link = "https://play.example/{callId}";
    ck_assert_int_eq(postcall_rules_check(&own, &err), -1); /* {notes} is in {text} */
    own.comment = "{agentName}";
    ck_assert_int_eq(postcall_rules_check(&own, &err), 0);
    postcall_decide(arena, &own, &ended, &customer, &plan);
    ck_assert(is(plan.disposition, "Solved/Inbound/210/2026-11-22"));
    ck_assert(cf_str_starts(plan.description, CF_STR("D c-1: Inbound call c-1, ended ")));
    ck_assert_ptr_nonnull(strstr(plan.description.p, "\nRecording: https://play.example/c-1\n"));
    ck_assert_str_eq(plan.parts[0].p, "Jane Doe\n[callfleet:c-1]");
    own.recording_link = "https://play.example/?u={recordingUrl}";
    ended.recording_url = (struct cf_str){0};
    own.disposition = "{parentCallId}";
    postcall_decide(arena, &own, &ended, &customer, &plan);
    ck_assert_ptr_null(strstr(plan.description.p, "Recording:"));
    ck_assert_ptr_null(plan.disposition.p);
}
END_TEST

/* ---- cutting ---- */

static const struct {
    const char *text;
    size_t units, bytes;
} cuts[] = {
    {"abc", 5, 3},
    {"abc", 2, 2},
    {"abc", 0, 0},
    {"", 3, 0},
    {"\xc3\xa9\xc3\xa9", 1, 2},
    {"\xe2\x82\xac\xe2\x82\xac", 1, 3},
    {"\xf0\x9f\x98\x80", 1, 0},
    {"\xf0\x9f\x98\x80", 2, 4},
    {"a\xf0\x9f\x98\x80z", 3, 5},
};

START_TEST(test_cut)
{
    ck_assert_uint_eq(postcall_cut(cf_str_of(cuts[_i].text), cuts[_i].units).n, cuts[_i].bytes);
}
END_TEST

static bool is_utf8(struct cf_str text)
{
    for (size_t i = 0; i < text.n;) {
        unsigned char c = (unsigned char)text.p[i];
        size_t more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 9;

        if (more == 9 || i + more >= text.n)
            return false;
        for (i++; more > 0; more--, i++) {
            if (((unsigned char)text.p[i] & 0xc0) != 0x80)
                return false;
        }
    }
    return true;
}

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static struct cf_str random_text(uint64_t *seed, size_t size)
{
    static const char *const characters[] = {"a", "\n", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                             " ", "]"};
    struct cf_buf buf;
    struct cf_str text;

    cf_buf_init(&buf, size + 4);
    while (buf.n < size)
        cf_buf_text(&buf, characters[next(seed) % 7]);
    text = cf_arena_str(arena, cf_buf_view(&buf));
    cf_buf_done(&buf);
    return text;
}

/* Each part is valid, small enough and known again; together they are the text. */
static void check_parts(struct cf_str text, struct cf_str marker)
{
    struct cf_str parts[POSTCALL_MAX_PARTS];
    size_t n = postcall_split(arena, text, marker, parts), at = 0, part, of;

    ck_assert_uint_ge(n, 1);
    for (size_t i = 0; i < n; i++) {
        const char *line = memrchr(parts[i].p, '\n', parts[i].n);
        size_t size = (size_t)(line - parts[i].p);

        ck_assert_uint_le(parts[i].n, POSTCALL_COMMENT_BYTES);
        ck_assert(is_utf8(parts[i]));
        ck_assert(postcall_part_of(parts[i], marker, &part, &of));
        ck_assert_uint_eq(part, i);
        ck_assert_uint_eq(of, n);
        ck_assert_uint_le(at + size, text.n);
        ck_assert_int_eq(memcmp(parts[i].p, text.p + at, size), 0);
        at += size;
    }
    ck_assert_uint_eq(at, text.n);
}

START_TEST(test_split_property)
{
    uint64_t seed = 4711 + (uint64_t)_i;

    for (int round = 0; round < 200; round++) {
        size_t size = next(&seed) % 70000;

        check_parts(random_text(&seed, size), CF_STR("[callfleet:c-1]"));
        cf_arena_clear(arena);
    }
}
END_TEST

/* Every size around the border between one part and two. */
START_TEST(test_split_at_the_border)
{
    struct cf_str marker = CF_STR("[callfleet:0123456789]"), parts[POSTCALL_MAX_PARTS];
    size_t one = POSTCALL_COMMENT_BYTES - 1 - marker.n;
    uint64_t seed = 1;

    for (size_t size = one - 8; size < one + 8; size++)
        check_parts(random_text(&seed, size), marker);
    ck_assert_uint_eq(postcall_split(arena, (struct cf_str){random_text(&seed, 5000).p, 0}, marker, parts),
                      1);
}
END_TEST

START_TEST(test_split_is_bounded)
{
    struct cf_str parts[POSTCALL_MAX_PARTS], marker = CF_STR("[callfleet:c-1]");
    uint64_t seed = 1;

    ck_assert_uint_eq(postcall_split(arena, random_text(&seed, 500000), marker, parts), POSTCALL_MAX_PARTS);
}
END_TEST

static const struct {
    const char *body;
    size_t part, of; /* of 0: not ours */
} bodies[] = {
    {"text\n[callfleet:c-1]", 0, 1},
    {"[callfleet:c-1]", 0, 1},
    {"text\r\n[callfleet:c-1]\r\n ", 0, 1},
    {"text\n[callfleet:c-1] (2/3)", 1, 3},
    {"text\n[callfleet:c-1] (20/20)", 19, 20},
    {"text\n[callfleet:c-10]", 0, 0},
    {"text [callfleet:c-1]", 0, 0},
    {"[callfleet:c-1]\n[callfleet:c-2]", 0, 0}, /* somebody's notes quote us */
    {"text\n[callfleet:c-1] (0/3)", 0, 0},
    {"text\n[callfleet:c-1] (4/3)", 0, 0},
    {"text\n[callfleet:c-1] (1/99)", 0, 0},
    {"text\n[callfleet:c-1] (1/3", 0, 0},
    {"text\n[callfleet:c-1] (/3)", 0, 0},
    {"text\n[callfleet:c-1] x", 0, 0},
    {"", 0, 0},
};

START_TEST(test_part_of)
{
    size_t part, of;
    bool ours = postcall_part_of(cf_str_of(bodies[_i].body), CF_STR("[callfleet:c-1]"), &part, &of);

    ck_assert_int_eq(ours, bodies[_i].of != 0);
    if (ours) {
        ck_assert_uint_eq(part, bodies[_i].part);
        ck_assert_uint_eq(of, bodies[_i].of);
    }
}
END_TEST

START_TEST(test_long_fields)
{
    struct cf_call_ended ended = full_call();
    struct postcall_rules long_subject = rules;
    struct postcall_plan plan;
    uint64_t seed = 3;

    ended.notes = random_text(&seed, 60000);
    ended.wrap_up_code = random_text(&seed, 2000);
    long_subject.subject = "{wrapUpCode}{wrapUpCode}";
    postcall_decide(arena, &long_subject, &ended, &customer, &plan);
    ck_assert_uint_le(plan.subject.n, 4UL * 255);
    ck_assert(is_utf8(plan.subject) && is_utf8(plan.disposition) && is_utf8(plan.description));
    ck_assert_uint_eq(postcall_cut(plan.description, 32000).n, plan.description.n);
    ck_assert_str_eq(plan.description.p + plan.description.n - 16, "\n[callfleet:c-1]");
    ck_assert_uint_gt(plan.n_parts, 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("postcall-rules");
    TCase *tcase = tcase_create("rules");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_full_call);
    tcase_add_test(tcase, test_bare_call);
    tcase_add_test(tcase, test_without_a_case);
    tcase_add_loop_test(tcase, test_choices, 0, ROWS(choices));
    tcase_add_test(tcase, test_consult_call);
    tcase_add_loop_test(tcase, test_rows, 0, ROWS(rows));
    tcase_add_loop_test(tcase, test_templates, 0, ROWS(templates));
    tcase_add_loop_test(tcase, test_check, 0, ROWS(checks));
    tcase_add_test(tcase, test_task_fields);
    tcase_add_test(tcase, test_texts_by_template);
    tcase_add_loop_test(tcase, test_cut, 0, ROWS(cuts));
    tcase_add_loop_test(tcase, test_split_property, 0, 4);
    tcase_add_test(tcase, test_split_at_the_border);
    tcase_add_test(tcase, test_split_is_bounded);
    tcase_add_loop_test(tcase, test_part_of, 0, ROWS(bodies));
    tcase_add_test(tcase, test_long_fields);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope: which of the three forms a record has, and what stands around the data. */
#include "event/event.h"

#include <assert.h>
#include <stdio.h>
#include <uuid.h>

#include "event/event_priv.h"

#define FRAME_BYTES 5           /* schema registry: 0x00 and a 4-byte schema id */
#define MAX_DERIVED_BYTES 65536 /* of the text that an id is derived from */

#define NAMES(topic)                                                                                         \
    {                                                                                                        \
        (topic),                                                                                             \
        {                                                                                                    \
            "callfleet." topic ".v1", sizeof("callfleet." topic ".v1") - 1                                   \
        }                                                                                                    \
    }

static const struct {
    const char *name;
    struct cf_str type; /* of the envelope; NUL-terminated */
} names[CF_EVENT_TYPES] = {
    [CF_EVENT_CALL_STARTED] = NAMES("call-started"), [CF_EVENT_CALL_QUEUED] = NAMES("call-queued"),
    [CF_EVENT_CALL_ENDED] = NAMES("call-ended"),     [CF_EVENT_AGENT_STATE] = NAMES("agent-state"),
    [CF_EVENT_CALL_ROUTED] = NAMES("call-routed"),   [CF_EVENT_CALL_UPDATED] = NAMES("call-updated"),
};

enum form { FORM_BARE, FORM_BINARY, FORM_STRUCTURED };

static int reject(struct cf_err *err, const char *problem)
{
    return cf_err_set(err, CF_ERR_REJECTED, "event", 0, "%s", problem);
}

const char *cf_event_name(enum cf_event_type type)
{
    assert(type < CF_EVENT_TYPES);
    return names[type].name;
}

/* ---- headers ---- */

/* The last header of that name counts, as everywhere in Kafka. */
static const struct cf_header *find_header(const struct cf_record *record, const char *name)
{
    for (size_t i = record->n_headers; i > 0; i--) {
        if (cf_str_eq_nocase(record->headers[i - 1].name, cf_str_of(name)))
            return &record->headers[i - 1];
    }
    return NULL;
}

static int check_headers(const struct cf_record *record, struct cf_err *err)
{
    size_t bytes = 0;

    for (size_t i = 0; i < record->n_headers; i++)
        bytes += record->headers[i].name.n + record->headers[i].value.n;
    if (bytes > CF_EVENT_MAX_HEADER_BYTES)
        return reject(err, "headers: more than 65536 bytes");
    return 0;
}

/* The attributes that binary mode carries in headers. */
static const struct {
    const char *header, *attribute;
    bool marks; /* its presence says that the record is in binary mode */
} attributes[] = {{"ce_specversion", "specversion", true}, {"ce_id", "id", true},
                  {"ce_source", "source", true},           {"ce_type", "type", true},
                  {"ce_subject", "subject", false},        {"ce_time", "time", false},
                  {"ce_traceparent", "traceparent", false}};
#define N_ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))

/* By the headers; without any that says so, an object with a `specversion` is structured too, because many
 * producers cannot set headers. */
static enum form form_of(const struct cf_record *record, const struct cf_json *root)
{
    const struct cf_str structured = CF_STR("application/cloudevents");
    const struct cf_header *content_type = find_header(record, "content-type");

    if (content_type && content_type->value.n >= structured.n &&
        cf_str_eq_nocase((struct cf_str){content_type->value.p, structured.n}, structured))
        return FORM_STRUCTURED;
    for (size_t i = 0; i < N_ATTRIBUTES; i++) {
        if (attributes[i].marks && find_header(record, attributes[i].header))
            return FORM_BINARY;
    }
    return cf_json_get(root, "specversion") ? FORM_STRUCTURED : FORM_BARE;
}

/* A header's text as a JSON string node. Unlike the value, nobody has checked it before. */
static struct cf_json *header_node(struct cf_arena *arena, struct cf_str value, struct cf_err *err)
{
    struct cf_json *node = cf_arena_zalloc(arena, sizeof(*node));

    if (!cf_json_utf8_ok(value)) {
        (void)reject(err, "headers: an attribute is not text in UTF-8");
        return NULL;
    }
    node->type = CF_JSON_STRING;
    node->u.str = cf_arena_str(arena, value);
    return node;
}

/* Builds the envelope of binary mode: an object of the header's attributes with `data` as its last member. */
static int binary_envelope(struct cf_arena *arena, const struct cf_record *record, const struct cf_json *data,
                           struct cf_json *ret_root, struct cf_err *err)
{
    struct cf_json *last = cf_arena_alloc(arena, sizeof(*last));

    *last = *data;
    last->key = CF_STR("data");
    last->next = NULL;
    *ret_root = (struct cf_json){.type = CF_JSON_OBJECT, .u.first = last};
    for (size_t i = 0; i < N_ATTRIBUTES; i++) {
        const struct cf_header *header = find_header(record, attributes[i].header);
        struct cf_json *node;

        if (!header)
            continue;
        node = header_node(arena, header->value, err);
        if (!node)
            return -1;
        node->key = cf_str_of(attributes[i].attribute);
        node->next = ret_root->u.first;
        ret_root->u.first = node;
    }
    return 0;
}

/* ---- decoding ---- */

/* version-traceid-parentid-flags in lower-case hex. */
static bool traceparent_ok(struct cf_str text)
{
    static const char form[] = "hh-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";

    if (text.n != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        bool hex = (text.p[i] >= '0' && text.p[i] <= '9') || (text.p[i] >= 'a' && text.p[i] <= 'f');

        if (form[i] == 'h' ? !hex : text.p[i] != '-')
            return false;
    }
    return true;
}

static int read_envelope(struct cf_arena *arena, const struct cf_json *root, struct cf_event *event,
                         const struct cf_json **ret_data, struct cf_err *err)
{
    const struct cf_str type = names[event->type].type;
    struct cf_envelope envelope = {0};

    if (cf_event_read_object(arena, &cf_event_envelope_table, root, &envelope, err) < 0)
        return -1;
    if (!cf_str_is(envelope.specversion, "1.0"))
        return reject(err, "field specversion: not 1.0");
    if (!cf_str_eq(envelope.type, type))
        return cf_err_set(err, CF_ERR_REJECTED, "event", 0, "field type: not %s", type.p);
    event->id = envelope.id;
    event->source = envelope.source;
    event->time = envelope.time;
    /* A broken trace is no reason to lose a call: it is dropped alone. */
    if (traceparent_ok(envelope.traceparent))
        event->traceparent = envelope.traceparent;
    *ret_data = envelope.data;
    return 0;
}

/* Finds the data object and fills what the envelope says. */
static int open_envelope(struct cf_arena *arena, const struct cf_record *record, const struct cf_json *root,
                         struct cf_event *event, const struct cf_json **ret_data, struct cf_err *err)
{
    enum form form = form_of(record, root);
    struct cf_json envelope;

    if (form == FORM_STRUCTURED)
        return read_envelope(arena, root, event, ret_data, err);
    if (form == FORM_BINARY) {
        if (binary_envelope(arena, record, root, &envelope, err) < 0)
            return -1;
        return read_envelope(arena, &envelope, event, ret_data, err);
    }
    event->id = cf_arena_printf(arena, "%s-%d-%lld", record->topic, (int)record->partition,
                                (long long)record->offset);
    event->time = CF_EVENT_NO_TIME;
    *ret_data = root;
    return 0;
}

int cf_event_decode(struct cf_arena *arena, enum cf_event_type type, const struct cf_record *record,
                    const struct cf_event **ret_event, struct cf_err *err)
{
    struct cf_str value = record->value;
    const struct cf_json *root, *data = NULL;
    struct cf_event *event;

    assert(type < CF_EVENT_TYPES);
    if (!value.p)
        return reject(err, "value: null");
    if (record->key.p && record->key.n == 0)
        return reject(err, "key: empty");
    if (check_headers(record, err) < 0)
        return -1;
    if (value.n >= FRAME_BYTES && value.p[0] == '\0')
        value = (struct cf_str){value.p + FRAME_BYTES, value.n - FRAME_BYTES};
    root = cf_json_parse(arena, value, err);
    if (!root)
        return -1;
    event = cf_arena_zalloc(arena, sizeof(*event));
    event->type = type;
    if (open_envelope(arena, record, root, event, &data, err) < 0 ||
        cf_event_read_object(arena, cf_event_data_table(type), data, &event->data, err) < 0)
        return -1;
    *ret_event = event;
    return 0;
}

int cf_event_read_data(struct cf_arena *arena, enum cf_event_type type, const struct cf_json *node,
                       struct cf_event *ret_event, struct cf_err *err)
{
    struct cf_event event = {.type = type, .time = CF_EVENT_NO_TIME};

    if (cf_event_read_object(arena, cf_event_data_table(type), node, &event.data, err) < 0)
        return -1;
    *ret_event = event;
    return 0;
}

int cf_event_read_customer(struct cf_arena *arena, const struct cf_json *node,
                           struct cf_customer *ret_customer, struct cf_err *err)
{
    struct cf_customer customer = {0};

    if (cf_event_read_object(arena, &cf_event_customer_table, node, &customer, err) < 0)
        return -1;
    *ret_customer = customer;
    return 0;
}

/* ---- encoding ---- */

static struct cf_str first_of(struct cf_str a, struct cf_str b)
{
    return a.p ? a : b;
}

/* What the event is about. */
static struct cf_str subject_of(const struct cf_event *event)
{
    switch (event->type) {
    case CF_EVENT_CALL_STARTED:
        return event->data.call_started.call_id;
    case CF_EVENT_CALL_QUEUED:
        return event->data.call_queued.call_id;
    case CF_EVENT_CALL_ENDED:
        return event->data.call_ended.call_id;
    case CF_EVENT_AGENT_STATE:
        return event->data.agent_state.agent_id;
    case CF_EVENT_CALL_ROUTED:
        return first_of(event->data.call_routed.call_id, event->data.call_routed.agent_id);
    case CF_EVENT_CALL_UPDATED:
        return event->data.call_updated.call_id;
    case CF_EVENT_TYPES:
        break;
    }
    return (struct cf_str){0};
}

int cf_event_encode(const struct cf_event *event, struct cf_buf *buf, struct cf_err *err)
{
    const struct cf_str source = event->source.p ? event->source : CF_STR("callfleet");
    struct cf_jsonw w;
    bool ok;

    assert(event->type < CF_EVENT_TYPES);
    if (!cf_event_word_ok(event->id, 1, 256) || !cf_event_word_ok(source, 1, 2048))
        return reject(err, "field id or source cannot be sent: empty, too long or with control characters");
    cf_buf_clear(buf);
    cf_jsonw_init(&w, buf);
    cf_jsonw_begin_object(&w);
    cf_jsonw_put_str(&w, "specversion", CF_STR("1.0"));
    cf_jsonw_put_str(&w, "id", event->id);
    cf_jsonw_put_str(&w, "source", source);
    cf_jsonw_put_str(&w, "type", names[event->type].type);
    cf_jsonw_opt_str(&w, "subject", subject_of(event));
    if (event->time != CF_EVENT_NO_TIME)
        cf_jsonw_put_time(&w, "time", event->time);
    cf_jsonw_put_str(&w, "datacontenttype", CF_STR("application/json"));
    if (traceparent_ok(event->traceparent))
        cf_jsonw_put_str(&w, "traceparent", event->traceparent);
    cf_jsonw_key(&w, "data");
    ok = cf_event_write_object(&w, cf_event_data_table(event->type), &event->data, err);
    cf_jsonw_end_object(&w);
    assert(w.depth == 0);
    if (ok && (buf->full || buf->n > CF_JSON_MAX_BYTES))
        return reject(err, "the event is too large to be sent");
    return ok ? 0 : -1;
}

void cf_event_write_data(struct cf_jsonw *w, const struct cf_event *event)
{
    (void)cf_event_write_object(w, cf_event_data_table(event->type), &event->data, NULL);
}

void cf_event_write_customer(struct cf_jsonw *w, const struct cf_customer *customer)
{
    (void)cf_event_write_object(w, &cf_event_customer_table, customer, NULL);
}

/* ---- names and ids ---- */

const char *cf_customer_status_name(enum cf_customer_status status)
{
    return cf_event_customer_statuses[status <= CF_CUSTOMER_OTHER ? status : CF_CUSTOMER_OTHER];
}

const char *cf_agent_status_name(enum cf_agent_status status)
{
    return cf_event_agent_statuses[status <= CF_AGENT_OTHER ? status : CF_AGENT_OTHER];
}

void cf_event_derive_id(struct cf_str source_event_id, const char *stage, const char *suffix, char ret_id[37])
{
    /* c5ae7346-12fd-45e1-9459-4845ab93b966: callfleet's own; it must never change. */
    static const uuid_t space = {0xc5, 0xae, 0x73, 0x46, 0x12, 0xfd, 0x45, 0xe1,
                                 0x94, 0x59, 0x48, 0x45, 0xab, 0x93, 0xb9, 0x66};
    struct cf_buf name;
    uuid_t id;

    cf_buf_init(&name, MAX_DERIVED_BYTES);
    cf_buf_str(&name, source_event_id);
    cf_buf_char(&name, '/');
    cf_buf_text(&name, stage);
    cf_buf_char(&name, '/');
    cf_buf_text(&name, suffix);
    assert(!name.full);
    uuid_generate_sha1(id, space, name.p, name.n);
    uuid_unparse_lower(id, ret_id);
    cf_buf_done(&name);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simdjson's DOM, turned into plain nodes. One parser per thread is kept, with a padded copy of the text, so
 * that a parse allocates only from the arena. Unescaped text is never longer than its JSON form, so one block
 * of the document's size holds all strings and keys.
 */
#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <memory>
#include <new>

#include "json/json_priv.h"

namespace dom = simdjson::dom;

namespace
{

constexpr size_t first_capacity = 16384;
constexpr size_t max_nodes_per_chunk = 256;

/* The reusable part: grows by doubling up to CF_JSON_MAX_BYTES and stays. */
struct reader {
    dom::parser parser;
    std::unique_ptr<char[]> padded;
    size_t capacity = 0;

    void reserve(size_t size)
    {
        size_t want = capacity ? capacity : first_capacity;

        if (size <= capacity)
            return;
        while (want < size)
            want *= 2;
        padded.reset(new (std::nothrow) char[want + simdjson::SIMDJSON_PADDING]);
        /* simdjson counts scalars as one level, hence one more. */
        if (!padded || parser.allocate(want, CF_JSON_MAX_DEPTH + 1) != simdjson::SUCCESS)
            abort();
        capacity = want;
    }
};

struct builder {
    cf_arena *arena;
    char *text; /* where the next string goes */
    cf_json *nodes;
    size_t nodes_left, nodes_total, chunk;
    bool escapes;        /* the text has a backslash somewhere: the only way to a NUL inside a string */
    const char *problem; /* set once, by what fails first */
};

bool fail(builder &b, const char *problem)
{
    b.problem = problem;
    return false;
}

cf_json *new_node(builder &b)
{
    if (b.nodes_left == 0) {
        b.nodes = static_cast<cf_json *>(cf_arena_alloc(b.arena, b.chunk * sizeof(cf_json)));
        b.nodes_left = b.chunk;
    }
    b.nodes_left--;
    b.nodes_total++;
    b.nodes->key = {nullptr, 0};
    b.nodes->next = nullptr;
    return b.nodes++;
}

bool copy(builder &b, std::string_view from, cf_str &to)
{
    if (b.escapes && std::memchr(from.data(), '\0', from.size()))
        return fail(b, "a string contains the NUL character");
    std::memcpy(b.text, from.data(), from.size());
    b.text[from.size()] = '\0';
    to = {b.text, from.size()};
    b.text += from.size() + 1;
    return true;
}

bool build(builder &b, dom::element from, cf_json &node);

bool build_array(builder &b, dom::array from, cf_json &node)
{
    const cf_json **link = &node.u.first;

    node.type = CF_JSON_ARRAY;
    *link = nullptr;
    for (dom::element element : from) {
        cf_json *child = new_node(b);

        if (!build(b, element, *child))
            return false;
        *link = child;
        link = &child->next;
    }
    return true;
}

bool build_object(builder &b, dom::object from, cf_json &node)
{
    const cf_json **link = &node.u.first;
    size_t count = 0;

    node.type = CF_JSON_OBJECT;
    *link = nullptr;
    for (dom::key_value_pair field : from) {
        cf_json *child = new_node(b);

        if (!copy(b, field.key, child->key) || !build(b, field.value, *child))
            return false;
        *link = child;
        link = &child->next;
        count++;
    }
    return !cf_json_has_duplicate(b.arena, &node, count) || fail(b, "an object has the same key twice");
}

bool build(builder &b, dom::element from, cf_json &node)
{
    if (b.nodes_total > CF_JSON_MAX_NODES)
        return fail(b, "too many values in one document");
    switch (from.type()) {
    case dom::element_type::ARRAY:
        return build_array(b, dom::array(from.get_array().value_unsafe()), node);
    case dom::element_type::OBJECT:
        return build_object(b, dom::object(from.get_object().value_unsafe()), node);
    case dom::element_type::STRING:
        node.type = CF_JSON_STRING;
        return copy(b, from.get_string().value_unsafe(), node.u.str);
    case dom::element_type::INT64:
        node.type = CF_JSON_INT;
        node.u.integer = from.get_int64().value_unsafe();
        return true;
    case dom::element_type::DOUBLE:
        node.type = CF_JSON_DOUBLE;
        node.u.number = from.get_double().value_unsafe();
        return true;
    case dom::element_type::BOOL:
        node.type = CF_JSON_BOOL;
        node.u.boolean = from.get_bool().value_unsafe();
        return true;
    case dom::element_type::NULL_VALUE:
        node.type = CF_JSON_NULL;
        return true;
    case dom::element_type::UINT64:
        return fail(b, "a whole number is beyond 64 bits");
    }
    return fail(b, "unknown kind of value");
}

} // namespace

extern "C" const cf_json *cf_json_shim_parse(cf_arena *arena, cf_str text, cf_err *err)
{
    thread_local reader reader;
    builder b = {};
    dom::element root;
    cf_json *node;

    reader.reserve(text.n);
    if (text.n > 0)
        std::memcpy(reader.padded.get(), text.p, text.n);
    simdjson::error_code code = reader.parser.parse(reader.padded.get(), text.n, false).get(root);
    if (code != simdjson::SUCCESS) {
        (void)cf_err_set(err, CF_ERR_REJECTED, "json", code, "not valid JSON: %s",
                         simdjson::error_message(code));
        return nullptr;
    }
    b.arena = arena;
    b.escapes = text.n > 0 && std::memchr(text.p, '\\', text.n);
    b.text = static_cast<char *>(cf_arena_alloc(arena, text.n + 1));
    b.chunk = text.n / 24 + 2;
    if (b.chunk > max_nodes_per_chunk)
        b.chunk = max_nodes_per_chunk;
    node = new_node(b);
    if (!build(b, root, *node)) {
        (void)cf_err_set(err, CF_ERR_REJECTED, "json", 0, "not valid JSON: %s", b.problem);
        return nullptr;
    }
    return node;
}

extern "C" size_t cf_json_shim_double(double value, char ret_text[CF_JSON_DOUBLE_SIZE])
{
    /* A large number without an exponent would read back as a whole number beyond 64 bits. */
    std::to_chars_result end =
        std::fabs(value) >= 1e15
            ? std::to_chars(ret_text, ret_text + CF_JSON_DOUBLE_SIZE, value, std::chars_format::scientific)
            : std::to_chars(ret_text, ret_text + CF_JSON_DOUBLE_SIZE, value);

    return static_cast<size_t>(end.ptr - ret_text);
}

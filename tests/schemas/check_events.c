/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-events - what the C decoders say about sample files: one line "accept FILE" or "reject FILE REASON"
 * per file. The folder that a file lies in names the event. <name>.binary.json holds {"headers", "data"}: the
 * headers and, as JSON, the value of a record in binary mode; any other file is the value of a record.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/event.h"

#define MAX_FILE_BYTES (4UL << 20)
#define MAX_HEADERS 32

struct sample {
    struct cf_buf text, value;
    struct cf_header headers[MAX_HEADERS];
    struct cf_record record;
};

static int read_file(const char *path, struct cf_buf *buf)
{
    FILE *file = fopen(path, "rb");
    char chunk[65536];
    size_t n;

    if (!file)
        return -1;
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
        cf_buf_add(buf, chunk, n);
    (void)fclose(file);
    return buf->full ? -1 : 0;
}

/* CF_EVENT_TYPES when the folder names none. */
static enum cf_event_type type_of(const char *path)
{
    const char *end = strrchr(path, '/');
    const char *start = end;
    int type = 0;

    if (!end)
        return CF_EVENT_TYPES;
    while (start > path && start[-1] != '/')
        start--;
    while (type < CF_EVENT_TYPES &&
           !cf_str_is((struct cf_str){start, (size_t)(end - start)}, cf_event_name((enum cf_event_type)type)))
        type++;
    return (enum cf_event_type)type;
}

static bool is_binary(const char *path)
{
    static const char suffix[] = ".binary.json";
    size_t n = strlen(path);

    return n >= sizeof(suffix) - 1 && strcmp(path + n - (sizeof(suffix) - 1), suffix) == 0;
}

/* Takes the wrapper of a binary sample apart. */
static int open_binary(struct cf_arena *arena, struct sample *sample, struct cf_err *err)
{
    const struct cf_json *root = cf_json_parse(arena, cf_buf_view(&sample->text), err);
    const struct cf_json *headers = cf_json_get(root, "headers"), *data = cf_json_get(root, "data");
    struct cf_jsonw w;
    size_t n = 0;

    if (!headers || !data)
        return -1;
    for (const struct cf_json *header = headers->u.first; header && n < MAX_HEADERS; header = header->next)
        sample->headers[n++] = (struct cf_header){.name = header->key, .value = header->u.str};
    cf_jsonw_init(&w, &sample->value);
    cf_jsonw_node(&w, data);
    sample->record.headers = sample->headers;
    sample->record.n_headers = n;
    sample->record.value = cf_buf_view(&sample->value);
    return 0;
}

static int check(struct cf_arena *arena, const char *path, struct sample *sample, struct cf_err *err)
{
    enum cf_event_type type = type_of(path);
    const struct cf_event *event;

    if (type == CF_EVENT_TYPES || read_file(path, &sample->text) < 0)
        return cf_err_set(err, CF_ERR_FATAL, "check-events", 0, "no such file or no such event");
    /* An empty file is an empty value, not a tombstone. */
    sample->record.value = sample->text.n ? cf_buf_view(&sample->text) : CF_STR("");
    if (is_binary(path) && open_binary(arena, sample, err) < 0)
        return cf_err_set(err, CF_ERR_FATAL, "check-events", 0, "not a binary sample");
    return cf_event_decode(arena, type, &sample->record, &event, err);
}

int main(int argc, char **argv)
{
    bool broken = false;

    for (int i = 1; i < argc; i++) {
        /* Twice the room: the wrapper of a binary sample is parsed too. */
        struct cf_arena *arena = cf_arena_new(2 * CF_EVENT_ARENA_BYTES);
        struct sample sample = {.record = {.topic = "samples"}};
        struct cf_err err = {0};

        cf_buf_init(&sample.text, MAX_FILE_BYTES);
        cf_buf_init(&sample.value, MAX_FILE_BYTES);
        if (check(arena, argv[i], &sample, &err) == 0)
            printf("accept %s\n", argv[i]);
        else
            printf("reject %s %s\n", argv[i], err.text);
        broken |= err.kind == CF_ERR_FATAL;
        cf_buf_done(&sample.text);
        cf_buf_done(&sample.value);
        cf_arena_free(arena);
    }
    return broken ? EXIT_FAILURE : EXIT_SUCCESS;
}

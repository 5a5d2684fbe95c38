/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <syslog.h>

#include "kafka/kafka_priv.h"

int cf_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct cf_err *err)
{
    char why[160];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
        return cf_err_set(err, CF_ERR_CONFIG, "kafka", 0, "Kafka property %s is refused: %s", name, why);
    return 0;
}

int cf_kafka_conf_set_ms(rd_kafka_conf_t *conf, const char *name, uint64_t value, struct cf_err *err)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    return cf_kafka_conf_set(conf, name, text, err);
}

int cf_kafka_conf_common(rd_kafka_conf_t *conf, const struct cf_kafka_conf *which, struct cf_err *err)
{
    static const struct cf_kafka_prop ours[] = {
        {"log.queue", "true"},
        {"socket.nagle.disable", "true"},
        {"socket.keepalive.enable", "true"},
        {"reconnect.backoff.max.ms", "2000"},
        {NULL, NULL},
    };
    size_t own = strlen(which->own_prefix), other = strlen(which->other_prefix);

    if (cf_kafka_conf_set(conf, "bootstrap.servers", which->opts->brokers, err) < 0 ||
        cf_kafka_conf_set(conf, "client.id", which->opts->client_id, err) < 0)
        return -1;
    for (const struct cf_kafka_prop *prop = ours; prop->name; prop++) {
        if (cf_kafka_conf_set(conf, prop->name, prop->value, err) < 0)
            return -1;
    }
    for (const struct cf_kafka_prop *prop = which->opts->props; prop && prop->name; prop++) {
        const char *name = prop->name;

        if (strncmp(name, which->other_prefix, other) == 0)
            continue;
        if (strncmp(name, which->own_prefix, own) == 0)
            name += own;
        if (cf_kafka_conf_set(conf, name, prop->value, err) < 0)
            return -1;
    }
    return 0;
}

void cf_kafka_note_event(rd_kafka_event_t *event, void (*note)(void *arg, const struct cf_err *err),
                         void *arg)
{
    const char *facility = NULL, *text = NULL;
    struct cf_err err = {0};
    int level = LOG_DEBUG;

    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR) {
        (void)cf_err_set(&err, CF_ERR_TRANSIENT, "kafka", (int)rd_kafka_event_error(event), "%s",
                         rd_kafka_event_error_string(event));
        note(arg, &err);
    } else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_LOG &&
               rd_kafka_event_log(event, &facility, &text, &level) == 0 && level <= LOG_WARNING) {
        (void)cf_err_set(&err, CF_ERR_TRANSIENT, "kafka", 0, "%s: %s", facility, text);
        note(arg, &err);
    }
}

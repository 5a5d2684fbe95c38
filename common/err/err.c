/* SPDX-License-Identifier: Apache-2.0 */
#include "err/err.h"

#include <stdarg.h>
#include <stdio.h>

int cf_err_set(struct cf_err *err, enum cf_err_kind kind, const char *from, int code, const char *fmt, ...)
{
    va_list ap;

    if (!err)
        return -1;
    err->kind = kind;
    err->from = from;
    err->code = code;
    va_start(ap, fmt);
    (void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return -1;
}

const char *cf_err_kind_name(enum cf_err_kind kind)
{
    switch (kind) {
    case CF_ERR_TRANSIENT:
        return "transient";
    case CF_ERR_THROTTLED:
        return "throttled";
    case CF_ERR_REJECTED:
        return "rejected";
    case CF_ERR_CONFIG:
        return "config";
    case CF_ERR_FATAL:
        return "fatal";
    }
    return "unknown";
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin - the endpoint for operators: GET pages such as /livez, /readyz, /metrics (libmicrohttpd on the
 * loop).
 *
 * Promise: a page function runs on the loop and fills a bounded buffer; slow or idle clients are cut after 10
 * s and never hold the loop; at most 32 connections. Unknown path: 404; other methods than GET and HEAD: 405.
 */
#ifndef CF_ADMIN_H
#define CF_ADMIN_H

#include <stdint.h>

#include "err/err.h"
#include "str/str.h"

struct cf_loop;
struct cf_admin;

/* Fills `body` (limit 4 MiB), may set `*content_type` (a static string, default "text/plain; charset=utf-8")
 * and returns the HTTP status. */
typedef int cf_admin_fn(void *arg, struct cf_buf *body, const char **content_type);

struct cf_admin_page {
    const char *path; /* "/livez" */
    cf_admin_fn *fn;
};

/** Listens on `address` ("127.0.0.1:0", "[::]:9100", ":9100"). `pages` (ended by path NULL) is borrowed. */
CF_CHECKED struct cf_admin *cf_admin_new(struct cf_loop *loop, const char *address,
                                         const struct cf_admin_page *pages, void *arg, struct cf_err *err);
/** The port in use: what port 0 became. */
uint16_t cf_admin_port(const struct cf_admin *admin);
void cf_admin_free(struct cf_admin *admin);

#endif

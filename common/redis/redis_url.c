/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#include "redis/redis_priv.h"

#define MAX_SECRET_BYTES 4096U
#define MAX_URL_BYTES 2048U

static int fail(struct cf_err *err, const char *text)
{
    return cf_err_set(err, CF_ERR_CONFIG, "redis", 0, "redis_url: %s", text);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A new text with %xx decoded; NULL when the encoding is broken or hides a NUL. */
static char *decode(struct cf_str text)
{
    char *out = cf_calloc(text.n + 1, 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        int high, low;

        if (text.p[i] != '%') {
            out[n++] = text.p[i];
            continue;
        }
        high = i + 1 < text.n ? hex_digit(text.p[i + 1]) : -1;
        low = i + 2 < text.n ? hex_digit(text.p[i + 2]) : -1;
        if (high < 0 || low < 0 || high + low == 0) {
            free(out);
            return NULL;
        }
        out[n++] = (char)(high << 4 | low);
        i += 2;
    }
    return out;
}

/* Cuts `text` at the first `c` (the last one with `last`): what is before it comes back, what is behind stays
 * in `text`. Without `c` the whole text stays and p = NULL comes back. */
static struct cf_str cut(struct cf_str *text, char c, bool last)
{
    const char *at = NULL;
    struct cf_str before = {0};

    if (text->n > 0)
        at = last ? memrchr(text->p, c, text->n) : memchr(text->p, c, text->n);
    if (at) {
        before = (struct cf_str){text->p, (size_t)(at - text->p)};
        text->p = at + 1;
        text->n -= before.n + 1;
    }
    return before;
}

static int parse_db(struct cf_str text, struct redis_url *url, struct cf_err *err)
{
    uint64_t db = 0;

    if (text.n > 0 && (!cf_str_u64(text, &db) || db > 65535))
        return fail(err, "the database must be a number");
    url->db = (uint32_t)db;
    return 0;
}

static int parse_user(struct cf_str text, struct redis_url *url, struct cf_err *err)
{
    struct cf_str user = cut(&text, ':', false);

    if (!user.p)
        return fail(err, "a user name needs ':' and a password behind it");
    if (user.n > 0 && !(url->username = decode(user)))
        return fail(err, "broken %-encoding in the user name");
    if (!(url->password = decode(text)))
        return fail(err, "broken %-encoding in the password");
    return 0;
}

static int parse_host(struct cf_str text, struct redis_url *url, struct cf_err *err)
{
    struct cf_str host = text, port = {0};
    uint64_t number = 6379;

    if (text.n > 0 && text.p[0] == '[') {
        host = (struct cf_str){text.p + 1, text.n - 1};
        port = host;
        host = cut(&port, ']', false);
        if (!host.p || (port.n > 0 && port.p[0] != ':'))
            return fail(err, "no ']' behind the IPv6 address");
        port = port.n > 0 ? (struct cf_str){port.p + 1, port.n - 1} : (struct cf_str){0};
    } else if (text.n > 0 && memchr(text.p, ':', text.n)) {
        port = text;
        host = cut(&port, ':', false);
    }
    if (host.n == 0 || host.n > 255)
        return fail(err, "no host");
    if (port.p && (!cf_str_u64(port, &number) || number < 1 || number > 65535))
        return fail(err, "the port must be 1..65535");
    url->host = decode(host);
    url->port = (uint16_t)number;
    return url->host ? 0 : fail(err, "broken %-encoding in the host");
}

static int parse_tcp(struct cf_str rest, struct redis_url *url, struct cf_err *err)
{
    struct cf_str place = rest, user, host;

    if (rest.n > 0 && (memchr(rest.p, '?', rest.n) || memchr(rest.p, '#', rest.n)))
        return fail(err, "parameters are for unix:// only");
    user = cut(&place, '@', true);
    host = cut(&place, '/', false);
    if (!host.p) {
        host = place;
        place = (struct cf_str){0};
    }
    if (user.p && parse_user(user, url, err) != 0)
        return -1;
    if (parse_host(host, url, err) != 0)
        return -1;
    return parse_db(place, url, err);
}

static int parse_unix(struct cf_str rest, struct redis_url *url, struct cf_err *err)
{
    struct cf_str query = rest, path = cut(&query, '?', false);

    if (!path.p) {
        path = rest;
        query = (struct cf_str){0};
    }
    if (path.n < 2 || path.p[0] != '/' || path.n > 107) /* sun_path */
        return fail(err, "unix:// needs an absolute path of at most 107 bytes");
    if (query.n > 0 && !cf_str_starts(query, CF_STR("db=")))
        return fail(err, "the only parameter is ?db=N");
    url->path = decode(path);
    if (!url->path)
        return fail(err, "broken %-encoding in the path");
    return parse_db(query.n > 0 ? (struct cf_str){query.p + 3, query.n - 3} : query, url, err);
}

int cf_redis_url_parse(const char *text, struct redis_url *ret_url, struct cf_err *err)
{
    struct cf_str rest = cf_str_of(text);
    struct redis_url url = {0};
    int rc = -1;

    if (!rest.p || rest.n > MAX_URL_BYTES) {
        (void)fail(err, "missing, or too long");
    } else if (cf_str_starts(rest, CF_STR("unix://"))) {
        rc = parse_unix((struct cf_str){rest.p + 7, rest.n - 7}, &url, err);
    } else if (cf_str_starts(rest, CF_STR("redis://"))) {
        rc = parse_tcp((struct cf_str){rest.p + 8, rest.n - 8}, &url, err);
    } else if (cf_str_starts(rest, CF_STR("rediss://"))) {
        url.tls = true;
        rc = parse_tcp((struct cf_str){rest.p + 9, rest.n - 9}, &url, err);
    } else {
        (void)fail(err, "must start with redis://, rediss:// or unix://");
    }
    if (rc == 0)
        *ret_url = url;
    else
        cf_redis_url_done(&url);
    return rc;
}

void cf_redis_url_done(struct redis_url *url)
{
    free(url->host);
    free(url->path);
    free(url->username);
    cf_redis_free_secret(url->password);
    *url = (struct redis_url){0};
}

int cf_redis_read_secret(const char *path, char **ret_secret, struct cf_err *err)
{
    char buf[MAX_SECRET_BYTES + 2];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a fifo must not hold the loop */
    ssize_t n = fd >= 0 ? read(fd, buf, MAX_SECRET_BYTES + 1) : -1;
    const char *bad = NULL;

    if (fd >= 0)
        (void)close(fd);
    if (n < 0)
        bad = "cannot be read";
    else if (n > (ssize_t)MAX_SECRET_BYTES)
        bad = "is longer than 4096 bytes";
    else if (memchr(buf, '\0', (size_t)n))
        bad = "has a NUL byte inside";
    if (!bad && n > 0 && buf[n - 1] == '\n')
        n--;
    if (!bad && n > 0 && buf[n - 1] == '\r')
        n--;
    if (!bad && n == 0)
        bad = "is empty";
    if (!bad) {
        buf[n] = '\0';
        *ret_secret = cf_strdup(buf);
    }
    OPENSSL_cleanse(buf, sizeof(buf));
    return bad ? cf_err_set(err, CF_ERR_CONFIG, "redis", 0, "redis_password_file %s", bad) : 0;
}

void cf_redis_free_secret(char *secret)
{
    if (secret)
        OPENSSL_cleanse(secret, strlen(secret));
    free(secret);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_priv.h"

bool cf_config_is_secret_name(const char *name)
{
    return strstr(name, "password") || strstr(name, "secret") || strstr(name, "key.pem");
}

/* PostgreSQL's rule for key files, because it is what a Kubernetes secret volume gives a non-root pod: with
 * fsGroup the kubelet makes the file root's own and group-readable, and nothing else can read it. */
static const char *complaint(const struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return "is not a regular file";
    if (st->st_mode & S_IRWXO)
        return "can be read by everyone: chmod 0400";
    if (st->st_mode & (S_IWGRP | S_IXGRP))
        return "can be changed by its group: chmod 0400";
    if (st->st_mode & S_IRGRP && st->st_uid != 0)
        return "can be read by its group: chmod 0400 (0440 only when root owns it)";
    if (st->st_size == 0)
        return "is empty";
    if (st->st_size > (off_t)CF_CONFIG_MAX_SECRET_BYTES)
        return "is larger than 64 KiB";
    return NULL;
}

/* Reads what the descriptor gives, at most `size` bytes; -1 on a read error. */
static ssize_t read_all(int fd, char *to, size_t size)
{
    size_t n = 0;
    ssize_t got;

    while (n < size) {
        got = read(fd, to + n, size - n);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

int cf_config_secret(const char *path, char **ret_secret, struct cf_err *err)
{
    char *secret = NULL;
    const char *why;
    struct stat st;
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
                            O_NOCTTY); /* symlinks are followed, pipes not waited for */

    if (fd < 0 || fstat(fd, &st) != 0) {
        if (fd >= 0)
            (void)close(fd);
        return cf_err_set(err, CF_ERR_CONFIG, "config", 0, "secret file %.120s: cannot be read", path);
    }
    why = complaint(&st);
    if (!why) {
        secret = cf_calloc(1, CF_CONFIG_MAX_SECRET_BYTES + 2);
        n = read_all(fd, secret, CF_CONFIG_MAX_SECRET_BYTES + 1);
    }
    (void)close(fd);
    if (n > 0 && secret[n - 1] == '\n')
        secret[--n] = '\0';
    if (n > 0 && secret[n - 1] == '\r')
        secret[--n] = '\0';
    if (!why && n <= 0)
        why = n < 0 ? "cannot be read" : "is empty";
    if (!why && (size_t)n > CF_CONFIG_MAX_SECRET_BYTES)
        why = "is larger than 64 KiB";
    if (!why && memchr(secret, '\0', (size_t)n))
        why = "has a NUL byte inside";
    if (why) {
        cf_config_secret_free(secret);
        return cf_err_set(err, CF_ERR_CONFIG, "config", 0, "secret file %.120s: %s", path, why);
    }
    *ret_secret = secret;
    return 0;
}

void cf_config_secret_free(char *secret)
{
    if (!secret)
        return;
    explicit_bzero(secret, strlen(secret));
    free(secret);
}

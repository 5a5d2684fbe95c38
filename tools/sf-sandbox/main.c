/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sf-sandbox - a Salesforce-shaped REST server for tests and demos. See README.md.
 */
#include <errno.h>
#include <getopt.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "jwt.h"
#include "sandbox.h"
#include "server.h"

#define PEM_MAX_BYTES 65536

struct options {
    const char *host, *port_file, *db, *tls_cert, *tls_key, *instance_url, *history, *jwt_cert;
    uint64_t port, latency_ms;
    bool samples;
};

static const char help[] =
    "sf-sandbox - a Salesforce-shaped REST server for tests and demos\n"
    "  --port N             port to listen on; 0 (the default): any free one\n"
    "  --port-file FILE     writes the port there when it is ready\n"
    "  --db FILE|:memory:   where the records are (default :memory:)\n"
    "  --samples            adds the sample customers\n"
    "  --host ADDRESS       IPv4 address to listen on (default 127.0.0.1)\n"
    "  --tls-cert FILE --tls-key FILE   PEM; serves HTTPS\n"
    "  --instance-url URL   what clients are told as instance_url (default: the own URL)\n"
    "  --jwt-cert FILE      PEM certificate or public key for the JWT bearer grant\n"
    "  --history FILE       appends every request as a line of JSON\n"
    "  --latency-ms N       every answer is this late (default 0)\n"
    "  --print-env          prints the default credentials as shell variables, and ends\n";

static const char env_text[] = "CALLFLEET_SF_CLIENT_ID='" SB_CLIENT_ID "'\n"
                               "CALLFLEET_SF_CLIENT_SECRET='" SB_CLIENT_SECRET "'\n"
                               "CALLFLEET_SF_USERNAME='" SB_USERNAME "'\n"
                               "CALLFLEET_SF_PASSWORD='" SB_PASSWORD "'\n";

static int usage(const char *problem)
{
    (void)fprintf(stderr, "sf-sandbox: %s (--help lists the options)\n", problem);
    return 64;
}

static bool number(const char *text, uint64_t max, uint64_t *ret_value)
{
    return cf_str_u64(cf_str_of(text), ret_value) && *ret_value <= max;
}

enum option_key {
    OPT_PORT = 1000,
    OPT_PORT_FILE,
    OPT_DB,
    OPT_SAMPLES,
    OPT_HOST,
    OPT_TLS_CERT,
    OPT_TLS_KEY,
    OPT_INSTANCE_URL,
    OPT_JWT_CERT,
    OPT_HISTORY,
    OPT_LATENCY,
    OPT_PRINT_ENV,
    OPT_HELP
};

static const struct option long_options[] = {{"port", required_argument, NULL, OPT_PORT},
                                             {"port-file", required_argument, NULL, OPT_PORT_FILE},
                                             {"db", required_argument, NULL, OPT_DB},
                                             {"samples", no_argument, NULL, OPT_SAMPLES},
                                             {"host", required_argument, NULL, OPT_HOST},
                                             {"tls-cert", required_argument, NULL, OPT_TLS_CERT},
                                             {"tls-key", required_argument, NULL, OPT_TLS_KEY},
                                             {"instance-url", required_argument, NULL, OPT_INSTANCE_URL},
                                             {"jwt-cert", required_argument, NULL, OPT_JWT_CERT},
                                             {"history", required_argument, NULL, OPT_HISTORY},
                                             {"latency-ms", required_argument, NULL, OPT_LATENCY},
                                             {"print-env", no_argument, NULL, OPT_PRINT_ENV},
                                             {"help", no_argument, NULL, OPT_HELP},
                                             {NULL, 0, NULL, 0}};

/* Where the text options go; NULL for the others. */
static const char **text_option(struct options *options, int key)
{
    switch (key) {
    case OPT_PORT_FILE:
        return &options->port_file;
    case OPT_DB:
        return &options->db;
    case OPT_HOST:
        return &options->host;
    case OPT_TLS_CERT:
        return &options->tls_cert;
    case OPT_TLS_KEY:
        return &options->tls_key;
    case OPT_INSTANCE_URL:
        return &options->instance_url;
    case OPT_JWT_CERT:
        return &options->jwt_cert;
    case OPT_HISTORY:
        return &options->history;
    default:
        return NULL;
    }
}

/* Returns -1 to go on, else the exit code. */
static int read_options(int argc, char **argv, struct options *options)
{
    int key;

    *options = (struct options){.host = "127.0.0.1", .db = ":memory:"};
    opterr = 0;
    while ((key = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        const char **text = text_option(options, key);

        if (text)
            *text = optarg;
        else if (key == OPT_SAMPLES)
            options->samples = true;
        else if (key == OPT_PORT && !number(optarg, 65535, &options->port))
            return usage("--port: 0 to 65535");
        else if (key == OPT_LATENCY && !number(optarg, 600000, &options->latency_ms))
            return usage("--latency-ms: 0 to 600000");
        else if (key == OPT_HELP || key == OPT_PRINT_ENV)
            return fputs(key == OPT_HELP ? help : env_text, stdout) < 0;
        else if (key == '?')
            return usage("bad option");
    }
    if (optind < argc)
        return usage("there are no arguments but options");
    if (!options->tls_cert != !options->tls_key)
        return usage("--tls-cert and --tls-key belong together");
    return -1;
}

/* The file's text, NULL (with a message) when it cannot be read. */
static char *read_pem(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = cf_calloc(PEM_MAX_BYTES + 1, 1);
    size_t n = file ? fread(text, 1, PEM_MAX_BYTES, file) : 0;

    if (file)
        (void)fclose(file);
    if (n > 0)
        return text;
    (void)fprintf(stderr, "sf-sandbox: cannot read %s\n", path);
    free(text);
    return NULL;
}

static bool write_port(const char *path, uint16_t port)
{
    char part[4096];
    FILE *file;

    if (!path)
        return true;
    /* Renamed into place, so a reader never sees half of it. */
    if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
        return false;
    file = fopen(part, "we");
    if (!file)
        return false;
    if (fprintf(file, "%u\n", port) < 0 || fclose(file) != 0)
        return false;
    return rename(part, path) == 0;
}

static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void sandbox_done(struct sandbox *sandbox)
{
    sb_timers_free(sandbox->timers);
    sb_history_close(sandbox->history);
    sb_faults_free(sandbox->faults);
    sb_limits_free(sandbox->limits);
    sb_locks_free(sandbox->locks);
    sb_sessions_free(sandbox->sessions);
    sf_store_close(sandbox->store);
    EVP_PKEY_free(sandbox->jwt_key);
    pthread_mutex_destroy(&sandbox->jwt_lock);
    pthread_mutex_destroy(&sandbox->store_lock);
}

static int open_store(struct sandbox *sandbox, const struct options *options)
{
    char problem[256] = "";
    struct sf_fail fail = {0};

    sandbox->store = sf_store_open(options->db, problem, sizeof(problem));
    if (!sandbox->store) {
        (void)fprintf(stderr, "sf-sandbox: %s: %s\n", options->db, problem);
        return -1;
    }
    if (options->samples && sf_store_samples(sandbox->store, &fail)) {
        (void)fprintf(stderr, "sf-sandbox: samples: %s\n", fail.message);
        sf_fail_done(&fail);
        return -1;
    }
    return 0;
}

static int load_jwt_key(struct sandbox *sandbox, const char *path)
{
    char *pem = path ? read_pem(path) : NULL;

    if (!path)
        return 0;
    sandbox->jwt_key = pem ? sb_jwt_key(pem) : NULL;
    free(pem);
    if (!sandbox->jwt_key)
        (void)fprintf(stderr, "sf-sandbox: %s: an RSA certificate or public key in PEM is needed\n", path);
    return sandbox->jwt_key ? 0 : -1;
}

static int sandbox_init(struct sandbox *sandbox, const struct options *options)
{
    pthread_mutexattr_t attr;
    struct cf_err err;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&sandbox->store_lock, &attr);
    pthread_mutexattr_destroy(&attr);
    pthread_mutex_init(&sandbox->jwt_lock, NULL);
    sb_settings_init(&sandbox->settings);
    atomic_store(&sandbox->settings.values[SB_latency_ms], (int64_t)options->latency_ms);
    if (open_store(sandbox, options) || load_jwt_key(sandbox, options->jwt_cert))
        return -1;
    sandbox->history = sb_history_open(options->history, &err);
    if (!sandbox->history) {
        (void)fprintf(stderr, "sf-sandbox: %s\n", err.text);
        return -1;
    }
    sandbox->sessions = sb_sessions_new(sf_store_org_id(sandbox->store));
    sandbox->locks = sb_locks_new();
    sandbox->limits = sb_limits_new();
    sandbox->faults = sb_faults_new();
    sandbox->timers = sb_timers_new();
    return sandbox->timers ? 0 : -1;
}

/* Serves until SIGTERM or SIGINT, which are blocked in all threads and waited for here. */
static int serve(struct sandbox *sandbox, const struct options *options, const struct sb_server_opts *opts,
                 const sigset_t *signals)
{
    char url[128];
    struct cf_err err = {.text = ""};
    struct sb_server *server = sb_server_open(opts, &err);
    int code = 78, signal_no;

    if (!server) {
        (void)fprintf(stderr, "sf-sandbox: %s\n", err.text);
        sb_timers_stop(sandbox->timers);
        return code;
    }
    (void)snprintf(url, sizeof(url), "%s://%s:%u", opts->tls_cert ? "https" : "http", opts->host,
                   sb_server_port(server));
    sandbox->instance_url = options->instance_url ? options->instance_url : url;
    if (sb_server_start(server, sandbox, opts, &err)) {
        (void)fprintf(stderr, "sf-sandbox: %s\n", err.text);
        sb_timers_stop(sandbox->timers);
    } else if (write_port(options->port_file, sb_server_port(server)) && printf("%s\n", url) > 0 &&
               fflush(stdout) == 0) {
        (void)sigwait(signals, &signal_no);
        code = 0;
    }
    sb_server_stop(server);
    return code;
}

static int run(struct sandbox *sandbox, const struct options *options, const sigset_t *signals)
{
    struct sb_server_opts opts = {.host = options->host, .port = (uint16_t)options->port};
    char *cert = NULL, *key = NULL;
    int code = 78;

    if (options->tls_cert) {
        cert = read_pem(options->tls_cert);
        key = read_pem(options->tls_key);
    }
    opts.tls_cert = cert;
    opts.tls_key = key;
    if (!options->tls_cert || (cert && key))
        code = serve(sandbox, options, &opts, signals);
    else
        sb_timers_stop(sandbox->timers);
    free(cert);
    free(key);
    return code;
}

int main(int argc, char **argv)
{
    static struct sandbox sandbox;
    struct options options;
    sigset_t signals;
    int code = read_options(argc, argv, &options);

    if (code >= 0)
        return code;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    code = sandbox_init(&sandbox, &options) ? 78 : run(&sandbox, &options, &signals);
    sandbox_done(&sandbox);
    return code;
}

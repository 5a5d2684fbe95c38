/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oauth - the token endpoint with its four grants, revoke, userinfo and identity.
 */
#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock/clock.h"
#include "jwt.h"
#include "sandbox.h"

#define JWT_GRANT "urn:ietf:params:oauth:grant-type:jwt-bearer"
#define REFRESH_LIFE_NS (365ULL * 86400ULL * 1000000000ULL)
#define BASIC_MAX_BYTES 1024U

/* What a token request says, from the form, else from the query (some clients put it there). */
struct ask {
    const struct sb_request *request;
    struct sb_pairs form;
    const char *client_id, *client_secret;
};

static const char *param(const struct ask *ask, const char *name)
{
    const char *value = sb_pairs_get(&ask->form, name);

    return value ? value : sb_request_param(ask->request, name);
}

/* "Basic base64(id:secret)", both parts URL-encoded as RFC 6749 asks. Other schemes are none of our business.
 */
static void read_basic(struct ask *ask)
{
    const char *header = sb_request_header(ask->request, "Authorization");
    struct cf_arena *arena = ask->request->arena;
    size_t size = header ? strlen(header) : 0;
    unsigned char *text;
    char *colon;

    if (!header || strncasecmp(header, "Basic ", 6) != 0 || size > BASIC_MAX_BYTES)
        return;
    text = cf_arena_zalloc(arena, size + 1);
    if (EVP_DecodeBlock(text, (const unsigned char *)header + 6, (int)(size - 6)) < 0)
        return;
    colon = strchr((char *)text, ':');
    if (!colon)
        return;
    ask->client_id = sb_decode(arena, (struct cf_str){(char *)text, (size_t)(colon - (char *)text)}, true).p;
    ask->client_secret = sb_decode(arena, cf_str_of(colon + 1), true).p;
}

static int read_ask(struct ask *ask, const struct sb_request *request)
{
    const char *type = sb_request_header(request, "Content-Type");

    *ask = (struct ask){.request = request};
    if (type && strncasecmp(type, "application/x-www-form-urlencoded", 33) != 0 && request->body.n > 0)
        return -1;
    if (sb_pairs_parse(request->arena, request->body, &ask->form))
        return -1;
    ask->client_id = param(ask, "client_id");
    ask->client_secret = param(ask, "client_secret");
    if (!ask->client_id)
        read_basic(ask);
    return 0;
}

static bool client_ok(const struct ask *ask, bool secret_needed, struct sb_reply *reply)
{
    if (!ask->client_id || strcmp(ask->client_id, SB_CLIENT_ID) != 0) {
        sb_reply_oauth_error(reply, "invalid_client_id", "client identifier invalid");
        return false;
    }
    if ((secret_needed || ask->client_secret) &&
        (!ask->client_secret || strcmp(ask->client_secret, SB_CLIENT_SECRET) != 0)) {
        sb_reply_oauth_error(reply, "invalid_client", "invalid client credentials");
        return false;
    }
    return true;
}

/* The base64 HMAC of the real thing; clients do not check it. */
static const char *signature_of(struct cf_arena *arena, const char *id, const char *issued_at)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct cf_str text = cf_arena_printf(arena, "%s%s%s", id, issued_at, SB_CLIENT_SECRET);
    unsigned n = 0;
    char *out = cf_arena_zalloc(arena, (size_t)2 * EVP_MAX_MD_SIZE);

    if (EVP_Digest(text.p, text.n, digest, &n, EVP_sha256(), NULL) != 1)
        n = 0;
    (void)EVP_EncodeBlock((unsigned char *)out, digest, (int)n);
    return out;
}

static const char *identity_url(const struct sb_context *context)
{
    const struct sandbox *sandbox = context->sandbox;

    return cf_arena_printf(context->arena, "%s/id/%s/%s", sandbox->instance_url,
                           sf_store_org_id(sandbox->store), sf_store_default_user(sandbox->store))
        .p;
}

static uint64_t expiry(const struct sb_context *context)
{
    return context->now_ns + (uint64_t)sb_setting(&context->sandbox->settings, SB_session_ttl_ms) * 1000000U;
}

enum grant_extra { PLAIN = 0, WITH_SCOPE = 1, WITH_REFRESH = 2 };

static void grant(struct sb_context *context, struct sb_reply *reply, unsigned extra)
{
    struct sandbox *sandbox = context->sandbox;
    const char *id = identity_url(context);
    const char *issued_at = cf_arena_printf(context->arena, "%lld", (long long)context->wall_ms).p;
    char token[SB_TOKEN_SIZE], refresh[SB_TOKEN_SIZE];
    json_t *json;

    if (!sb_sessions_login(sandbox->sessions, sb_setting(&sandbox->settings, SB_login_limit_per_hour),
                           context->now_ns)) {
        sb_reply_oauth_error(reply, "rate_limit_exceeded", "login rate exceeded");
        return;
    }
    sb_sessions_issue(sandbox->sessions, SB_TOKEN_ACCESS, expiry(context), token);
    json = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "access_token", token, "instance_url",
                     sandbox->instance_url, "id", id, "token_type", "Bearer", "issued_at", issued_at,
                     "signature", signature_of(context->arena, id, issued_at));
    if (extra & WITH_SCOPE)
        json_object_set_new(json, "scope", json_string("api"));
    if (extra & WITH_REFRESH) {
        sb_sessions_issue(sandbox->sessions, SB_TOKEN_REFRESH, context->now_ns + REFRESH_LIFE_NS, refresh);
        json_object_set_new(json, "refresh_token", json_string(refresh));
    }
    sb_reply_json(reply, 200, json);
}

static bool password_ok(const char *password)
{
    return strcmp(password, SB_PASSWORD) == 0 || strcmp(password, SB_PASSWORD SB_SECURITY_TOKEN) == 0;
}

static void grant_password(struct sb_context *context, const struct ask *ask, struct sb_reply *reply)
{
    const char *username = param(ask, "username"), *password = param(ask, "password");
    const char *scope = param(ask, "scope");

    if (!client_ok(ask, true, reply))
        return;
    if (!username || !password) {
        sb_reply_oauth_error(reply, "invalid_request", "username and password are required");
        return;
    }
    if (strcasecmp(username, SB_USERNAME) != 0 || !password_ok(password)) {
        sb_reply_oauth_error(reply, "invalid_grant", "authentication failure");
        return;
    }
    /* Salesforce gives refresh tokens to browsers only; here a client that asks for one can have it. */
    grant(context, reply, scope && strstr(scope, "refresh_token") ? WITH_SCOPE | WITH_REFRESH : PLAIN);
}

/* The scopes that this flow cannot have; alone they leave nothing. */
static bool only_bad_scopes(const char *scope)
{
    return scope && (strcmp(scope, "full") == 0 || strcmp(scope, "refresh_token") == 0 ||
                     strcmp(scope, "full refresh_token") == 0 || strcmp(scope, "refresh_token full") == 0);
}

static void grant_client(struct sb_context *context, const struct ask *ask, struct sb_reply *reply)
{
    if (!client_ok(ask, true, reply))
        return;
    if (only_bad_scopes(param(ask, "scope"))) {
        sb_reply_oauth_error(reply, "invalid_grant", "no valid scopes defined");
        return;
    }
    grant(context, reply, WITH_SCOPE);
}

static void grant_jwt(struct sb_context *context, const struct ask *ask, struct sb_reply *reply)
{
    struct sandbox *sandbox = context->sandbox;
    const char *const audiences[] = {"https://login.salesforce.com", "https://test.salesforce.com",
                                     sandbox->instance_url};
    struct sb_jwt_rules rules = {.client_id = SB_CLIENT_ID,
                                 .username = SB_USERNAME,
                                 .audiences = audiences,
                                 .audience_count = sizeof(audiences) / sizeof(audiences[0]),
                                 .now_s = context->wall_ms / 1000};
    const char *assertion = param(ask, "assertion");
    struct sb_jwt_refusal refusal = {"invalid_request", "assertion is required"};
    int bad = -1;

    if (assertion) {
        pthread_mutex_lock(&sandbox->jwt_lock);
        rules.key = sandbox->jwt_key;
        bad = sb_jwt_check(&rules, assertion, &refusal);
        pthread_mutex_unlock(&sandbox->jwt_lock);
    }
    if (bad)
        sb_reply_oauth_error(reply, refusal.error, refusal.description);
    else
        grant(context, reply, WITH_SCOPE);
}

static void grant_refresh(struct sb_context *context, const struct ask *ask, struct sb_reply *reply)
{
    const char *token = param(ask, "refresh_token");

    if (!client_ok(ask, false, reply))
        return;
    if (!token || !sb_sessions_check(context->sandbox->sessions, SB_TOKEN_REFRESH, token, context->now_ns)) {
        sb_reply_oauth_error(reply, "invalid_grant", "expired access/refresh token");
        return;
    }
    grant(context, reply, WITH_SCOPE);
}

void sb_oauth_token(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    struct ask ask;
    const char *type;

    if (read_ask(&ask, request)) {
        sb_reply_oauth_error(reply, "invalid_request", "the body must be a URL-encoded form");
        return;
    }
    type = param(&ask, "grant_type");
    if (!type)
        sb_reply_oauth_error(reply, "invalid_request", "grant_type is required");
    else if (strcmp(type, "password") == 0)
        grant_password(context, &ask, reply);
    else if (strcmp(type, "client_credentials") == 0)
        grant_client(context, &ask, reply);
    else if (strcmp(type, JWT_GRANT) == 0)
        grant_jwt(context, &ask, reply);
    else if (strcmp(type, "refresh_token") == 0)
        grant_refresh(context, &ask, reply);
    else
        sb_reply_oauth_error(reply, "unsupported_grant_type", "grant type not supported");
}

void sb_oauth_revoke(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    struct ask ask;
    const char *token = read_ask(&ask, request) == 0 ? param(&ask, "token") : NULL;

    if (token && sb_sessions_revoke(context->sandbox->sessions, token))
        sb_reply_json(reply, 200, NULL);
    else
        sb_reply_oauth_error(reply, token ? "unsupported_token_type" : "invalid_request",
                             token ? "this token is not supported" : "token is required");
}

void sb_oauth_userinfo(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    const struct sandbox *sandbox = context->sandbox;

    (void)request;
    sb_reply_json(reply, 200,
                  json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:s,s:s,s:b}", "sub", identity_url(context),
                            "user_id", sf_store_default_user(sandbox->store), "organization_id",
                            sf_store_org_id(sandbox->store), "preferred_username", SB_USERNAME, "nickname",
                            "integration", "name", "Callfleet Integration", "email", SB_USERNAME,
                            "email_verified", 1, "zoneinfo", "UTC", "user_type", "STANDARD", "active", 1));
}

static json_t *urls_of(const struct sb_context *context)
{
    static const char *const names[][2] = {{"rest", "/services/data/v{version}/"},
                                           {"sobjects", "/services/data/v{version}/sobjects/"},
                                           {"query", "/services/data/v{version}/query/"},
                                           {"search", "/services/data/v{version}/search/"},
                                           {"partner", "/services/Soap/u/{version}/"}};
    json_t *urls = json_object();

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        json_object_set_new(urls, names[i][0],
                            json_sprintf("%s%s", context->sandbox->instance_url, names[i][1]));
    return urls;
}

void sb_oauth_identity(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    const struct sandbox *sandbox = context->sandbox;

    if (strcmp(request->args[0], sf_store_org_id(sandbox->store)) != 0 ||
        strcmp(request->args[1], sf_store_default_user(sandbox->store)) != 0) {
        sb_reply_error(reply, 404, "NOT_FOUND", "The requested resource does not exist");
        return;
    }
    sb_reply_json(reply, 200,
                  json_pack("{s:s,s:b,s:s,s:s,s:s,s:s,s:s,s:b,s:s,s:s,s:s,s:o}", "id", identity_url(context),
                            "asserted_user", 1, "user_id", sf_store_default_user(sandbox->store),
                            "organization_id", sf_store_org_id(sandbox->store), "username", SB_USERNAME,
                            "display_name", "Callfleet Integration", "email", SB_USERNAME, "active", 1,
                            "user_type", "STANDARD", "language", "en_US", "locale", "en_US", "urls",
                            urls_of(context)));
}

/* What stands behind "<tag>" or "<prefix:tag>"; NULL when there is none. */
static const char *xml_find(const char *xml, const char *tag)
{
    size_t n = strlen(tag);

    for (const char *at = strstr(xml, tag); at; at = strstr(at + n, tag)) {
        const char *start = at;

        if (at[n] != '>' || at == xml)
            continue;
        while (start > xml && (isalnum((unsigned char)start[-1]) || start[-1] == ':'))
            start--;
        if (start > xml && start[-1] == '<' && (start == at || at[-1] == ':'))
            return at + n + 1;
    }
    return NULL;
}

/* The text of an element, the five entities undone; NULL when absent. */
static const char *xml_text(struct cf_arena *arena, const char *xml, const char *tag)
{
    static const char *const entities[][2] = {
        {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}, {"&amp;", "&"}};
    const char *start = xml_find(xml, tag), *end = start ? strchr(start, '<') : NULL;
    char *out = end ? cf_arena_zalloc(arena, (size_t)(end - start) + 1) : NULL;
    size_t n = 0;

    while (out && start < end) {
        size_t skip = 1;

        out[n] = *start;
        for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
            if (strncmp(start, entities[i][0], strlen(entities[i][0])) != 0)
                continue;
            skip = strlen(entities[i][0]);
            out[n] = entities[i][1][0];
            break;
        }
        start += skip;
        n++;
    }
    return out;
}

#define ENVELOPE                                                                                             \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope "                                           \
    "xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"urn:partner.soap.sforce.com\" "     \
    "xmlns:sf=\"urn:fault.partner.soap.sforce.com\"><soapenv:Body>%s</soapenv:Body></soapenv:Envelope>"

/* SOAP login(): what clients with a security token still use; gone from API v65, so it says so there. */
void sb_soap_login(struct sb_context *context, const struct sb_request *request, struct sb_reply *reply)
{
    struct sandbox *sandbox = context->sandbox;
    struct cf_arena *arena = context->arena;
    const char *xml = cf_arena_cstr(arena, request->body);
    const char *username = xml_text(arena, xml, "username"), *password = xml_text(arena, xml, "password");
    bool retired = strtod(request->args[0], NULL) >= 65.0;
    char token[SB_TOKEN_SIZE];
    const char *body;

    if (retired || !username || !password || strcasecmp(username, SB_USERNAME) != 0 ||
        !password_ok(password)) {
        const char *code = retired ? "UNSUPPORTED_API_VERSION" : "INVALID_LOGIN";

        body = cf_arena_printf(
                   arena,
                   "<soapenv:Fault><faultcode>sf:%s</faultcode><faultstring>%s: Invalid username, "
                   "password, security token; or user locked out.</faultstring><detail><sf:LoginFault>"
                   "<sf:exceptionCode>%s</sf:exceptionCode><sf:exceptionMessage>login() failed"
                   "</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>",
                   code, code, code)
                   .p;
        sb_reply_text(reply, 500, "text/xml;charset=UTF-8", cf_arena_printf(arena, ENVELOPE, body).p);
        return;
    }
    sb_sessions_issue(sandbox->sessions, SB_TOKEN_ACCESS, expiry(context), token);
    body =
        cf_arena_printf(arena,
                        "<loginResponse><result><serverUrl>%s/services/Soap/u/%s/%s</serverUrl><sessionId>%s"
                        "</sessionId><userId>%s</userId><userInfo><organizationId>%s</organizationId>"
                        "<sessionSecondsValid>7200</sessionSecondsValid></userInfo></result></loginResponse>",
                        sandbox->instance_url, request->args[0], sf_store_org_id(sandbox->store), token,
                        sf_store_default_user(sandbox->store), sf_store_org_id(sandbox->store))
            .p;
    sb_reply_text(reply, 200, "text/xml;charset=UTF-8", cf_arena_printf(arena, ENVELOPE, body).p);
}

# SPDX-License-Identifier: Apache-2.0
"""The token endpoint: four grants, their errors, sessions and what they open."""

import base64
import json
import subprocess
import time
import urllib.parse

import pytest

import sbx

ID, SECRET, USER = (sbx.DEFAULTS[k] for k in ("SB_CLIENT_ID", "SB_CLIENT_SECRET", "SB_USERNAME"))
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def test_password_grant_answer(sandbox):
    answer = sandbox.login()
    assert set(answer) == {"access_token", "instance_url", "id", "token_type", "issued_at", "signature"}
    assert answer["instance_url"] == sandbox.url and answer["token_type"] == "Bearer"
    assert answer["access_token"].startswith("00D") and "!AR" in answer["access_token"]
    assert abs(int(answer["issued_at"]) - time.time() * 1000) < 60000
    assert answer["id"].startswith(sandbox.url + "/id/00D")


@pytest.mark.parametrize("changes, error, description", [
    ({"password": "wrong"}, "invalid_grant", "authentication failure"),
    ({"username": "nobody@x.example"}, "invalid_grant", "authentication failure"),
    ({"client_id": "other"}, "invalid_client_id", "client identifier invalid"),
    ({"client_secret": "other"}, "invalid_client", "invalid client credentials"),
    ({"grant_type": "magic"}, "unsupported_grant_type", "grant type not supported"),
    ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant", "expired access/refresh token"),
    ({"grant_type": "client_credentials", "scope": "full"}, "invalid_grant", "no valid scopes defined"),
    ({"grant_type": JWT_GRANT}, "invalid_request", "assertion is required"),
    ({"grant_type": JWT_GRANT, "assertion": "a.b.c"}, "invalid_grant", "invalid assertion"),
])
def test_errors_are_objects_with_status_400(sandbox, changes, error, description):
    reply = sandbox.form(**sandbox.password_form(**changes))
    assert reply.status == 400, reply
    assert reply.json == {"error": error, "error_description": description}


def test_missing_grant_type(sandbox):
    assert sandbox.form(client_id=ID).json["error"] == "invalid_request"


def test_security_token_may_follow_the_password(sandbox):
    password = sbx.DEFAULTS["SB_PASSWORD"] + sbx.DEFAULTS["SB_SECURITY_TOKEN"]
    assert sandbox.form(**sandbox.password_form(password=password)).status == 200


def test_parameters_in_the_query(sandbox):
    path = "/services/oauth2/token?" + urllib.parse.urlencode(sandbox.password_form())
    assert sandbox.send("POST", path).status == 200


def test_chunked_body(sandbox):
    body = iter([b"grant_type=client_credentials&", b"client_id=%s&" % ID.encode(),
                 b"client_secret=%s" % SECRET.encode()])
    reply = sandbox.send("POST", "/services/oauth2/token", body,
                         {"Content-Type": "application/x-www-form-urlencoded", "Transfer-Encoding": "chunked",
                          "Authorization": "OAuth oauth_nonce=x"})
    assert reply.status == 200 and reply.json["scope"] == "api", reply


def test_client_credentials_by_http_basic(sandbox):
    basic = base64.b64encode(("%s:%s" % (ID, SECRET)).encode()).decode()
    reply = sandbox.send("POST", "/services/oauth2/token", "grant_type=client_credentials",
                         {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic " + basic})
    assert reply.status == 200, reply


def test_session_header_forms_and_expiry(sandbox):
    sandbox.login()
    assert sandbox.rest("GET", "/limits").status == 200
    assert sandbox.rest("GET", "/limits", headers={"Authorization": "OAuth " + sandbox.token}).status == 200
    for header in ({"Authorization": "Bearer nonsense"}, {"Authorization": ""}):
        reply = sandbox.rest("GET", "/limits", headers=header)
        assert (reply.status, reply.code) == (401, "INVALID_SESSION_ID"), reply
    assert sandbox.admin("POST", "/expire-tokens")["expired"] >= 1
    reply = sandbox.rest("GET", "/limits")
    assert reply.status == 401 and reply.json[0]["message"] == "Session expired or invalid"


def test_session_life(sandbox):
    sandbox.config(session_ttl_ms=50)
    sandbox.login()
    deadline = time.monotonic() + 10
    while sandbox.rest("GET", "/limits").status != 401:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_refresh_token(sandbox):
    answer = sandbox.form(**sandbox.password_form(scope="api refresh_token")).json
    refresh = {"grant_type": "refresh_token", "client_id": ID, "refresh_token": answer["refresh_token"]}
    sandbox.admin("POST", "/expire-tokens")
    fresh = sandbox.form(**refresh)
    assert fresh.status == 200 and "refresh_token" not in fresh.json, fresh
    sandbox.token = fresh.json["access_token"]
    assert sandbox.rest("GET", "/limits").status == 200
    # One kind of token is not the other.
    assert sandbox.form(**{**refresh, "refresh_token": sandbox.token}).json["error"] == "invalid_grant"
    sandbox.token = answer["refresh_token"]
    assert sandbox.rest("GET", "/limits").status == 401


def test_login_rate(sandbox):
    sandbox.config(login_limit_per_hour=0)
    assert sandbox.form(**sandbox.password_form()).json["error"] == "rate_limit_exceeded"


def test_revoke_userinfo_identity(sandbox):
    answer = sandbox.login()
    info = sandbox.rest("GET", "/services/oauth2/userinfo").json
    assert info["preferred_username"] == USER and info["organization_id"].startswith("00D")
    path = answer["id"][len(sandbox.url):]
    identity = sandbox.send("GET", path + "?format=json&oauth_token=" + urllib.parse.quote(sandbox.token)).json
    assert identity["user_id"] == info["user_id"] and identity["urls"]["rest"].startswith(sandbox.url)
    assert sandbox.rest("GET", "/sobjects/User/" + info["user_id"]).json["Username"] == USER
    form = urllib.parse.urlencode({"token": sandbox.token})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert sandbox.send("POST", "/services/oauth2/revoke", form, headers).status == 200
    assert sandbox.rest("GET", "/limits").status == 401
    assert sandbox.send("POST", "/services/oauth2/revoke", form, headers).status == 400
    # Secrets stay out of the history.
    text = json.dumps(sandbox.history())
    assert SECRET not in text and urllib.parse.quote(sandbox.token) not in text and sandbox.token not in text


# ---- JWT ----
def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    directory = tmp_path_factory.mktemp("jwt")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", directory / "key.pem", "-out",
                    directory / "cert.pem", "-days", "2", "-subj", "/CN=callfleet"], check=True, capture_output=True)
    return directory


def assertion(key, claims=(), alg="RS256"):
    claims = {"iss": ID, "sub": USER, "aud": "https://login.salesforce.com", "exp": int(time.time()) + 180, **dict(claims)}
    if callable(claims["exp"]):  # a time counted from now, not from when the tests were collected
        claims["exp"] = claims["exp"]()
    text = "%s.%s" % (b64(json.dumps({"alg": alg}).encode()), b64(json.dumps(claims).encode()))
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key / "key.pem"], input=text.encode(),
                               capture_output=True, check=True).stdout
    return "%s.%s" % (text, b64(signature))


@pytest.fixture
def jwt(sandbox, key):
    sandbox.admin("POST", "/jwt-key", {"pem": (key / "cert.pem").read_text()})
    return lambda text: sandbox.form(grant_type=JWT_GRANT, assertion=text)


@pytest.mark.parametrize("claims", [
    {}, {"exp": lambda: str(int(time.time()) + 180)}, {"exp": lambda: int(time.time()) * 1000}, {"aud": "https://test.salesforce.com"},
    {"aud": "login.salesforce.com"}, {"aud": ["x", "https://login.salesforce.com/services/oauth2/token"]},
])
def test_jwt_accepted(jwt, key, claims):
    reply = jwt(assertion(key, claims))
    assert reply.status == 200 and reply.json["scope"] == "api", reply


def test_jwt_audience_own_url(sandbox, jwt, key):
    assert jwt(assertion(key, {"aud": sandbox.url})).status == 200


@pytest.mark.parametrize("claims, description", [
    ({"exp": 1}, "expired authorization code"),
    ({"exp": "1"}, "expired authorization code"),
    ({"exp": None}, "expired authorization code"),
    ({"aud": "https://evil.example"}, "audience is invalid"),
    ({"aud": "https://login.salesforce.com.evil.example"}, "audience is invalid"),
    ({"sub": "other@x.example"}, "user hasn't approved this consumer"),
    ({"iss": "other"}, "client identifier invalid"),
])
def test_jwt_refused(jwt, key, claims, description):
    reply = jwt(assertion(key, claims))
    assert reply.status == 400 and reply.json["error_description"] == description, reply


def test_jwt_signature_counts(jwt, key):
    head, claims, signature = assertion(key).split(".")
    other = b64(json.dumps({"iss": ID, "sub": USER, "aud": "https://login.salesforce.com", "exp": 9999999999}).encode())
    for text in ("%s.%s.%s" % (head, other, signature), "%s.%s." % (head, claims), "%s.%s" % (head, claims), "...", ""):
        assert jwt(text).status == 400
    assert jwt(assertion(key, alg="none")).json["error_description"] == "invalid assertion"


def test_jwt_key_file(fresh, key):
    other = fresh("--jwt-cert", key / "cert.pem")
    assert other.form(grant_type=JWT_GRANT, assertion=assertion(key)).status == 200


def test_soap_login(sandbox):
    def body(password):
        return ('<?xml version="1.0"?><env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>'
                '<n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>%s</n1:username><n1:password>%s'
                '</n1:password></n1:login></env:Body></env:Envelope>' % (USER, password))
    headers = {"Content-Type": "text/xml", "SOAPAction": "login"}
    reply = sandbox.send("POST", "/services/Soap/u/59.0", body(sbx.DEFAULTS["SB_PASSWORD"]), headers)
    assert reply.status == 200
    sandbox.token = reply.body.decode().split("<sessionId>")[1].split("<")[0]
    assert sandbox.rest("GET", "/limits").status == 200
    for path, password in (("59.0", "wrong"), ("65.0", sbx.DEFAULTS["SB_PASSWORD"])):
        assert sandbox.send("POST", "/services/Soap/u/" + path, body(password), headers).status == 500

"""Signs in with the Python package Authlib, and then tries what must not work."""

import json
import os
import secrets
from urllib.parse import parse_qs

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, JsonWebToken
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc.errors import JoseError

ISSUER, RETURN_URL, BYE_URL = (os.environ[name] for name in ("ISSUER", "RETURN_URL", "BYE_URL"))
# A provider with a form to sign in is told these; one without needs neither.
LOGIN, PASSWORD = os.environ.get("LOGIN"), os.environ.get("PASSWORD")
ALICE = {"sub": "alice", "name": "Alice", "email": "alice@example.org", "email_verified": True}
USER = json.loads(os.environ["CLAIMS"]) if "CLAIMS" in os.environ else ALICE
SCOPE = "openid profile email offline_access"

document = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=30).json()
metadata = OpenIDProviderMetadata(document)
metadata.validate()
assert metadata["issuer"] == ISSUER
keys = JsonWebKey.import_key_set(requests.get(metadata["jwks_uri"], timeout=30).json())
jwt = JsonWebToken(metadata["id_token_signing_alg_values_supported"])


def session(method, client_id="shop", secret=os.environ["CLIENT_SECRET"]):
    return OAuth2Session(
        client_id,
        None if method == "none" else secret,
        token_endpoint_auth_method=method,
        scope=SCOPE,
        redirect_uri=RETURN_URL,
        code_challenge_method="S256",
    )


def sign_in(browser, url, page):
    """The reply to the form, if the page has one and there is somebody to sign in; else the page."""
    parts = requests.compat.urlparse(url)
    if not LOGIN or page.status_code != 200 or parts.path != "/login":
        return page
    (back,) = parse_qs(parts.query)["next"]
    form = {"login": LOGIN, "password": PASSWORD, "next": back}
    return browser.post(f"{ISSUER}/login", data=form, allow_redirects=False, timeout=30)


def browse(browser, url):
    """Follows redirects inside the provider; returns the status and the address that leads out of it."""
    for _ in range(5):
        reply = sign_in(browser, url, browser.get(url, allow_redirects=False, timeout=30))
        if reply.status_code != 303:
            return reply.status_code, None
        url = requests.compat.urljoin(url, reply.headers["location"])
        if not url.startswith(ISSUER):
            return 303, url
    raise AssertionError("too many redirects")


def begin(client, browser, **extra):
    verifier, nonce = generate_token(48), secrets.token_urlsafe()
    url, state = client.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **extra
    )
    status, back = browse(browser, url)
    return status, back, state, verifier, nonce


def tokens_of(client, back, state, verifier):
    return client.fetch_token(
        metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
    )


def claims_of(client, tokens, nonce):
    claims = jwt.decode(
        tokens["id_token"],
        keys,
        claims_cls=CodeIDToken,
        claims_options={
            "iss": {"essential": True, "value": ISSUER},
            "aud": {"essential": True, "value": client.client_id},
        },
        claims_params={
            "nonce": nonce,
            "client_id": client.client_id,
            "access_token": tokens["access_token"],
            "max_age": 60,
        },
    )
    claims.validate()
    return claims


def refused(kind, call, *words):
    try:
        call()
    except kind as error:
        assert all(word in str(error) for word in words), error
    else:
        raise AssertionError(f"it was not refused: {words}")


for method, client_id in [("client_secret_basic", "shop"), ("client_secret_post", "shop"), ("none", "app")]:
    client, browser = session(method, client_id), requests.Session()
    _, back, state, verifier, nonce = begin(client, browser)
    tokens = tokens_of(client, back, state, verifier)
    claims = claims_of(client, tokens, nonce)
    assert claims["sub"] == USER["sub"] and "at_hash" in claims and "sid" in claims, claims
    info = client.get(metadata["userinfo_endpoint"], timeout=30).json()
    assert info == USER, info

    again = client.refresh_token(metadata["token_endpoint"], tokens["refresh_token"])
    assert again["access_token"] != tokens["access_token"]
    assert client.get(metadata["userinfo_endpoint"], timeout=30).json()["name"] == USER["name"]

    # A nonce of somebody else.
    refused(JoseError, lambda: claims_of(client, tokens, "another"), "nonce")
    # An access token of somebody else beside the id token.
    mixed = {**tokens, "access_token": "another"}
    refused(JoseError, lambda: claims_of(client, mixed, nonce), "at_hash")

    query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BYE_URL, "state": "x"}
    out = requests.Request("GET", metadata["end_session_endpoint"], params=query).prepare().url
    assert browse(browser, out) == (303, f"{BYE_URL}?state=x")
    _, back, *_ = begin(client, browser, prompt="none")
    assert "error=login_required" in back, back
    print(method)

client, browser = session("client_secret_basic"), requests.Session()

# A code that comes twice is refused, and what it gave is gone.
_, back, state, verifier, _ = begin(client, browser)
tokens = tokens_of(client, back, state, verifier)
other = session("client_secret_basic")
refused(OAuthError, lambda: tokens_of(other, back, state, verifier), "invalid_grant")
assert client.get(metadata["userinfo_endpoint"], timeout=30).status_code == 401
refused(
    OAuthError, lambda: other.refresh_token(metadata["token_endpoint"], tokens["refresh_token"]), "invalid_grant"
)

# A verifier of somebody else.
_, back, state, _, _ = begin(client, browser)
refused(OAuthError, lambda: tokens_of(other, back, state, generate_token(48)), "invalid_grant")

# A return address that is not registered goes nowhere.
astray = session("client_secret_basic")
astray.redirect_uri = "http://127.0.0.1:1/other"
status, *_ = begin(astray, browser)
assert status == 400, status

# A wrong secret.
stranger = session("client_secret_basic", secret="wrong" * 8)
_, back, state, verifier, _ = begin(stranger, browser)
refused(OAuthError, lambda: tokens_of(stranger, back, state, verifier), "invalid_client")

print("all is well")

"""Authlib's authorization server, for tests/outside/issuers: JWT bearer assertions, and clients without form-encoded credentials."""

import os
from pathlib import Path

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.sqla_oauth2 import OAuth2ClientMixin
from authlib.jose import JsonWebKey
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion, JWTBearerGrant
from flask import Flask
from sqlalchemy import Column, Integer
from sqlalchemy.orm import declarative_base

from serving import serve

# Authlib refuses HTTP without this variable. The test uses HTTP, because loopback needs no TLS.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

KEYS = Path(__file__).parent.parent / "keys"
JWT_BEARER = JWTBearerGrant.GRANT_TYPE


class Client(declarative_base(), OAuth2ClientMixin):
    """Authlib's client model. It is never written to a database."""

    __tablename__ = "client"
    id = Column(Integer, primary_key=True)


def client(client_id, secret, methods, grants, key=None):
    made = Client(client_id=client_id, client_secret=secret)
    made.set_client_metadata({"token_endpoint_auth_method": methods, "grant_types": grants, "scope": "read write"})
    made.key = key
    return made


def public(name):
    return JsonWebKey.import_key((KEYS / f"{name}.pem").read_bytes(), {"kty": "EC" if name.startswith("ec") else "RSA"})


CLIENTS = {
    made.client_id: made
    for made in [
        client("plain id", "s:ecret &=+%2B/~", "client_secret_basic", ["client_credentials"]),
        client("signs", "", "client_assertion_jwt", ["client_credentials"], public("rsa8")),
        client("issuer-rsa", "", "none", [JWT_BEARER], public("rsa8")),
        client("issuer-ec", "", "none", [JWT_BEARER], public("ec8")),
        client("issuer-shared", "", "none", [JWT_BEARER], "a secret that both know"),
        client("issuer-without", "", "none", ["client_credentials"], public("rsa8")),
    ]
}
USERS = {"ada", "issuer-rsa", "issuer-shared"}
seen = set()
audience = []


class Bearer(JWTBearerGrant):
    @property
    def CLAIMS_OPTIONS(self):
        return {**JWTBearerGrant.CLAIMS_OPTIONS, "aud": {"essential": True, "values": audience}}

    def resolve_issuer_client(self, issuer):
        return CLIENTS.get(issuer) or CLIENTS["issuer-without"]

    def resolve_client_key(self, client, headers, payload):
        return client.key

    def authenticate_user(self, subject):
        return subject if subject in USERS else None

    def has_granted_permission(self, client, user):
        return True


class Assertion(JWTBearerClientAssertion):
    def validate_jti(self, claims, jti):
        known = jti in seen
        seen.add(jti)
        return not known

    def resolve_client_public_key(self, client, headers):
        return client.key


class Credentials(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_assertion_jwt"]


application = Flask(__name__)
application.config["OAUTH2_SCOPES_SUPPORTED"] = ["read", "write"]
application.config["OAUTH2_TOKEN_EXPIRES_IN"] = {JWT_BEARER: 321, "client_credentials": 654}
server = AuthorizationServer(application, query_client=CLIENTS.get, save_token=lambda token, request: None)
server.register_grant(Bearer)
server.register_grant(Credentials)
application.add_url_rule("/token", "token", server.create_token_response, methods=["POST"])


def ready(address):
    token_url = f"http://{address}/token"
    audience[:] = [token_url, f"http://{address}"]
    server.register_client_auth_method(Assertion.CLIENT_AUTH_METHOD, Assertion(token_url))


serve(application, ready)

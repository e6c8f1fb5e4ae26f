"""Which tokens open a route: those that the pool signed, for a person, not too long ago. Keys come over real HTTP."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local.authorizer import Authorizer, Denied

POOL = "us-east-1_abc"
ISSUER = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}"
OURS, THEIRS = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
PUBLIC = OURS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    told = {"sub": "7f3a", "iss": ISSUER, "aud": "site", "token_use": "id", "iat": now, "exp": now + 600}
    told |= {
        "auth_time": now,
        "email": "ada@example.com",
        "email_verified": True,
        "cognito:groups": ["writers", "admin"],
    }
    return {name: value for name, value in (told | changed).items() if value is not None}


def signed(key: Any = OURS, *, kid: str = "one", algorithm: str = "RS256", **changed: Any) -> str:
    return jwt.encode(claims(**changed), key, algorithm=algorithm, headers={"kid": kid})


def by_hand(header: dict[str, Any], signature: bytes = b"") -> str:
    """What no library would sign."""
    parts = [json.dumps(header).encode(), json.dumps(claims()).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def hs256_with_the_public_key() -> str:
    import hashlib
    import hmac

    start = by_hand({"alg": "HS256", "kid": "one"}).rpartition(".")[0]
    signature = hmac.new(PUBLIC, start.encode(), hashlib.sha256).digest()
    return f"{start}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def tampered() -> str:
    """The signature of another text."""
    head, _, signature = signed().split(".")
    other = base64.urlsafe_b64encode(json.dumps(claims(**{"cognito:groups": ["admin"]})).encode()).rstrip(b"=").decode()
    return f"{head}.{other}.{signature}"


@pytest.fixture(scope="module")
def authorizer() -> Iterator[Authorizer]:
    """One whose pool publishes one key, over HTTP."""
    jwk = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(OURS.public_key())), "kid": "one", "use": "sig"}

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == f"/{POOL}/.well-known/jwks.json"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": [jwk]}).encode())

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Authorizer(f"http://127.0.0.1:{server.server_port}", POOL)
    server.shutdown()
    server.server_close()


def test_a_persons_token_tells_who_they_are_as_api_gateway_words_it(authorizer: Authorizer) -> None:
    told = authorizer.claims(f"Bearer {signed(exp=4102444800)}")
    assert (told["sub"], told["email"], told["aud"]) == ("7f3a", "ada@example.com", "site")
    assert told["cognito:groups"] == "writers,admin"
    assert told["email_verified"] == "true"
    assert told["exp"] == "Fri Jan 01 00:00:00 UTC 2100"
    assert all(isinstance(value, str) for value in told.values())


def test_the_word_bearer_may_be_missing(authorizer: Authorizer) -> None:
    assert authorizer.claims(signed())["sub"] == "7f3a"


REFUSED = {
    "none at all": None,
    "empty": "",
    "no token": "Bearer",
    "not three parts": "Bearer abc",
    "an API key": f"Bearer sk-proj-{'0' * 12}{'A' * 43}",
    "alg none": by_hand({"alg": "none", "kid": "one"}),
    "alg None": by_hand({"alg": "None", "kid": "one"}),
    "no alg": by_hand({"kid": "one"}),
    "HS256 with our public key": hs256_with_the_public_key(),
    "no kid": jwt.encode(claims(), OURS, algorithm="RS256"),
    "an unknown kid": signed(kid="two"),
    "signed by somebody else": signed(THEIRS),
    "tampered": tampered(),
    "cut": signed()[:-4],
    "expired": signed(exp=int(time.time()) - 1),
    "no expiry": signed(exp=None),
    "not yet valid": signed(nbf=int(time.time()) + 600),
    "another pool": signed(iss=ISSUER.replace("abc", "xyz")),
    "no issuer": signed(iss=None),
    "an access token": signed(token_use="access"),
    "for nobody": signed(aud=None),
    "of nobody": signed(sub=None),
    "PS256": signed(algorithm="PS256"),
}


@pytest.mark.parametrize("token", REFUSED.values(), ids=REFUSED)
def test_whatever_else_opens_nothing(authorizer: Authorizer, token: str | None) -> None:
    with pytest.raises(Denied):
        authorizer.claims(token)


def test_an_expired_token_is_told_so(authorizer: Authorizer) -> None:
    with pytest.raises(Denied, match="expired"):
        authorizer.claims(REFUSED["expired"])


def test_nothing_opens_while_the_pools_keys_cannot_be_had() -> None:
    with pytest.raises(Denied):
        Authorizer("http://127.0.0.1:9", POOL).claims(signed())

"""The API's Cognito authorizer, as API Gateway has it: a signed-in person's ID token in, its claims out."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local.emulator import REGION

_DATES = {"auth_time", "exp", "iat"}


class Denied(Exception):
    """The token proves nothing. `message` is all that API Gateway says."""

    def __init__(self, message: str = "Unauthorized") -> None:
        super().__init__(message)
        self.message = message


class Authorizer:
    """Tokens of one user pool, `pool` being its id, in the AWS at `endpoint`.

    Like API Gateway it takes the ID token of any client of the pool; the doors ask for the site's own client.
    """

    def __init__(self, endpoint: str, pool: str) -> None:
        self._issuer = f"https://cognito-idp.{REGION}.amazonaws.com/{pool}"
        self._keys_at = f"{endpoint}/{pool}/.well-known/jwks.json"
        self._keys: Any = None
        self._lock = threading.Lock()

    def claims(self, header: str | None) -> dict[str, str]:
        """What the token in `Authorization` says, in the words of a proxy event. Raises Denied."""
        import jwt  # here, because a run in which nobody signs in does not need a second of cryptography

        token = (header or "").strip()
        token = token[7:].strip() if token[:7].lower() == "bearer " else token
        try:
            # The algorithm is ours to choose: what the token says about it could be `none`, or HS256 with a public key.
            found: dict[str, Any] = jwt.decode(
                token,
                self._key(token).key,
                algorithms=["RS256"],
                issuer=self._issuer,
                options={"require": ["exp", "iat", "iss", "sub", "aud", "token_use"], "verify_aud": False},
            )
        except jwt.ExpiredSignatureError:
            raise Denied("The incoming token has expired") from None
        except jwt.PyJWTError:
            raise Denied from None
        if found["token_use"] != "id":  # noqa: S105 - an access token would need scopes on the route
            raise Denied
        return _told(found)

    def _key(self, token: str) -> Any:
        import jwt

        with self._lock:
            if self._keys is None:
                self._keys = jwt.PyJWKClient(self._keys_at, cache_keys=True, lifespan=300, timeout=5)
            return self._keys.get_signing_key_from_jwt(token)


def _told(claims: Mapping[str, Any]) -> dict[str, str]:
    """All claims are text there: lists joined by commas, times as Java writes a date."""
    return {name: _text(name, value) for name, value in claims.items()}


def _text(name: str, value: Any) -> str:
    if name in _DATES:
        return datetime.fromtimestamp(value, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)

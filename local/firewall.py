"""The rate rules of the template's firewall, as AWS WAF would count them; here they hold in every stage.

WAF counts a window of some minutes, about; this counts exactly, and by the address of the connection.
"""

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from local.template import Template


@dataclass(frozen=True)
class Blocked:
    """What a rule answers: its custom response."""

    status: int
    content_type: str
    body: str
    headers: dict[str, str]


@dataclass
class _Rule:
    """`limit` requests of one address within `window` seconds, of the path that ends so."""

    path: str
    limit: int
    window: float
    refusal: Blocked
    seen: dict[str, deque[float]] = field(default_factory=dict)


class Firewall:
    """All rules of the template. `blocked` may be asked from any thread."""

    def __init__(self, template: Template) -> None:
        acl: dict[str, Any] = next((r["Properties"] for r in template.of_type("AWS::WAFv2::WebACL").values()), {})
        bodies = acl.get("CustomResponseBodies", {})
        self._rules = [_read(template.resolve(each), bodies) for each in acl.get("Rules", []) if "Fn::If" not in each]
        self._lock = threading.Lock()

    def blocked(self, path: str, address: str) -> Blocked | None:
        """Count one request; what it is answered if it is one too many. `path` with its stage: /api/public/..."""
        now = time.monotonic()
        with self._lock:
            for rule in self._rules:
                if not path.endswith(rule.path):
                    continue
                seen = rule.seen.setdefault(address, deque())
                while seen and seen[0] <= now - rule.window:
                    seen.popleft()
                seen.append(now)
                if len(seen) > rule.limit:
                    seen.popleft()  # no more than the limit are kept of whoever does not stop
                    return rule.refusal
        return None


def _read(rule: dict[str, Any], bodies: dict[str, dict[str, str]]) -> _Rule:
    """A rule that counts by the connection's address; those that begin with !If ask what CloudFront says."""
    rate = rule["Statement"]["RateBasedStatement"]
    (path, _) = rate["ScopeDownStatement"]["AndStatement"]["Statements"]
    told = rule["Action"]["Block"]["CustomResponse"]
    headers = {header["Name"]: header["Value"] for header in told["ResponseHeaders"]}
    body = bodies[told["CustomResponseBodyKey"]]["Content"]
    refusal = Blocked(told["ResponseCode"], "application/json", body, headers)
    return _Rule(path["ByteMatchStatement"]["SearchString"], rate["Limit"], rate["EvaluationWindowSec"], refusal)

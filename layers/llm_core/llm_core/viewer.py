"""Whose address a request comes from, when it came through CloudFront and when it did not.

CloudFront adds a secret, `x-origin-verify`, and its edge function overwrites `x-viewer-ip`. Without the secret that
header, like X-Forwarded-For, is what a caller chose to write, and the address is that of the connection.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from llm_core.aws.secrets import secret
from llm_core.settings import settings


def address(event: Mapping[str, Any]) -> str:
    """The viewer of a proxy event; of IPv6 the /64, which is what one household has. Raises Misconfigured."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    found = str(event["requestContext"]["identity"]["sourceIp"])
    if _came_through_cloudfront(headers):
        found = headers.get("x-viewer-ip", found)
    return _network(found)


def _came_through_cloudfront(headers: Mapping[str, str]) -> bool:
    reference = settings().origin_verify_ref
    shown = headers.get("x-origin-verify", "")
    return bool(reference and shown) and hmac.compare_digest(shown.encode(), secret(reference).encode())


def _network(text: str) -> str:
    try:
        found = ip_address(text.strip())
    except ValueError:
        return "unknown"
    if found.version == 6 and found.ipv4_mapped:
        found = found.ipv4_mapped
    return str(found) if found.version == 4 else str(ip_network(f"{found}/64", strict=False))

"""Where a request comes from: the connection itself, or what the last trusted proxy in front of us wrote down.

X-Forwarded-For grows to the right, and everything left of our own proxies is whatever a client liked to send. So the
address is the entry that the outermost of TRUSTED_PROXIES proxies added; with none (the default) the header is ignored.
"""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The client's address, or None where there is none (a Unix socket)."""
    proxies = settings.TRUSTED_PROXIES
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if 0 < proxies <= len(hops):
        return _address(hops[-proxies]) or _address(request.META.get("REMOTE_ADDR", ""))
    return _address(request.META.get("REMOTE_ADDR", ""))


def neighbourhood(address: str) -> str:
    """What one customer has: an IPv4 address, or the 64 bits of an IPv6 network."""
    parsed = ip_address(address)
    return str(IPv6Network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)


def _address(text: str) -> str | None:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return None

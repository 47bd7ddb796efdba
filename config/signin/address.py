"""From where a request comes, as far as it can be believed."""

from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

IPV6_NETWORK_BITS = 64  # of which one customer has all: without it, each try would come from another address


def address_of(request: HttpRequest) -> str | None:
    """The sender's address; of IPv6 that of its network of 64 bits. None where there is none (a unix socket, a test).

    X-Forwarded-For is believed only with BEHIND_TLS_PROXY, and of it only what the outermost of the PROXIES wrote, the
    last entry with one: what stands before it the sender may have made up.
    """
    sender = _parsed(request.META.get("REMOTE_ADDR", ""))
    if settings.BEHIND_TLS_PROXY:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        sender = _parsed(forwarded[-settings.PROXIES :][0]) or sender
    return sender


def _parsed(text: str) -> str | None:
    """Also with a port, as some proxies write it: 192.0.2.1:4711, [2001:db8::1]:4711."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ip_network((address, IPV6_NETWORK_BITS), strict=False).network_address)
    return str(address)

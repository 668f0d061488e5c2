"""Which addresses of the internet we may call: none of our own network. Pure."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052."""


def allowed(address: Address, *, development: bool) -> bool:
    """True if we may call this address: a public one, or loopback in development.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, Teredo, NAT64) is judged by both.
    """
    if address.is_loopback:
        return development
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    if address.is_site_local:
        return False
    return all(allowed(inner, development=False) for inner in carried(address))


def carried(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses inside an IPv6 address."""
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in NAT64:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [found for found in inner if found is not None]

"""Which addresses of the internet we may call: none of our own network. Pure."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
"""RFC 6052 and RFC 8215: what translates them may stand in our own network and lead into it."""


def allowed(address: Address, *, development: bool) -> bool:
    """True if we may call this address: a public one, or loopback in development.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, Teredo) is judged by both.
    """
    if address.is_loopback:
        return development
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    if address.is_site_local or any(address in network for network in NAT64):
        return False
    return all(allowed(inner, development=False) for inner in carried(address))


def carried(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses inside an IPv6 address."""
    inner = (address.ipv4_mapped, address.sixtofour, *(address.teredo or ()))
    return [found for found in inner if found is not None]

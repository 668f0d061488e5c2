"""What a merchant asks for, before it is an invoice."""

import hashlib
import json
from dataclasses import dataclass, field

from gateway.invoices.rules import EXPIRES_SECONDS_DEFAULT
from gateway.invoices.terms import Fields
from gateway.money import Money


@dataclass(frozen=True, slots=True)
class Order:
    """What a merchant asks for; two equal orders under one order_id are one invoice."""

    price: Money
    order_id: str | None = None
    assets: tuple[tuple[str, str], ...] | None = None
    expires_in: int = EXPIRES_SECONDS_DEFAULT
    title: str | None = None
    success_url: str | None = None
    link_id: str | None = None
    quantity: int | None = None
    """How many pieces the price is for; None where nobody counts."""
    metadata: dict[str, str] = field(default_factory=dict)
    terms: Fields | None = None
    """What differs from the merchant's checkout terms."""

    @property
    def digest(self) -> bytes:
        """What makes two orders the same."""
        facts: tuple[object, ...] = (
            self.price.units,
            self.price.asset.code,
            self.assets,
            self.expires_in,
            self.title,
            self.success_url,
            self.metadata,
        )
        if self.terms:  # what was asked without any keeps the hash it always had
            facts += (dict(self.terms),)
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).digest()

"""Rules about the target: in the book, active, and not too new. Pure."""

from gateway.book.rules import BookFacts, cool_until
from gateway.policy.rules import Allow, Judgement, Refuse, Rule, Wait


def in_the_book(facts: BookFacts) -> Judgement:
    """Refuse a target outside a required book; wait for one that is not active yet."""
    if not facts.required:
        return Allow()
    if facts.active_after is None:
        return Refuse("address_not_in_book", "add it to the address book first")
    if facts.active_after > facts.now:
        return Wait("address_not_active", facts.active_after)
    return Allow()


def not_too_new(facts: BookFacts) -> Judgement:
    """Wait before the first payment to a target: time to see that somebody else asked for it."""
    until = cool_until(facts)
    if facts.used_before or until <= facts.now:
        return Allow()
    return Wait("cooling_off", until)


RULES: tuple[Rule, ...] = (in_the_book, not_too_new)

"""Add, remove, prove addresses; gather what policy asks of a withdrawal's target."""

import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.accounts import service as accounts
from gateway.book import message, rules
from gateway.book.store import BookEntry, BookRule, Challenge
from gateway.chain import store as chains
from gateway.chain.port import Node
from gateway.errors import Conflict, NotFound, Refused
from gateway.ids import new_id
from gateway.journal import service as journal
from gateway.settings import settings

CHALLENGE_SECONDS = 600
NONCE_BYTES = 12
USED = text("""
    select exists (select from withdrawal where account_id = :account and chain = :chain
        and to_address = :address and status = 'confirmed')
""")


def add(
    session: Session, *, account_id: str, chain: str, address: bytes, label: str, by: str
) -> BookEntry:
    """Add an address; it may be used after the activation delay. Raises Conflict if it is there."""
    entry = BookEntry(
        id=new_id("adr"),
        account_id=accounts.get(session, account_id).id,
        chain=chains.chain(session, chain).id,
        address=address,
        label=label,
        active_after=datetime.now(UTC) + settings().book_delay,
        added_by=by,
    )
    try:
        with session.begin_nested():
            session.add(entry)
    except IntegrityError as error:
        raise Conflict("this address is in the book", code="address_known") from error
    journal.write(session, actor=by, action="address.added", subject=entry.id)
    session.refresh(entry)
    return entry


def get(session: Session, account_id: str, entry_id: str) -> BookEntry:
    """Return an account's entry; raises NotFound."""
    entry = session.get(BookEntry, entry_id, with_for_update=True)
    if entry is None or entry.account_id != account_id or entry.removed_at is not None:
        raise NotFound("no such address in the book")
    return entry


def remove(session: Session, entry: BookEntry, *, by: str) -> BookEntry:
    """Take an address out of the book, at once."""
    entry.removed_at = datetime.now(UTC)
    session.flush()
    journal.write(session, actor=by, action="address.removed", subject=entry.id)
    return entry


def require(session: Session, *, account_id: str, required: bool, by: str) -> BookRule:
    """Let money go to the book only, at once; or anywhere, after the activation delay."""
    now = datetime.now(UTC)
    rule = session.get(BookRule, account_id, with_for_update=True)
    was = rule is not None and rules.is_required(rule.required, rule.optional_from, now)
    if rule is None:
        rule = BookRule(account_id=account_id)
        session.add(rule)
    if required or not was:
        rule.optional_from = None
    elif rule.required:
        rule.optional_from = now + settings().book_delay
    rule.required, rule.set_by = required, by
    session.flush()
    action = "address_book.required" if required else "address_book.optional"
    journal.write(session, actor=by, action=action, subject=account_id)
    return rule


def challenge(session: Session, entry: BookEntry) -> Challenge:
    """Return a fresh message to sign; good once, for CHALLENGE_SECONDS."""
    now = datetime.now(UTC)
    until, nonce = now + timedelta(seconds=CHALLENGE_SECONDS), secrets.token_hex(NONCE_BYTES)
    asked = Challenge(
        nonce=nonce,
        entry_id=entry.id,
        message=message.write(
            base_url=settings().base_url,
            address=entry.address,
            chain_id=chains.chain(session, entry.chain).chain_id,
            nonce=nonce,
            at=now,
            until=until,
        ),
        expires_at=until,
    )
    session.add(asked)
    session.flush()
    return asked


def prove(
    session: Session, entry: BookEntry, node: Node, *, nonce: str, signature: bytes
) -> BookEntry:
    """Note that the address is its owner's. Raises Refused: no such message, too late, used, or
    not signed by the address; NodeAway.
    """
    asked = session.get(Challenge, nonce, with_for_update=True)
    if asked is None or asked.entry_id != entry.id:
        raise Refused("no such challenge", code="unknown_challenge", field="nonce")
    if asked.used_at is not None or asked.expires_at < datetime.now(UTC):
        raise Refused("ask for a fresh challenge", code="challenge_over", field="nonce")
    if not message.is_signed_by(node, entry.address, asked.message, signature):
        raise Refused("the address did not sign this", code="bad_signature", field="signature")
    asked.used_at = entry.proven_at = datetime.now(UTC)
    session.flush()
    journal.write(session, actor=entry.added_by, action="address.proven", subject=entry.id)
    return entry


def facts_of(session: Session, account_id: str, chain: str, address: bytes) -> rules.BookFacts:
    """Return what is known of a withdrawal's target."""
    now = datetime.now(UTC)
    query = select(BookEntry).where(
        BookEntry.account_id == account_id,
        BookEntry.chain == chain,
        BookEntry.address == address,
        BookEntry.removed_at.is_(None),
    )
    entry, rule = session.scalar(query), session.get(BookRule, account_id)
    place = {"account": account_id, "chain": chain, "address": address}
    return rules.BookFacts(
        now=now,
        required=rule is not None and rules.is_required(rule.required, rule.optional_from, now),
        known_since=entry.created_at if entry else None,
        active_after=entry.active_after if entry else None,
        proven=entry is not None and entry.proven_at is not None,
        used_before=bool(session.execute(USED, place).scalar_one()),
        cooling_off=settings().cooling_off,
        cooling_off_proven=settings().cooling_off_proven,
    )

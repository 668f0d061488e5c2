"""What a node's answer to a raw transaction means for us, by the words each client uses. Pure.

The words: geth core/txpool/errors.go and core/error.go, erigon txnprovider/txpool/txpoolcfg,
nethermind AcceptTxResult, reth transaction-pool error.rs, besu TransactionInvalidReason, anvil
eth/error.rs, hardhat. They are not part of any specification, so what is unknown counts as sent.
"""

SENT, KNOWN, CONSUMED, UNDERPRICED = "sent", "known", "consumed", "underpriced"
NO_GAS_MONEY, DELEGATED, TOO_BIG, UNCERTAIN = "no_gas_money", "delegated", "too_big", "uncertain"

# The first class whose words are in the message counts: "replacement ... underpriced" of one
# client must not be taken for another's "nonce".
WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        KNOWN,
        (
            "already known",
            "alreadyknown",
            "known transaction",
            "already imported",
            "already in the pool",
            "already in mempool",
            "known_transaction",
            "duplicate hash",
        ),
    ),
    (DELEGATED, ("in-flight transaction limit reached for delegated accounts",)),
    (
        CONSUMED,
        (
            "nonce too low",
            "nonce is too low",
            "nonce_too_low",
            "noncetoolow",
            "oldnonce",
            "nonce below current nonce",
        ),
    ),
    (
        UNDERPRICED,
        (
            "underpriced",
            "less than block base fee",
            "below current base fee",
            "max fee per gas less than",
            "feetoolow",
            "fee too low",
            "gas_price_below",
            "gas price below",
            "replacementnotallowed",
            "tip above",
        ),
    ),
    (
        NO_GAS_MONEY,
        (
            "insufficient funds",
            "insufficientfunds",
            "upfront cost exceeds",
            "upfront_cost_exceeds",
            "doesn't have enough funds",
            "insufficient balance",
        ),
    ),
    (
        TOO_BIG,
        (
            "exceeds block gas limit",
            "exceeds_block_gas_limit",
            "gas limit too high",
            "gaslimitexceeded",
            "exceeds the configured cap",
            "gas limit cap",
            "transaction gas limit",
        ),
    ),
)


def outcome(error: str | None) -> str:
    """Name what a node's answer means: None, no error, is "sent".

    "sent" and "known" are alike; "consumed" is settled by the nonce; whatever else, a timeout
    included, counts as sent, because it may have been.
    """
    if error is None:
        return SENT
    said = error.lower()
    return next((name for name, words in WORDS if any(one in said for one in words)), UNCERTAIN)

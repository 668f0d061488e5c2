"""When what we know of a chain is too old to go by. Pure."""

HEAD_AGE_BLOCKS_MAX = 10
HEAD_AGE_SECONDS_MIN = 15.0


def stale(age: float | None, block_seconds: float) -> bool:
    """True if the newest block we read is older than ten block times, and than 15 seconds.

    `age` is in seconds since that block's own time; None is a chain of which no block was read.
    """
    return age is None or age > max(HEAD_AGE_SECONDS_MIN, HEAD_AGE_BLOCKS_MAX * block_seconds)

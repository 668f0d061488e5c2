"""The chart of accounts and why money moves. 1xxx we own, 2xxx we owe, 3-5xxx is the
house, 7xxx counts limits and is no money."""

from enum import IntEnum


class Chart(IntEnum):
    """A place in the chart of accounts; the same numbers stand in migrations/sql."""

    HOT = 1000
    UNSWEPT = 1010
    TREASURY = 1020
    GAS_TANK = 1030
    RECEIVABLE = 1200
    AVAILABLE = 2000
    UNATTRIBUTED = 2050
    BLOCKED = 2060
    CAPITAL = 3000
    FEES = 4000
    GAS = 5000
    UNEXPLAINED = 5010
    LIMITS = 7000
    LIMIT_DAY = 7010
    LIMIT_MONTH = 7020


CUSTODY = (Chart.HOT, Chart.UNSWEPT, Chart.TREASURY, Chart.GAS_TANK)
EXPENSES = (Chart.GAS, Chart.UNEXPLAINED)
OWED = (Chart.AVAILABLE, Chart.UNATTRIBUTED, Chart.BLOCKED)


class Movement(IntEnum):
    """Why money moves; table ledger.movement says which pass a freeze."""

    DEPOSIT = 1
    DEPOSIT_REVERSAL = 2
    TRANSFER = 3
    WITHDRAWAL = 4
    WITHDRAWAL_FEE = 5
    SWEEP = 6
    GAS = 7
    CAPITAL = 8
    REFUND = 9
    REPAYMENT = 13
    UNATTRIBUTED = 14
    ASSIGNMENT = 15
    UNKNOWN_PAYOUT = 16
    CUSTODY = 17
    LIMIT = 20
    RELEASED = 21
    SENT_ALONE = 22

"""Native coin that moved in a block, which leaves no log. One driver per way a node can tell it."""

from gateway.deposits.native.choose import driver_of
from gateway.deposits.native.port import TOP_LEVEL, Driver, Move
from gateway.deposits.native.transactions import Transactions

__all__ = ["TOP_LEVEL", "Driver", "Move", "Transactions", "driver_of"]

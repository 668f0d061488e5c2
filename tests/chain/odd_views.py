"""An endpoint that changes its answers as a test wants, for faults that are of one test only."""

from collections.abc import Callable
from typing import Any

from tests.sim.endpoint import Faults, View
from tests.sim.scripted import World

Change = Callable[[str, list[Any], Any], Any]


class OddView(View):
    """An endpoint whose every result goes through `change(method, parameters, result)`."""

    def __init__(self, world: World, change: Change, **faults: Any) -> None:
        self.__dict__["change"] = change
        super().__init__(world, Faults(**faults))
        world.views.append(self)

    def spoiled(self, method: str, parameters: list[Any]) -> Any:
        """Return what the endpoint tells instead."""
        return self.change(method, parameters, super().spoiled(method, parameters))


def of_blocks(**changes: Any) -> Change:
    """Change members of each block that has transactions."""

    def change(method: str, parameters: list[Any], result: Any) -> Any:
        del parameters
        block = method.startswith("eth_getBlockBy") and result is not None
        return result | changes if block and result["transactions"] else result

    return change


def of_receipts(change_one: Callable[[dict[str, Any]], Any]) -> Change:
    """Change each receipt."""

    def change(method: str, parameters: list[Any], result: Any) -> Any:
        del parameters
        asked = method == "eth_getTransactionReceipt" and result is not None
        return change_one(result) if asked else result

    return change

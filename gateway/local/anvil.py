"""Anvil, the development chain: a block every second, kept across runs by our own saves.

Anvil's `--state` writes in place, and a kill in the middle leaves a file it refuses to load. So
the stack asks for the state every few seconds, puts it in place at once, and loads it at a start.
"""

import gzip
import os
import re
import stat
import time
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from gateway.local.node import Node, NodeError
from gateway.local.ports import LOOPBACK
from gateway.local.process import Process, StackError
from gateway.local.secret import remembered

CHAIN_ID = 31337
CHAIN = f"eip155:{CHAIN_ID}"
PACKAGES = Path(__file__).parents[2] / "contracts" / "node_modules" / "@foundry-rs"
# States of older blocks cost a megabyte each; without a limit Anvil keeps thousands on disk.
STATES_KEPT = 64
MNEMONIC_WORDS = 12
OPTIONS = (
    *("--block-time", "1", "--chain-id", str(CHAIN_ID), "--accounts", "10"),
    *("--hardfork", "osaka", "--prune-history", str(STATES_KEPT), "--quiet"),
)
HEAD = re.compile(rb'"best_block_number":"?(0x[0-9a-f]+|\d+)')


class Anvil:
    """The embedded chain."""

    name = "anvil"

    def __init__(self, home: Path, port: int, say: Callable[[str], None]) -> None:
        self.folder = home / "anvil"
        self.port = port
        self.node = Node(LOOPBACK, port)
        self._say = say
        self._mnemonic = home / "mnemonic"
        self._save = self.folder / "state.json.gz"
        self._older_save = self.folder / "older.json.gz"

    @property
    def endpoint(self) -> str:
        """The chain and its node, as `CHAINS` has it."""
        return f"{CHAIN}=http://{LOOPBACK}:{self.port}"

    @property
    def mnemonic(self) -> str:
        """The secret words from which the ten funded accounts come, made at the first run."""
        return remembered(self._mnemonic, new_mnemonic)

    def prepare(self) -> None:
        """Make the folder; say so when a chain that was here before has left no save."""
        binary()
        self.folder.mkdir(exist_ok=True)
        if self._mnemonic.exists() and not self._save.exists() and not self._older_save.exists():
            self._say(
                "the development chain's save is gone: it begins again at block 0, and what the "
                "ledger knows of it no longer exists there; `make reset` starts everything afresh"
            )

    def process(self, env: Mapping[str, str]) -> Process:
        """Describe the node's process, going on from the last save."""
        state = self._unpacked_state()
        return Process(
            self.name,
            (
                *(str(binary()), *OPTIONS, "--host", LOOPBACK, "--port", str(self.port)),
                *("--mnemonic", self.mnemonic),
                *(("--load-state", str(state)) if state else ()),
            ),
            env,
            quiet=True,
            renew=partial(self.process, env),
        )

    def ready(self) -> bool:
        """True when the node tells its head."""
        try:
            self.node.call("eth_blockNumber")
        except NodeError:
            return False
        return True

    def save(self) -> None:
        """Put the chain's present state on disk, the one before it kept beside."""
        packed = bytes.fromhex(str(self.node.call("anvil_dumpState")).removeprefix("0x"))
        draft = self._save.with_suffix(".new")
        with draft.open("wb") as file:
            file.write(packed)
            file.flush()
            os.fsync(file.fileno())
        if self._save.exists():
            os.replace(self._save, self._older_save)
        os.replace(draft, self._save)

    def _unpacked_state(self) -> Path | None:
        saves = [save for save in (self._save, self._older_save) if save.exists()]
        for save in saves:
            try:
                state = _unpacked(save)
            except (OSError, EOFError, zlib.error):
                self._say(f"{save} cannot be read: the blocks since the save before it are lost")
                continue
            plain = self.folder / "state.json"
            plain.write_bytes(state)
            age = time.time() - save.stat().st_mtime
            self._say(f"the chain goes on from block {_head(state)}, saved {_spoken(age)} ago")
            return plain
        if saves:
            raise StackError(f"no save in {self.folder} can be read: `make reset` starts afresh")
        return None


def _unpacked(save: Path) -> bytes:
    state = gzip.decompress(save.read_bytes())
    if not state:
        raise EOFError("empty")  # gzip itself accepts a file cut down to nothing
    return state


def _head(state: bytes) -> int:
    found = HEAD.search(state)
    return int(found.group(1), 0) if found else 0


def _spoken(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if hours < 2 else f"{hours:.0f} h"


def new_mnemonic() -> str:
    """Return random secret words of BIP-39; the import takes half a second, at first runs only."""
    from eth_account import Account

    Account.enable_unaudited_hdwallet_features()
    _, words = Account.create_with_mnemonic(num_words=MNEMONIC_WORDS)
    return str(words)


def binary() -> Path:
    """Return the path of Anvil, or raise StackError when its package is not installed."""
    for path in sorted(PACKAGES.glob("anvil-*/bin/anvil*")):
        if path.stat().st_mode & stat.S_IXUSR:
            return path
    raise StackError(
        "anvil is missing: `make run` installs it with npm (@foundry-rs/anvil in "
        "contracts/package.json); or set CHAINS to use a node of your own"
    )

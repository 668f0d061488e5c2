"""The main job from one command: servers, schema, development's chain, application, story."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2

from gateway.local.process import StackError
from gateway.local.stack import Stack
from gateway.settings import Settings, settings

READY_SECONDS_MAX = 90
POLL_SECONDS = 0.2
DEV_FILE = "dev.json"
DRAFT_FILE = "dev.draft.json"


def run(given: Settings, *, always_tell: bool = False) -> None:
    """Start everything and stay up until Ctrl-C; tell the story if it was never told."""
    if not given.development:
        sys.exit("`mizan up` is for development; a server runs docker-compose.yml")
    started = time.monotonic()
    try:
        with Stack(given, interactive=True) as stack:
            stack.start_servers()
            facts = prepare(stack)
            stack.start_applications()
            wait_until_ready(stack)
            stack.output.say(f"ready after {time.monotonic() - started:.1f} s")
            if always_tell or not (stack.home / DEV_FILE).exists():
                tell(stack.home, facts)
            publish(stack.home, facts)
            stack.output.say(signpost(facts, shop_link(facts)))
            stack.wait()
    except StackError as error:
        sys.exit(f"mizan: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def run_story(given: Settings) -> None:
    """Tell the story on the system that runs, else start one and tell it there."""
    try:
        facts = json.loads((given.home / DEV_FILE).read_text())
        httpx2.get(f"{facts['base_url']}/readyz", timeout=5).raise_for_status()
    except (FileNotFoundError, ValueError, KeyError, httpx2.HTTPError):
        run(given, always_tell=True)
        return
    tell(given.home, facts)


def prepare(stack: Stack) -> dict[str, Any]:
    """Migrate and set up development's chain and keys; returns what dev.json will say."""
    from gateway.local import development
    from gateway.migrations import migrate

    os.environ.update(stack.environment() | stack.secrets())
    settings.cache_clear()
    migrate(settings().database_url)
    draft = stack.home / DRAFT_FILE
    facts = development.prepare(stack, known=read(draft) or read(stack.home / DEV_FILE))
    write(draft, facts)
    return facts


def read(path: Path) -> dict[str, Any]:
    """Return a JSON file's content, or nothing."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def write(path: Path, facts: dict[str, Any]) -> None:
    """Write a file only this user may read, whole or not at all."""
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(facts, indent=2) + "\n")
    os.replace(draft, path)


def publish(home: Path, facts: dict[str, Any]) -> None:
    """Write dev.json: any client can now try the running system."""
    write(home / DEV_FILE, facts)
    (home / DRAFT_FILE).unlink(missing_ok=True)


def wait_until_ready(stack: Stack) -> None:
    """Return when the API says it is ready; raises StackError with its reason if it does not."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    said = "nothing"
    while time.monotonic() < deadline:
        try:
            answer = httpx2.get(f"{stack.base_url}/readyz", timeout=5)
            if answer.status_code == 200:
                return
            said = answer.text
        except httpx2.HTTPError as error:
            said = type(error).__name__
        time.sleep(POLL_SECONDS)
    raise StackError(
        f"the application is not ready after {READY_SECONDS_MAX} s: {said}\n"
        f"{stack.output.last_lines('api')}\n`make reset` starts afresh; logs: {stack.home}/logs"
    )


def tell(home: Path, facts: dict[str, Any]) -> None:
    """Tell the story as a program of its own, which knows only the facts."""
    path = home / "story.json"
    write(path, facts)
    done = subprocess.run([sys.executable, "-m", "gateway.local.story", str(path)], check=False)
    path.unlink(missing_ok=True)
    if done.returncode != 0:
        raise StackError(f"the story was not told to its end; logs are in {home}/logs")


def shop_link(facts: dict[str, Any]) -> str:
    """Return the page of development's standing payment link, the same one at every run."""
    answer = httpx2.post(
        f"{facts['base_url']}/v1/payment_links",
        json={"title": "A cup of coffee", "amount": "3.50", "currency": "USD"},
        headers={
            "authorization": f"Bearer {facts['merchant_key']}",
            "idempotency-key": "development-shop-link",
        },
        timeout=30,
    )
    return f"{facts['base_url']}/l/{answer.raise_for_status().json()['id']}"


def signpost(facts: dict[str, Any], shop: str) -> str:
    """Return where to look next."""
    base = facts["base_url"]
    return "\n".join(
        (
            "Mizan is up. Ctrl-C stops it, `make run` goes on from here.",
            f"  API        {base}/openapi.json",
            f"  a shop     {shop}",
            f"  consoles   {base}/shop for merchants, {base}/console for operators",
            f"  node       {facts['rpc_url']}",
            "  keys       dev.json, logs in logs/, both in the home folder (.mizan)",
        )
    )

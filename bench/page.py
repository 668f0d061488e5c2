"""The payer's page: how heavy, how soon drawn, and what a thousand open ones cost one process."""

import asyncio
import json
import os
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import Page, Response, sync_playwright

from bench.memory import KB
from bench.table import show
from bench.whole import everything

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
RENDERS = 15
OPEN_PAGES = 1_000
INVOICES = 50
SETTLE_SECONDS = 6.0
TOLD_SECONDS_MAX = 20.0
FIRST_PAINT = """() => new Promise((done) => {
  const seen = performance.getEntriesByName('first-contentful-paint')[0]
  if (seen) done(seen.startTime)
  else new PerformanceObserver((list) => {
    const found = list.getEntriesByName('first-contentful-paint')[0]
    if (found) done(found.startTime)
  }).observe({ type: 'paint', buffered: true })
})"""

Told = tuple[float, str]
"""When a page was told something, and the state it was told."""


def main() -> None:
    """Measure and print the tables."""
    with everything() as (stack, facts):
        invoices = [opened(facts) for _ in range(INVOICES)]
        pages = [page_row(f"{facts['base_url']}/pay/{invoices[0]}?lang={one}") for one in LANGUAGES]
        show(
            "The payer's page in Chromium (bytes uncompressed, milliseconds)",
            ("language", "html + code", "style", "script", "in all", "drawn p50", "drawn worst"),
            pages,
        )
        api = process_of("gateway.app:app", stack.api_port)
        rows = asyncio.run(live(facts, invoices, api))
    show(
        f"{OPEN_PAGES:,} live pages open at once on one API process",
        ("what", "figure"),
        rows,
    )


LANGUAGES = ("en", "ar")


def opened(facts: dict[str, Any]) -> str:
    """Open an invoice; returns its id."""
    headers = {"authorization": f"Bearer {facts['merchant_key']}"}
    body = {"amount": "12.50", "currency": "USD", "title": "Coffee and cake"}
    answer = httpx2.post(f"{facts['base_url']}/v1/invoices", json=body, headers=headers)
    return str(answer.raise_for_status().json()["id"])


def page_row(url: str) -> tuple[object, ...]:
    """Load the page in fresh browsers; returns its weight and how soon it was drawn."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    sizes: dict[str, int] = {"document": 0, "stylesheet": 0, "script": 0}
    drawn = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for turn in range(RENDERS):
            page = browser.new_context().new_page()
            answers = answers_of(page)
            page.goto(url)
            drawn.append(float(page.evaluate(FIRST_PAINT)))
            for answer in answers if turn == 0 else ():
                weigh(sizes, answer)
            page.context.close()
        browser.close()
    kinds = (sizes["document"], sizes["stylesheet"], sizes["script"])
    return url[-2:], *kinds, sum(kinds), statistics.median(drawn), max(drawn)


def answers_of(page: Page) -> list[Response]:
    """Return the list that the answers to a page go into."""
    kept: list[Response] = []

    def keep(answer: Response) -> None:
        kept.append(answer)

    page.on("response", keep)
    return kept


def weigh(sizes: dict[str, int], answer: Response) -> None:
    """Add an answer's length to its kind; the live stream has no end, so none."""
    kind = answer.request.resource_type
    if kind in sizes:
        sizes[kind] += len(answer.body())


def process_of(name: str, port: int) -> int:
    """Return the id of the process that serves on a port, by its command line (proc(5))."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue  # it ended meanwhile
        if name in words and str(port) in words:
            return int(folder.name)
    raise RuntimeError(f"no process serves {name} on {port}")


def held(process: int) -> float:
    """Return the megabytes a process holds."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(line.split()[1]) / KB


def worked(process: int) -> float:
    """Return the seconds of processor a process used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def live(facts: dict[str, Any], invoices: list[str], api: int) -> list[tuple[object, ...]]:
    """Open the pages, let them lie, pay one; returns rows of the table."""
    before = held(api)
    limits = httpx2.Limits(max_connections=OPEN_PAGES + 10)
    async with httpx2.AsyncClient(timeout=60, limits=limits) as client:
        heard: dict[str, list[Told]] = {invoice: [] for invoice in invoices}
        began = time.monotonic()
        readers = [
            asyncio.create_task(read(client, facts["base_url"], one, heard))
            for one in (invoices * (OPEN_PAGES // len(invoices)))
        ]
        while sum(map(len, heard.values())) < OPEN_PAGES:
            await asyncio.sleep(0.1)
        ready, during = time.monotonic() - began, held(api)
        used = worked(api)
        await asyncio.sleep(SETTLE_SECONDS)
        idle = (worked(api) - used) / SETTLE_SECONDS
        again = sum(map(len, heard.values())) - OPEN_PAGES
        drawn = await told(client, facts, invoices[0], heard[invoices[0]])
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    return [
        ("until all were drawn, s", ready),
        ("memory before, MB", before),
        ("memory with all open, MB", during),
        ("memory for each page, kB", (during - before) * KB / OPEN_PAGES),
        ("processor while nothing changes, % of a core", idle * 100),
        ("drawn anew meanwhile, pages", again),
        ("from voided to told, 20 pages, ms", drawn * 1000),
    ]


async def read(
    client: httpx2.AsyncClient, base: str, invoice: str, heard: dict[str, list[Told]]
) -> None:
    """Hold one page's stream open and note when it told something."""
    async with client.stream("GET", f"{base}/pay/{invoice}/events") as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                state = json.loads(line.removeprefix("data:"))["state"]
                heard[invoice].append((time.monotonic(), state))


async def told(
    client: httpx2.AsyncClient, facts: dict[str, Any], invoice: str, heard: list[Told]
) -> float:
    """Void an invoice; returns the seconds until the last of its pages was told."""
    headers = {"authorization": f"Bearer {facts['merchant_key']}"}
    began = time.monotonic()
    answer = await client.post(f"{facts['base_url']}/v1/invoices/{invoice}/void", headers=headers)
    answer.raise_for_status()
    pages = OPEN_PAGES // INVOICES
    while len(ends := [at for at, state in heard if state == "void"]) < pages:
        if time.monotonic() > began + TOLD_SECONDS_MAX:
            raise RuntimeError(f"{len(ends)} of {pages} pages were told")
        await asyncio.sleep(0.005)
    return ends[-1] - began


if __name__ == "__main__":
    main()

"""Clients that ask an HTTP server as fast as it answers, each a process with one connection."""

import http.client
import json
import multiprocessing
import statistics
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

BEGIN_TOGETHER_SECONDS = 1.0


@dataclass(frozen=True)
class Request:
    """A POST sent again and again; `{n}` in the body becomes a number never used before."""

    url: str
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass(frozen=True)
class Load:
    """What the clients saw: answers a second, and milliseconds until an answer."""

    per_second: float
    p50_ms: float
    p99_ms: float


def load(request: Request, clients: int, seconds: float, tag: str) -> Load:
    """Let the clients ask for a while."""
    with multiprocessing.get_context("spawn").Pool(clients) as pool:
        begin = time.time() + BEGIN_TOGETHER_SECONDS
        work = [(request, f"{tag}-{client}", begin, seconds) for client in range(clients)]
        times = [taken for seen in pool.starmap(ask, work) for taken in seen]
    cuts = statistics.quantiles(times, n=100)
    return Load(len(times) / seconds, cuts[49] * 1000, cuts[98] * 1000)


def ask(request: Request, tag: str, begin: float, seconds: float) -> list[float]:
    """Ask until the time is over; returns how long each answer took."""
    parts = urlsplit(request.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    template = json.dumps(request.body)
    time.sleep(max(0.0, begin - time.time()))
    times: list[float] = []
    end = time.perf_counter() + seconds
    while (started := time.perf_counter()) < end:
        number = f"{tag}-{len(times)}"
        headers = {"content-type": "application/json", **request.headers, "idempotency-key": number}
        connection.request("POST", parts.path, template.replace("{n}", number), headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{answer.status}: {said[:300]!r}")
        times.append(time.perf_counter() - started)
    return times

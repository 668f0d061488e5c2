"""What a process holds in memory (proc(5), status)."""

from pathlib import Path

KB = 1024


def memory_now() -> tuple[float, float]:
    """Return the megabytes this process holds, and the most it ever did."""
    return megabytes("VmRSS"), megabytes("VmHWM")


def megabytes(what: str) -> float:
    """Return one figure."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{what}:"))
    return int(line.split()[1]) / KB

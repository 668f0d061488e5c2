"""Become the command given, in a way that cannot outlive the supervisor.

Run as a file by `python -I -S`, so it imports nothing of ours and little of Python's. The order
matters: the kernel forgets the parent-death signal whenever a process changes its identity, so the
identity changes first.
"""

import ctypes
import os
import signal
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
NOBODY = 65534
SUPERVISOR_GONE = 75


def appear_as_nobody(libc: ctypes.CDLL) -> None:
    """Enter a user namespace in which this user, root, is called nobody; files stay its own."""
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "user namespaces are not allowed here")
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{NOBODY} {user} 1"),
        ("gid_map", f"{NOBODY} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(line)


def as_nobody(command: list[str], death_signal: int) -> list[str]:
    """Return the command that gives up root for good, where a namespace is not to be had.

    Of root's powers one stays, to reach files in folders that only root may enter.
    """
    death_name = signal.Signals(death_signal).name.removeprefix("SIG")
    return [
        *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
        *("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"),
        *("--bounding-set=-all,+dac_override", f"--pdeathsig={death_name}", "--"),
        *command,
    ]


def die_with(libc: ctypes.CDLL, supervisor: int, death_signal: int) -> None:
    """Ask the kernel to signal this process when the supervisor dies, even by kill -9."""
    libc.prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != supervisor:
        sys.exit(SUPERVISOR_GONE)


def main() -> None:
    """Read `<supervisor pid> <death signal> <identity> <command…>` and become the command."""
    supervisor, death_signal, identity, *command = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if identity == "namespace":
        appear_as_nobody(libc)
    elif identity == "nobody":
        command = as_nobody(command, int(death_signal))
    if sys.platform == "linux":
        die_with(libc, int(supervisor), int(death_signal))
    try:
        os.execvp(command[0], command)  # noqa: S606 the command is our own, no shell is wanted
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()

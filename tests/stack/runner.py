"""Run a stack's servers as `make run` would, and print what is needed to try it."""

import json
import sys
from pathlib import Path

from gateway.local.ports import Ports
from gateway.local.process import Process
from gateway.local.stack import Stack
from gateway.settings import Settings

SERVERS = ("postgres", "redis", "anvil")


def main() -> None:
    """Start the servers on the home folder given, and a stand-in for the application."""
    home = Path(sys.argv[1])
    for name in ("api", "anvil"):  # another run on this machine may have the well-known ports
        Ports(home).choose(name)
    stand_in = f"import time; print('{home}', flush=True); time.sleep(600)"
    with Stack(Settings.model_validate({"MIZAN_HOME": home}), interactive=True) as stack:
        stack.output.echo = False
        stack.start_servers()
        stack.supervisor.start(Process("app", (sys.executable, "-c", stand_in, str(home))))
        pids = {name: stack.pid(name) for name in (*SERVERS, "app")}
        facts = {"pids": pids, "api_port": stack.api_port, **stack.environment()}
        sys.stdout.write(f"{json.dumps(facts)}\n")
        sys.stdout.flush()
        stack.wait()


if __name__ == "__main__":
    main()

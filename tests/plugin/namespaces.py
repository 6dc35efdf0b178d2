"""Machines without a shared folder, as network namespaces of this one: a hub and nodes, each with a link of its own."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

HUB = "10.177.0.1"


@dataclass(frozen=True)
class Network:
    """Namespaces by name; without root there are none, and all are this machine."""

    prefix: str
    real: bool

    @property
    def host(self) -> str:
        """The hub's address."""
        return HUB if self.real else "127.0.0.1"

    def within(self, name: str) -> Sequence[str]:
        """What a command begins with that is run on the machine of this name."""
        return ("ip", "netns", "exec", self.prefix + name) if self.real else ()

    def cut(self, name: str) -> None:
        """Cut a node's link, at the hub's end."""
        ip("-n", f"{self.prefix}hub", "link", "set", f"to-{name}", "down")


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"network namespaces cannot be made here: ip {' '.join(words)}: {done.stderr.strip()}"


@contextmanager
def network(*nodes: str) -> Iterator[Network]:
    """A hub with these nodes. AssertionError: this is root, and the system has no namespaces to give."""
    made = Network(f"repro{os.getpid()}", os.geteuid() == 0)
    if not made.real:
        yield made
        return
    names = ["hub", *nodes]
    try:
        for name in names:
            ip("netns", "add", made.prefix + name)
            ip("-n", made.prefix + name, "link", "set", "lo", "up")
        hub = f"{made.prefix}hub"
        ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        ip("-n", hub, "addr", "add", f"{HUB}/24", "dev", "bridge")
        ip("-n", hub, "link", "set", "bridge", "up")
        for number, name in enumerate(nodes, 2):
            own = made.prefix + name
            ip("-n", hub, "link", "add", f"to-{name}", "type", "veth", "peer", "name", "up0", "netns", own)
            ip("-n", hub, "link", "set", f"to-{name}", "master", "bridge", "up")
            ip("-n", own, "addr", "add", f"10.177.0.{number}/24", "dev", "up0")
            ip("-n", own, "link", "set", "up0", "up")
        yield made
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", made.prefix + name], capture_output=True, check=False)

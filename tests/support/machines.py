"""Machines in namespaces: each with processes, mounts, a network and a name of its own.

Nothing outlives one: with its first process the kernel ends all that runs in it, and its mounts and
network go with them. If the test that has started it is killed, so is that first process. It needs
root and util-linux; nothing is set up on the machine that it stands on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from free_ports import free_ports

#: Its first process only waits, and takes leave of processes whose parent has ended.
FIRST = ("bash", "-c", "sleep infinity & wait")
APART = ("--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--mount-proc", "--kill-child")
FORWARD = Path(__file__).with_name("forward.py")
STARTED_WITHIN_S = 30.0

#: A kubelet sets these for the whole machine. In a namespace it finds files with these values in
#: their place, so that it changes nothing.
KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


@dataclass
class Machine:
    """A machine that runs; `start` gives one."""

    name: str
    #: Where its programs' logs are.
    folder: Path
    env: Mapping[str, str]
    #: Of its first process, as it is seen from outside; `starter` is what that has for a parent.
    pid: int
    starter: subprocess.Popen[bytes]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def inside(self, *argv: str | Path) -> list[str]:
        """Say how to run a command in it from outside."""
        return ["nsenter", "--target", str(self.pid), "--all", "--", *map(str, argv)]

    def run(self, *argv: str | Path) -> str:
        """Run a command in it. Raises AssertionError with what it printed when it fails."""
        done = subprocess.run(
            self.inside(*argv),
            env=self.env,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{self.name}: {argv}\n{done.stdout[-2000:]}{done.stderr}"
        return done.stdout

    def start(
        self, *argv: str | Path, env: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.Popen[bytes]:
        """Start a program in it, with more variables if need be; it logs to a file of its name."""
        with (self.folder / f"{Path(argv[0]).name}.log").open("wb") as log:
            process = subprocess.Popen(
                self.inside(*argv),
                env={**self.env, **env},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """End a program that was started in it, in order."""
        (inside,) = children(process.pid)
        os.kill(inside, signal.SIGTERM)
        process.wait(timeout=STARTED_WITHIN_S)
        self.processes.remove(process)

    def logs(self) -> str:
        """Return the end of what each program has logged."""
        found = [
            f"{log}:\n{log.read_text(errors='replace')[-1500:]}"
            for log in self.folder.glob("*.log")
        ]
        return "\n".join(found)

    def forward(self, address: str, port: int) -> int:
        """Have a port of this machine's loopback lead to an address that is known in there."""
        (here,) = free_ports(1)
        argv = [sys.executable, FORWARD, str(here), address, str(port)]
        process = subprocess.Popen(
            [*argv, f"/proc/{self.pid}/ns/net"],
            env=os.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        self.processes.append(process)
        assert process.stdout is not None
        assert process.stdout.read(1), f"no way to {address}:{port} of {self.name}"
        return here

    def connect(self, other: Machine, cable: str) -> None:
        """Lay a cable to another machine, where its end is `eth0`; here it has the given name."""
        # In this network and among the processes out here, whose numbers are known.
        ends = (cable, "type", "veth", "peer", "name", "eth0", "netns", str(other.pid))
        network = f"--net=/proc/{self.pid}/ns/net"
        subprocess.run(["nsenter", network, "ip", "link", "add", *ends], check=True)

    def power_off(self) -> None:
        """End all that runs in it at once."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.starter.wait()  # takes leave of it: nothing else here would
        for process in self.processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


@contextlib.contextmanager
def machine(
    name: str, folder: Path, env: Mapping[str, str], *, within: Machine | None = None
) -> Iterator[Machine]:
    """Start a machine, on this one or within another; it ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    argv = ["setpriv", "--pdeathsig", "KILL", "unshare", *APART, *FIRST]
    with (folder / "unshare.log").open("wb") as log:
        starter = subprocess.Popen(
            within.inside(*argv) if within else argv,
            env=env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        made = Machine(name, folder, env, _first_process(starter), starter)
        try:
            _furnish(made)
            yield made
        finally:
            made.power_off()
    finally:
        starter.kill()
        starter.wait()


def _first_process(starter: subprocess.Popen[bytes]) -> int:
    """Find the first process in there, as it is known out here: it waits beside a `sleep`."""
    end = time.monotonic() + STARTED_WITHIN_S
    while time.monotonic() < end:
        assert starter.poll() is None, "no namespaces can be made here"
        pid = starter.pid
        while below := children(pid):
            if _command(below[0]) == "sleep":
                return pid
            pid = below[0]
        time.sleep(0.01)
    raise AssertionError("no process came up in its namespaces")


def children(pid: int) -> list[int]:
    """List the processes that one has started; none of one that is gone."""
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:
        return []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _furnish(made: Machine) -> None:
    """Give it folders of its own in the places where programs write by themselves."""
    made.run("hostname", made.name)
    for place in ("/run", "/var/lib", "/var/log"):
        made.run("mount", "-t", "tmpfs", "tmpfs", place)
    made.run("mkdir", "-p", "/run/lock", "/run/netns")
    # No name leads out of it, and to ask for one takes no time: nothing listens there.
    names = made.folder / "resolv.conf"
    names.write_text("nameserver 127.0.0.1\n")
    made.run("mount", "--bind", names, "/etc/resolv.conf")
    for setting, value in KERNEL_SETTINGS.items():
        known = made.folder / f"sysctl.{setting.replace('/', '.')}"
        known.write_text(f"{value}\n")
        made.run("mount", "--bind", known, f"/proc/sys/{setting}")
    made.run("mount", "--make-rshared", "/")  # volumes that are mounted later are seen in pods
    made.run("ip", "link", "set", "lo", "up")
    made.run("sysctl", "-qw", "net.ipv4.ip_forward=1")

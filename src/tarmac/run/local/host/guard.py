"""The guard: the parent of every process of a system, which ends them all when the supervisor ends.

Started by `spawn.py` as `python -I -S guard.py FD`, with standard library modules only, so that it
is small and starts in milliseconds. It holds one end of a socket pair; when the other end closes,
however the supervisor died, it kills everything below itself and exits.

It knows nothing of services, plans or restarts, and it never starts a thread: the kernel sends
PR_SET_PDEATHSIG when the spawning *thread* ends.

Requests and answers are JSON lines. A spawn request carries the output's file descriptor, and that
of its standard input where it says `input`:
    {"id": 1, "op": "spawn", "name": "db", "argv": [...], "env": {}, "cwd": "/", "drop": "userns",
     "input": false, "hosts": null}
    {"id": 1, "pid": 4711}                   or {"id": 1, "error": "..."}
    {"op": "signal", "pid": 4711, "signal": 15, "group": false}
    {"op": "sweep"}                          kill orphans of nodes that are not (any more) known
    {"exit": 4711, "status": -9}             sent when a spawned process ended (negative: a signal)
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
CLONE_NEWUSER = 0x10000000  # linux/sched.h
CLONE_NEWNS = 0x00020000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000  # linux/mount.h
#: Marks a process with the node it belongs to, so that what it leaves behind can be found.
NODE_VARIABLE = "TARMAC_NODE"
#: And with the folder of its namespace: guard and supervisor may be killed together.
HOME_VARIABLE = "TARMAC_HOME"
#: The user of a server that refuses root: inside its user namespace, or on the host.
UNPRIVILEGED_UID = 65534
LINUX = sys.platform.startswith("linux")

Channel = socket.socket


def become_subreaper() -> None:
    """Let orphans of this process's descendants come to it instead of to pid 1 (Linux only)."""
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def parents() -> dict[int, int]:
    """Map every living process to its parent; zombies are left out. Empty where /proc is absent."""
    found: dict[int, int] = {}
    if not LINUX:
        return found
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", "rb") as stat:
            # The name in parentheses may hold spaces and parentheses: split after the last one.
            state, parent = stat.read().rpartition(b")")[2].split()[:2]
            if state not in (b"Z", b"X"):
                found[int(entry)] = int(parent)
    return found


def descendants(root: int) -> list[int]:
    """List the living descendants of a process, nearest first."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    queue = list(children.get(root, ()))
    while queue:
        pid = queue.pop(0)
        found.append(pid)
        queue.extend(children.get(pid, ()))
    return found


def kill_descendants(root: int, deadline_s: float = 5.0) -> None:
    """Kill everything below a process with SIGKILL, again and again until nothing is left."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        living = descendants(root)
        if not living:
            return
        for pid in living:
            with contextlib.suppress(OSError):  # gone, or another user's (sudo)
                os.kill(pid, signal.SIGKILL)
        if root == os.getpid():
            _reap_all()
        time.sleep(0.002)


def _reap_all() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _enter_user_namespace() -> None:
    """Stop being root in the process's own eyes: PostgreSQL's servers refuse to run as root."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"no user namespace: {os.strerror(number)}")
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{UNPRIVILEGED_UID} {uid} 1"),
        ("gid_map", f"{UNPRIVILEGED_UID} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)


def see_hosts(path: str) -> None:
    """See a file as /etc/hosts, in a mount namespace of the process's own.

    Raises:
        OSError: that is not allowed here, or the file cannot be read.
    """
    if not LINUX:
        raise OSError(
            "`hosts: true` needs Linux; run it in a container, or have code read a variable"
        )
    separate_mounts("`hosts: true`")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(path.encode(), b"/etc/hosts", None, MS_BIND, None) != 0:
        why = os.strerror(ctypes.get_errno())
        raise OSError(f"`hosts: true`: /etc/hosts cannot be replaced ({why})")


def separate_mounts(what: str) -> None:
    """Give this process mounts of its own: what is mounted from now on is seen here only.

    Args:
        what: needs it, for the message.

    Raises:
        OSError: that is not allowed here.
    """
    if not LINUX:
        raise OSError(f"{what} needs mount namespaces, which Linux has")
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWNS) != 0:  # not root, or one without that right: as itself in its own
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
            why = os.strerror(ctypes.get_errno())
            raise OSError(f"{what} needs a mount namespace, which is not allowed here ({why})")
        for name, line in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(line)
    if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        why = os.strerror(ctypes.get_errno())
        raise OSError(f"{what} needs a mount namespace, which is not allowed here ({why})")


def _become_unprivileged() -> None:
    os.setgroups([])
    os.setgid(UNPRIVILEGED_UID)
    os.setuid(UNPRIVILEGED_UID)


DROPS = {"userns": _enter_user_namespace, "setuid": _become_unprivileged}


def _exec_child(request: dict[str, Any], descriptors: list[int], parent: int) -> None:
    """Turn the forked child into the program; only returns by an exception."""
    os.setsid()
    if hosts := request.get("hosts"):
        see_hosts(hosts)
    if drop := request.get("drop"):
        DROPS[drop]()
    if LINUX:
        # Set after the credentials changed: a change clears it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
    output, *given = descriptors
    os.dup2(given[0] if given else os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(request["cwd"])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.umask(0o077)
    argv: list[str] = request["argv"]
    try:
        os.execvpe(argv[0], argv, request["env"])
    except OSError as error:
        raise OSError(f"'{argv[0]}' cannot be run ({error.strerror})") from None


def spawn(request: dict[str, Any], descriptors: list[int]) -> int:
    """Fork and execute a program; return its pid.

    Args:
        descriptors: its output's, and its input's if it has one.

    Raises:
        OSError: the program could not be executed, with the child's own error text.
    """
    read_end, write_end = os.pipe()  # closes at exec; carries the error otherwise
    guard = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _exec_child(request, descriptors, guard)
        except BaseException as error:  # noqa: BLE001 - reported to the parent, then this child ends
            os.write(write_end, str(error).encode())
        os._exit(127)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        complaint = pipe.read()
    if complaint:
        os.waitpid(pid, 0)
        raise OSError(complaint.decode())
    return pid


def node_of(pid: int) -> str | None:
    """Read which node a process says it belongs to; None where it overwrote its environment."""
    content = b""
    for _ in range(20):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as environ:
            content = environ.read()
        if content:
            break
        time.sleep(0.0005)  # it is just executing its program: the kernel shows nothing then
    for entry in content.split(b"\0"):
        name, _, value = entry.partition(b"=")
        if name == NODE_VARIABLE.encode():
            return value.decode()
    return None


def kill_leftovers(living_nodes: dict[int, str]) -> None:
    """Kill the orphans that ended nodes left behind: backends in sessions of their own, daemons.

    An orphan that names a node which still lives (it made itself a daemon) is left alone.
    """
    me = os.getpid()
    for pid, parent in parents().items():
        if parent == me and pid not in living_nodes and node_of(pid) not in living_nodes.values():
            for victim in [*descendants(pid), pid]:
                with contextlib.suppress(OSError):  # gone, or another user's (sudo)
                    os.kill(victim, signal.SIGKILL)


def _answer(channel: Channel, message: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        channel.sendall(json.dumps(message).encode() + b"\n")


def _receive(channel: Channel) -> tuple[bytes, list[int]]:
    fds = array.array("i")
    space = socket.CMSG_LEN(4 * fds.itemsize)
    # Close-on-exec: a process would otherwise hold the pipes of those that start beside it.
    flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
    data, ancillary, _, _ = channel.recvmsg(65536, space, flags)
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
    return data, list(fds)


def _handle(
    channel: Channel, request: dict[str, Any], received: list[int], nodes: dict[int, str]
) -> None:
    if request["op"] == "sweep":
        kill_leftovers(nodes)
        return
    if request["op"] == "signal":
        if request["pid"] in nodes:
            send = os.killpg if request.get("group") else os.kill  # each node has its own session
            with contextlib.suppress(OSError):
                send(request["pid"], request["signal"])
        return
    descriptors = [received.pop(0) for _ in range(2 if request.get("input") else 1)]
    try:
        pid = spawn(request, descriptors)
    except (OSError, KeyError) as error:
        _answer(channel, {"id": request["id"], "error": str(error)})
    else:
        nodes[pid] = request["name"]
        _answer(channel, {"id": request["id"], "pid": pid})
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _report_exits(channel: Channel, nodes: dict[int, str]) -> None:
    ended = []
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if nodes.pop(pid, None) is not None:
                ended.append((pid, os.waitstatus_to_exitcode(status)))
    if ended:
        kill_leftovers(nodes)  # before the report: a restart must not meet them
    for pid, code in ended:
        _answer(channel, {"exit": pid, "status": code})


def main(fd: int) -> None:
    """Serve spawn and signal requests until the supervisor's end of the channel closes."""
    become_subreaper()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    os.set_blocking(wake_read, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write)
    channel = socket.socket(fileno=fd)
    channel.set_inheritable(False)  # a child that held it would keep the supervisor from noticing
    nodes: dict[int, str] = {}
    buffer, received = b"", list[int]()
    watched: list[Channel | int] = [channel, wake_read]
    while True:
        readable, _, _ = select.select(watched, [], [])
        if wake_read in readable:
            os.read(wake_read, 4096)
            _report_exits(channel, nodes)
        if channel in readable:
            try:
                data, fds = _receive(channel)
            except ConnectionResetError:
                data, fds = b"", []
            if not data:
                break
            received += fds
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                _handle(channel, json.loads(line), received, nodes)
    if not LINUX:  # no subreaper there: each node has a session, and so a group, of its own
        for pid in nodes:
            with contextlib.suppress(OSError):  # gone, or another user's (sudo)
                os.killpg(pid, signal.SIGKILL)
    kill_descendants(os.getpid())


def drop_and_exec(how: str, argv: list[str]) -> None:
    """Give up root, then become the program: for commands that run before a server.

    Without a program it only tries whether that can be done here.
    """
    try:
        DROPS[how]()
        os.umask(0o077)
        if argv:
            os.execvp(argv[0], argv)
    except OSError as error:
        sys.exit(f"{argv[0] if argv else how}: {error.strerror}")


if __name__ == "__main__":
    if sys.argv[1] == "--drop":
        drop_and_exec(sys.argv[2], sys.argv[3:])
    else:
        main(int(sys.argv[1]))

"""`python -P -m tarmac_kit.forkserver [MODULE ...]`: services forked from a preloaded interpreter.

Started on Linux by the supervisor of services, with one end of a socket pair as its standard input.
It imports the kit and the libraries once; a child imports its service, so edited code is new code.
It never imports a service, opens nothing, and never forks while it has a second thread. Standard
library only: everything else is imported by name, and what is not there is reported.

Messages are JSON lines; a fork request's first byte carries the child's output, a descriptor:
    <- {"ready": true, "preload_ms": 480, "missing": ["nats"]}
    -> {"id": 1, "op": "fork", "packages": ["tarmac_orders"], "env": {...}, "cwd": "/abs"}
    <- {"id": 1, "pid": 4711}        or {"id": 1, "error": "why"}; "threads": 3 if they are why
    -> {"op": "signal", "pid": 4711, "signal": 15, "group": false}      (to its own children only)
    <- {"exit": 4711, "status": -9}  (negative: a signal)
When the other end closes, every child is killed.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import ctypes
import gc
import importlib
import io
import json
import os
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from typing import Any

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_NAME = 15  # linux/prctl.h

#: What services import, and what their libraries import only when they begin to serve.
PRELOAD = (
    "tarmac_kit.serve",
    *("tarmac_kit.bus.nats", "tarmac_kit.bus.rabbitmq"),
    *("uvicorn.lifespan.on", "uvicorn.loops.uvloop", "uvicorn.protocols.http.httptools_impl"),
    *("fastapi.telemetry._runtime", "fastapi.openapi.docs", "fastapi.security", "pydantic.v1"),
    *("aiohttp", "asyncpg", "redis.asyncio", "nats.js", "aio_pika"),
    *("jwt", "cryptography.hazmat.primitives.asymmetric.padding"),
    *("cryptography.hazmat.primitives.asymmetric.rsa", "cryptography.hazmat.primitives.kdf.hkdf"),
    "cryptography.hazmat.primitives.ciphers.aead",
    *("concurrent.futures.thread", "encodings.idna", "importlib.readers"),
    *("email.policy", "email.generator", "getpass", "netrc", "pkgutil", "stringprep"),
)

#: What reaches the parent from a terminal or a runtime is meant for the children's owner.
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class _RequestRejected(Exception):
    """The fork cannot be made; `threads` is set when a second thread is why."""

    def __init__(self, why: str, threads: int | None = None) -> None:
        super().__init__(why)
        self.threads = threads


def preload(modules: Sequence[str]) -> list[str]:
    """Import the modules; return those that cannot be imported, whatever they raise."""
    missing = []
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001 - a library that is broken here may be unused by services
            missing.append(name)
    return missing


def threads() -> int:
    """Count this process's threads: Python's own, and those that libraries have without it."""
    return max(threading.active_count(), len(os.listdir("/proc/self/task")))  # noqa: PTH208 - no pathlib


class ForkServer:
    """The loop: requests on the channel, children that end, the channel's end."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._libc = ctypes.CDLL(None)
        self._children: set[int] = set()
        self._outputs: list[int] = []
        self._buffer = b""
        self._wake_read, self._wake_write = os.pipe()
        for fd in (self._wake_read, self._wake_write):
            os.set_blocking(fd, False)

    def run(self) -> None:
        """Serve until the other end closes; then kill and reap every child."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        with selectors.PollSelector() as selector:  # unlike epoll, it has no descriptor
            selector.register(self._channel, selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._wake_read in ready:
                    os.read(self._wake_read, 4096)
                    self._report_exits()
                if self._channel in ready and not self._serve():
                    break
        for pid in self._children:
            self._signal(pid, signal.SIGKILL, group=True)
        for pid in self._children:
            os.waitpid(pid, 0)

    def say(self, **message: Any) -> None:
        """Send one message; a missing listener is noticed by the loop."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._channel.sendall(json.dumps(message).encode() + b"\n")

    def _serve(self) -> bool:
        """Do what the lines that are there ask for; False when there will be no more."""
        fds = array.array("i")
        try:
            # Close-on-exec: what a service starts must not hold another one's output.
            data, ancillary, _, _ = self._channel.recvmsg(
                65536, socket.CMSG_SPACE(16 * fds.itemsize), socket.MSG_CMSG_CLOEXEC
            )
        except ConnectionResetError:
            return False
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
        self._outputs += fds
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if request["op"] == "fork":
                self._answer_fork(request)
            elif request["pid"] in self._children:
                self._signal(request["pid"], request["signal"], group=request.get("group", False))
        return bool(data)

    def _answer_fork(self, request: dict[str, Any]) -> None:
        output = self._outputs.pop(0) if self._outputs else None
        try:
            pid = self._fork(request, output)
        except _RequestRejected as refused:
            more = {} if refused.threads is None else {"threads": refused.threads}
            self.say(id=request["id"], error=str(refused), **more)
        else:
            self._children.add(pid)
            self.say(id=request["id"], pid=pid)
        finally:
            if output is not None:
                os.close(output)

    def _fork(self, request: dict[str, Any], output: int | None) -> int:
        if output is None:
            raise _RequestRejected(
                "the request has no output; send a descriptor with its first byte"
            )
        if (count := threads()) > 1:
            raise _RequestRejected(f"a process with {count} threads cannot be forked safely", count)
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        # A signal that comes at once must wait until the child no longer ignores it.
        signal.pthread_sigmask(signal.SIG_BLOCK, _IGNORED)
        try:
            pid = os.fork()
            if pid == 0:
                self._child(request, output, parent)
        except OSError as error:
            raise _RequestRejected(f"cannot fork ({error.strerror})") from None
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _IGNORED)
        return pid

    def _child(self, request: dict[str, Any], output: int, parent: int) -> None:
        """Become the service; never returns."""
        code = 1
        try:
            null = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((null, 0), (output, 1), (output, 2)):
                os.dup2(source, target)
            signal.set_wakeup_fd(-1)
            self._channel.close()
            for fd in (null, output, *self._outputs, self._wake_read, self._wake_write):
                os.close(fd)
            os.setsid()
            self._libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for number in (signal.SIGCHLD, *_IGNORED[1:]):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _IGNORED)
            code = self._serve_packages(request)
        except SystemExit as error:
            code = _exit_code(error)
        except KeyboardInterrupt:
            code = 130
        except BaseException:  # noqa: BLE001 - its last words, as an interpreter's
            traceback.print_exc()
        finally:
            code = _finish(code)
            os._exit(code)

    def _serve_packages(self, request: dict[str, Any]) -> int:
        """Take over what a process of its own would have begun with, then serve."""
        os.umask(0o077)
        os.environ.clear()
        os.environ.update(request["env"])
        time.tzset()
        os.chdir(request["cwd"])
        given = filter(None, os.environ.get("PYTHONPATH", "").split(":"))
        sys.path[:0] = [request["cwd"], *(path for path in given if path not in sys.path)]
        importlib.invalidate_caches()
        serve = importlib.import_module("tarmac_kit.serve")
        packages = list(request["packages"])
        sys.argv = [str(serve.__file__), *packages]
        # Every child has the parent's command line: this is what `top` shows instead.
        name = os.environ.get("SERVICE_NAME", packages[0] if packages else "service")
        self._libc.prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)  # a killed child's last lines are wanted
        gc.enable()
        return int(serve.main(packages))

    def _signal(self, pid: int, number: int, *, group: bool) -> None:
        with contextlib.suppress(ProcessLookupError):
            if group:
                try:
                    os.killpg(pid, number)
                    return
                except ProcessLookupError:
                    pass  # it has not come to its setsid yet: it is all of its group
            os.kill(pid, number)

    def _report_exits(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.discard(pid)
            self.say(exit=pid, status=os.waitstatus_to_exitcode(status))


def _exit_code(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    sys.stderr.write(f"{error.code}\n")
    return 1


def _finish(code: int) -> int:
    """Do what an interpreter does at its end: threads, exit handlers, buffers."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - as multiprocessing does
        atexit._run_exitfuncs()  # noqa: SLF001 - as above
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - nothing may keep it from ending
        return code or 1
    return code


def main(modules: Sequence[str]) -> int:
    """Preload, say so, and serve until the other end of the standard input closes."""
    begun = time.monotonic()
    if not sys.platform.startswith("linux"):
        sys.stderr.write("tarmac_kit.forkserver: works on Linux only; start tarmac_kit.serve\n")
        return 2
    try:
        channel = socket.socket(fileno=os.dup(0))
    except OSError as error:
        sys.stderr.write(
            f"tarmac_kit.forkserver: standard input is not a socket ({error.strerror}); "
            f"start tarmac_kit.serve instead\n"
        )
        return 2
    channel.set_inheritable(False)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    # Only the loop may read requests.
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    if not sys.flags.safe_path:
        del sys.path[0]  # where it was started: a child has a place of its own
    gc.disable()
    missing = preload((*PRELOAD, *modules))
    gc.collect()
    gc.freeze()  # no collection of a child writes into what it shares with the others
    server = ForkServer(channel)
    server.say(ready=True, preload_ms=round((time.monotonic() - begun) * 1000), missing=missing)
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

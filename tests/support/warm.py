"""Runs a verb as its command would, without the third of a second until an interpreter is there.

In this process where a verb starts no system, and else in one that is forked from `warm_server`.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

from tarmac.cli.main import main

#: Those that read and write files and no more: nothing of them outlives their process.
VERBS = frozenset({"diff", "explain", "ps", "render", "trace", "verify"})


def may_run_here() -> bool:
    """Tell whether a verb may run in this process: not beside others, and in no event loop."""
    if threading.current_thread() is not threading.main_thread():
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return True
    return False


def tarmac(
    *args: str, folder: Path, environ: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a verb in a folder, with no more than this environment; return what it printed.

    A process of its own takes a third of a second to be there; what it would print, is the same.
    """
    told, complained = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in "12")
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, environ, clear=True),
        mock.patch.object(sys, "argv", ["tarmac", *args]),
        contextlib.redirect_stdout(told),
        contextlib.redirect_stderr(complained),
    ):
        try:
            main()
        except SystemExit as ending:
            code = int(ending.code or 0)
    texts = [stream.buffer.getvalue().decode() for stream in (told, complained)]
    return subprocess.CompletedProcess(args, code, *texts)


#: What an interpreter reads of its environment when it starts.
READ_AT_START = ("PYTHON", "LC_", "LANG", "TZ")


@functools.cache
def _server() -> socket.socket:
    """Start the server of this process; it ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program = Path(__file__).with_name("warm_server.py")
    server = subprocess.Popen(
        [sys.executable, "-P", str(program), str(theirs.fileno())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(theirs.fileno(),),
    )
    theirs.close()
    atexit.register(lambda: (ours.close(), server.wait(10)))
    return ours


def is_as_at_start(environ: Mapping[str, str]) -> bool:
    """Tell whether an interpreter of this environment would be as those are that run already."""
    names = {name for name in (*environ, *_AT_START) if name.startswith(READ_AT_START)}
    return all(environ.get(name) == _AT_START.get(name) for name in names)


_AT_START = dict(os.environ)


def command(
    *args: str, folder: Path, environ: Mapping[str, str], timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """Run a verb in a process of its own; return what it printed."""
    message = json.dumps({"args": args, "folder": str(folder), "environ": dict(environ)}).encode()
    heard, outcome = os.pipe()
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as complaints,
        os.fdopen(heard, "rb", buffering=0) as ending,
    ):
        descriptors = [out.fileno(), complaints.fileno(), outcome]
        try:
            socket.send_fds(_server(), [message], descriptors)
        finally:
            os.close(outcome)
        said = b""
        while said.count(b"\n") < 2:
            ready, _, _ = select.select([ending], [], [], timeout_s)
            if not ready:
                os.kill(int(said), signal.SIGKILL)
                raise subprocess.TimeoutExpired(args, timeout_s)
            if not (more := ending.read(64)):
                raise ConnectionError("the server of verbs has ended")
            said += more
        _, code = map(int, said.split())
        texts = []
        for file in (out, complaints):
            file.seek(0)
            texts.append(file.read().decode())
    return subprocess.CompletedProcess(args, code, *texts)

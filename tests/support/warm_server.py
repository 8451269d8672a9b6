"""Runs verbs in processes forked from this one, which has what they import: `warm.command` asks.

A message is JSON with the arguments, the folder and the environment; its descriptors take what the
verb prints, what it complains of, and its pid and exit status. It ends when its asker does.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from typing import Any

from tarmac.cli.main import main, tarmac

#: What verbs import only once they are used.
USED = (
    "json",
    "tarmac.cli.output.printing",
    "tarmac.run.local.state.state",
    "tarmac.run.local.supervisor.client",
)


def serve(asker: socket.socket) -> None:
    """Fork for each message; nothing of this process is changed by a verb."""
    for verb in tarmac.list_commands(None):  # type: ignore[arg-type]
        tarmac.get_command(None, verb)  # type: ignore[arg-type]
    for module in USED:
        importlib.import_module(module)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # its asker decides
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(asker, 1 << 20, 3)
        if not message:
            return
        if os.fork() == 0:
            asker.close()
            run(json.loads(message), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def run(asked: dict[str, Any], out: int, complaints: int, outcome: int) -> None:
    """Have a process be the verb's, and say how it ended: it may become another program."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if (pid := os.fork()) == 0:
        os.close(outcome)
        for descriptor, standard in ((out, 1), (complaints, 2)):
            os.dup2(descriptor, standard)
            os.close(descriptor)
        os._exit(verb(asked))
    os.write(outcome, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.write(outcome, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def verb(asked: dict[str, Any]) -> int:
    """Run it; return its exit status."""
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environ"])
    sys.argv = ["tarmac", *asked["args"]]
    code = 0
    try:
        main()
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except BaseException:  # noqa: BLE001 - as an interpreter does at its end
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))

"""Carries out a probe: one try, within a limit; passes or says why not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tarmac.base.launch import (
    AliveProbe,
    CommandProbe,
    ExchangeProbe,
    GrpcProbe,
    HttpProbe,
    LogProbe,
    Probe,
    TcpProbe,
    reveal,
)
from tarmac.run.local.process import commands
from tarmac.run.local.process.dialing import connect
from tarmac.run.local.process.spawn import Spawner

LIMIT_S = 2.0
#: A server that does not close a connection as asked: so long after the last of a refusal's body.
UNCLOSED_S = 0.5
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})\b")


async def passes(
    probe: Probe,
    *,
    host: str,
    secrets: Mapping[str, str],
    env: Mapping[str, str],
    cwd: Path,
    matched: bool,
    lived_s: float,
    spawner: Spawner,
) -> str | None:
    """Try once.

    Args:
        matched: a line of output has matched, for a log probe.
        lived_s: how long the process has lived.
        spawner: starts what a command probe runs.

    Returns:
        None if it passes, else why not, in a few words.
    """
    try:
        async with asyncio.timeout(LIMIT_S):
            match probe:
                case AliveProbe(for_s):
                    return None if lived_s >= for_s else f"lives for less than {for_s:g} s"
                case TcpProbe(port):
                    with await connect(host, port):
                        return None
                case HttpProbe(port, path):
                    return await _http(host, port, path)
                case GrpcProbe(port, service):
                    from tarmac.run.local.process import (  # noqa: PLC0415 - HTTP/2 only where it is spoken
                        grpc_probe,
                    )

                    return await grpc_probe.check(host, port, service)
                case ExchangeProbe():
                    return await _exchange(host, probe, secrets)
                case CommandProbe(argv):
                    return await _command(argv, env, cwd, spawner)
                case LogProbe(pattern):
                    return None if matched else f"no line of output matched '{pattern}' yet"
    except TimeoutError:
        return f"no answer within {LIMIT_S:g} s"
    except ConnectionRefusedError:
        return f"nothing listens on port {getattr(probe, 'port', 0)}"
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__


async def get(host: str, port: int, path: str, *headers: str) -> tuple[int | None, bytes]:
    """Ask by HTTP; return the status, None where it speaks another protocol, and a refusal's body.

    Raises:
        OSError: nothing listens there, or the connection was lost or closed without an answer.
    """
    lines = (f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Connection: close", *headers, "", "")

    def is_all(answer: bytes) -> bool:
        # Why it refuses is in the body, which many a server sends after the head.
        return b"\r\n\r\n" in answer and (_status(answer) or 0) < 400

    answer = await _talk(host, port, "\r\n".join(lines).encode(), is_all, UNCLOSED_S)
    if not answer:
        raise ConnectionResetError("closed the connection without an answer")
    return _status(answer), answer.partition(b"\r\n\r\n")[2]


async def _http(host: str, port: int, path: str) -> str | None:
    status, body = await get(host, port, path)
    if status is None:
        return f"port {port} does not speak HTTP"
    if status < 400:
        return None
    shown = body.decode("utf-8", "replace").strip().replace("\n", " ")[:300]
    return f"{path} answers {status} {shown}".rstrip()


def _status(answer: bytes) -> int | None:
    found = _STATUS.match(answer)
    return int(found[1]) if found else None


async def _exchange(host: str, probe: ExchangeProbe, secrets: Mapping[str, str]) -> str | None:
    send = probe.send if isinstance(probe.send, bytes) else reveal(probe.send, secrets).encode()
    answer = await _talk(
        host, probe.port, send, lambda answer: probe.expect in answer, probe.silence_s
    )
    if probe.expect in answer:
        return None
    return f"answers {answer[:60]!r}" if answer else "closes the connection"


async def _talk(
    host: str, port: int, send: bytes, is_all: Callable[[bytes], bool], silence_s: float
) -> bytes:
    loop = asyncio.get_running_loop()
    with await connect(host, port) as connection:
        await loop.sock_sendall(connection, send)
        answer = b""
        while not is_all(answer) and len(answer) < 65536:
            try:
                async with asyncio.timeout(silence_s if answer else None):
                    data = await loop.sock_recv(connection, 4096)
            except (TimeoutError, ConnectionResetError):
                if not answer:
                    raise
                break
            if not data:
                break
            answer += data
        return answer


async def _command(
    argv: tuple[str, ...], env: Mapping[str, str], cwd: Path, spawner: Spawner
) -> str | None:
    status, _ = await commands.run(spawner, argv, env=env, cwd=cwd)
    return None if status == 0 else f"'{' '.join(argv)}' ended with {status}"

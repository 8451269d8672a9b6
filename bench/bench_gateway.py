"""What the gateway costs beside nginx, in front of one and the same backend.

nginx proxies as it usually does: connections to the backend are kept, a line of log, a request id,
forwarded headers and a limit for each address; it checks no token and makes no trace. The backend
is nginx too, because it has to be faster than either. One process each, loaded one at a time. A
second pair is what is seen with a service of the kit behind both. Without nginx nothing is
measured.
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from bench.copies import UNLIMITED, ended, environment, until
from bench.figure import Figure, program, sized
from bench.load import CONNECTIONS, SECONDS, Round, Server

ROOT = Path(__file__).resolve().parents[1]
PATH = "/api/things/5"
ROUNDS = sized(7, 1)
CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
{rest}
}}
"""
#: As long an answer as that of bench/served, which stands here for any service.
BACKEND = """
  access_log off;
  server {{
    listen 127.0.0.1:{port};
    default_type application/json;
    location /things/ {{
      return 200 '{{"id":5,"name":"A thing","price_minor":1250,"tags":["a","b"]}}';
    }}
  }}
"""
PROXY = """
  access_log {folder}/access.log;
  limit_req_zone $binary_remote_addr zone=all:1m rate=1000000r/s;
  upstream backend {{ server 127.0.0.1:{backend}; keepalive 64; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    location /api/things/ {{
      limit_req zone=all burst=1000 nodelay;
      proxy_pass http://backend/things/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Request-Id $request_id;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host;
      add_header X-Request-Id $request_id;
      add_header X-Content-Type-Options nosniff;
    }}
  }}
"""


def measure() -> list[Figure]:
    """Return the rate and the processor time a request, then the rate before a kit service."""
    program("nginx")
    how = (
        f"nginx with log, limit and forwarded headers, one worker; {CONNECTIONS} connections, "
        f"medians of {ROUNDS} loads of {SECONDS:g} s in turns"
    )
    with _nginx(BACKEND) as backend:
        ours, theirs = _compared(urlsplit(backend.url).port or 0)
    with _kit("bench.served") as backend:
        real = _compared(urlsplit(backend.url).port or 0)
    figures = [
        Figure("gateway", "requests/s", ours.rps, theirs.rps, f"more is better; {how}"),
        Figure(
            "gateway before a kit service",
            "requests/s",
            real[0].rps,
            real[1].rps,
            "more is better; as above, with a service of the kit behind both",
        ),
    ]
    if theirs.cpu_us:
        title = "gateway, processor time"
        figures.append(Figure(title, "us/request", ours.cpu_us, theirs.cpu_us, how))
    return figures


def _compared(backend_port: int) -> tuple[Round, Round]:
    routes = {
        "ROUTES": "/api/things=backend/things",
        "PUBLIC_ROUTES": "GET /api/things/*",
        "BACKEND_URL": f"http://127.0.0.1:{backend_port}",
        "JWKS_URL": "http://127.0.0.1:1/none-is-asked-for",
        "JWT_ISSUER": "bench",
        "JWT_AUDIENCE": "bench",
    }
    with _kit("tarmac_gateway", routes) as ours, _nginx(PROXY, backend_port) as theirs:
        for server in (ours, theirs):
            server.load()  # connections and caches are there
        rounds = [(ours.load(), theirs.load()) for _ in range(ROUNDS)]
    first, second = (
        Round(statistics.median(r.rps for r in side), statistics.median(r.cpu_us for r in side))
        for side in zip(*rounds, strict=True)
    )
    return first, second


@contextlib.contextmanager
def _kit(package: str, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    port = _free_port()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tarmac_kit.serve", package],
            cwd=ROOT,
            env=environment(PORT=str(port), SERVICE_NAME="bench", **UNLIMITED, **(env or {})),
            stdout=output,
        )
        try:
            until(package, lambda: _answers(port, process))
            yield Server(process.pid, f"http://127.0.0.1:{port}{PATH}")
        finally:
            ended(process)


@contextlib.contextmanager
def _nginx(rest: str, backend: int = 0) -> Iterator[Server]:
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as folder:
        Path(folder).chmod(0o755)  # its workers are somebody else where we are root
        config = Path(folder) / "nginx.conf"
        made = rest.format(folder=folder, port=port, backend=backend)
        config.write_text(CONFIG.format(folder=folder, rest=made), encoding="utf-8")
        process = subprocess.Popen(
            ["nginx", "-p", folder, "-c", str(config)],
            env=environment(),
            stderr=subprocess.DEVNULL,  # its own log in the folder says the same
        )
        try:
            until("nginx", lambda: _answers(port, process))
            yield Server(process.pid, f"http://127.0.0.1:{port}{PATH}")
        finally:
            ended(process)


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise SystemExit(f"{process.args!r}: ended with {process.returncode}")
    with contextlib.suppress(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=1)
        return True
    # nginx has no such page, and says so.
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return "nginx" in str(process.args)
    return False


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port

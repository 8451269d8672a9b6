"""Asks a service of a running sandbox over HTTP, as its users would."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

from sandbox import Sandbox


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Show a redirect instead of following it."""

    def redirect_request(self, *_: Any) -> None:
        return None


def ask(
    box: Sandbox,
    service: str,
    path: str = "/",
    *,
    method: str = "GET",
    body: str | None = None,
    port: str | None = None,
    **headers: str,
) -> tuple[int, str]:
    """Ask a service; return the status, and the text or where a redirect leads."""
    node = box.node(service)
    url = node["url"] or node["page"].rstrip("/")
    url = url if port is None else f"http://127.0.0.1:{node['ports'][port]}"
    data = None if body is None else body.encode()
    request = urllib.request.Request(url + path, data, headers, method=method)
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Location") or error.read().decode()

"""A client of OpenSearch that writes a 7 and reads it."""

from __future__ import annotations

import asyncio
import base64
import json
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen


class OpenSearch:
    async def write(self, url: str) -> None:
        await asyncio.to_thread(_ask, url, "PUT", "?refresh=true", {"value": 7})

    async def read(self, url: str) -> int:
        try:
            answer = await asyncio.to_thread(_ask, url, "GET")
        except HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                raise LookupError("nothing is kept") from None
            raise
        return int(answer["_source"]["value"])


def _ask(url: str, method: str, query: str = "", body: Any = None) -> Any:
    parts = urlsplit(url)
    login = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    request = Request(
        f"http://{parts.hostname}:{parts.port}/kept/_doc/1{query}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Basic {login}", "Content-Type": "application/json"},
        method=method,
    )
    with urlopen(request, timeout=10) as answer:
        return json.load(answer)


CLIENT = OpenSearch()

"""Style sheets, scripts and drawings, served by names that change with their content.

Read once, when the process starts; a page links to what `path` returns, and a browser may keep
that for ever. It serves nothing but the files of this package's `static` folder.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass, field
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
#: One sheet is one request; these are its parts, in order.
_SHEETS = ("tokens.css", "base.css", "parts.css", "shop.css", "trading.css")
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """One file: its public name, its type, its bytes and the same compressed."""

    name: str
    media_type: str
    body: bytes
    packed: bytes


@dataclass
class Assets:
    """All files, by the name that templates use and by the public one."""

    by_name: dict[str, Asset] = field(default_factory=dict)
    by_public: dict[str, Asset] = field(default_factory=dict)

    def path(self, name: str) -> str:
        """Return the address of `site.css`; KeyError for a file that is not there."""
        return f"/static/{self.by_name[name].name}"

    def answer(self, request: Request, name: str) -> Response | None:
        """Return the file, compressed where the browser reads that; None for an unknown name."""
        found = self.by_public.get(name)
        if found is None:
            return None
        headers = {"Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(found.packed, headers=headers, media_type=found.media_type)
        return Response(found.body, headers=headers, media_type=found.media_type)


def load() -> Assets:
    """Read the files of the package."""
    assets = Assets()
    folder = files("tarmac_web") / "static"
    bodies = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}
    bodies["site.css"] = b"\n".join(bodies.pop(name) for name in _SHEETS)
    for name, body in sorted(bodies.items()):
        stem, _, kind = name.rpartition(".")
        if kind not in _TYPES:
            continue
        digest = hashlib.sha256(body).hexdigest()[:12]
        packed = gzip.compress(body, 9, mtime=0)
        asset = Asset(f"{stem}.{digest}.{kind}", _TYPES[kind], body, packed)
        assets.by_name[name] = asset
        assets.by_public[asset.name] = asset
    return assets

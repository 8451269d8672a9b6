"""The mail store's page: every message as a reader of mail would show it, and nothing of it runs.

An HTML message is a document of its own, in a frame without scripts, forms or the page's origin;
what it would load from elsewhere is not loaded. Links open beside the page.
"""

from __future__ import annotations

import html
import re
import time
from typing import Any
from urllib.parse import urlsplit

#: The page itself has no script and loads nothing but its frames.
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'"
#: A link may open a window of its own, free of the frame's limits.
FRAME = "allow-popups allow-popups-to-escape-sandbox"
MESSAGE_POLICY = (
    f"sandbox {FRAME}; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'self'"
)
STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:52rem;padding:1.5rem 1rem 4rem;
 color:light-dark(#1e293b,#e2e8f0);background:light-dark(#f8fafc,#0f172a)}
header{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:baseline;margin-bottom:1.5rem}
h1{font-size:1.5rem;margin:0;letter-spacing:-.01em}header p{margin:0}
a{color:light-dark(#1d4ed8,#93c5fd)}
details{background:light-dark(#fff,#1e293b);border:1px solid light-dark(#e2e8f0,#334155);
 border-radius:12px;margin:.75rem 0;overflow:hidden}
summary{cursor:pointer;padding:.8rem 1.1rem;display:grid;grid-template-columns:1fr auto;gap:0 1rem}
summary:focus-visible{outline:3px solid #3b82f6;outline-offset:-3px}
summary time,.to,.links{color:light-dark(#64748b,#94a3b8);font-size:.875rem}
.to{grid-column:1/-1;overflow-wrap:anywhere}
iframe{display:block;width:100%;height:36rem;border:0;resize:vertical;background:#fff}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;padding:.5rem 1.1rem;font:inherit}
.links{margin:0;padding:.6rem 1.1rem;border-top:1px solid light-dark(#e2e8f0,#334155)}
.empty{padding:3rem 1rem;text-align:center}
nav{display:flex;gap:1.5rem;justify-content:center;padding:1rem}
"""
#: Characters of a text that the page of many messages shows; the rest is on its own page.
MOST_SHOWN = 20_000
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")
_HEAD = re.compile(r"<head[^>]*>", re.IGNORECASE)
#: Links of a message open beside it: in the frame they would be shown without scripts.
_BASE = '<base target="_blank">'


def linked(text: str) -> str:
    """Escape a text for HTML and make its addresses links."""
    parts, end = [], 0
    for found in _LINK.finditer(text):
        address = html.escape(found[0], quote=True)
        link = f'<a href="{address}" target=_blank rel="noopener noreferrer">{address}</a>'
        parts += [html.escape(text[end : found.start()]), link]
        end = found.end()
    return "".join([*parts, html.escape(text[end:])])


def document(message: dict[str, Any]) -> str:
    """Give an HTML message as it is shown in its frame."""
    written: str = message["html"]
    if found := _HEAD.search(written):
        return written[: found.end()] + _BASE + written[found.end() :]
    return _BASE + written


def site(messages: list[dict[str, Any]]) -> str:
    """Find the system's own site: where the newest message that has a link leads; else empty."""
    for message in messages:
        if found := _LINK.search(message["text"]) or _LINK.search(message["html"]):
            address = urlsplit(found[0])
            return f"{address.scheme}://{address.netloc}/"
    return ""


def _message(message: dict[str, Any], *, first: bool) -> str:
    clock = time.strftime("%d %b %H:%M:%S", time.localtime(message["received_at"]))
    name, subject = message["id"], html.escape(message["subject"] or "(no subject)")
    people = html.escape(f"{message['from']} to {', '.join(message['to'])}")
    if message["html"]:
        body = (
            f'<iframe sandbox="{FRAME}" loading=lazy src="/messages/{name}/html" '
            f'title="{html.escape(message["subject"], quote=True)}"></iframe>'
        )
    else:
        body = f"<pre>{linked(message['text'][:MOST_SHOWN])}</pre>"
    is_cut = len(message["text"]) > MOST_SHOWN
    plain = f'<a href="/messages/{name}/text">Text</a> · ' if message["html"] or is_cut else ""
    return (
        f"<details{' open' if first else ''}><summary><strong>{subject}</strong>"
        f"<time>{clock}</time><span class=to>{people}</span></summary>{body}"
        f'<p class=links>{plain}<a href="/messages/{name}/raw">Source</a></p></details>'
    )


def _around(title: str, content: str, back: str) -> str:
    way = f'<p><a href="{html.escape(back, quote=True)}">Back to the site</a></p>' if back else ""
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style>"
        f"<header><h1>{title}</h1>{way}</header><main>{content}</main></html>"
    )


def page(messages: list[dict[str, Any]], *, count: int, newer: str = "", older: str = "") -> str:
    """Write a page of messages, the newest first and open.

    Args:
        count: how many there are on all pages.
        newer: the id after which the newer ones come, if there are some.
        older: the id before which the older ones come, if there are some.
    """
    rows = "".join(_message(message, first=not number) for number, message in enumerate(messages))
    empty = "<p class=empty>No email yet. What the system sends is shown here.</p>"
    ways = [f'<a href="/?after={newer}" rel=prev>Newer</a>'] if newer else []
    ways += [f'<a href="/?before={older}" rel=next>Older</a>'] if older else []
    turn = f"<nav aria-label=Pages>{' '.join(ways)}</nav>" if ways else ""
    return _around(f"Mail ({count})", (rows or empty) + turn, site(messages))


def text_page(message: dict[str, Any]) -> str:
    """Write the page of one message's text."""
    content = f"<pre>{linked(message['text'])}</pre><p class=links><a href='/'>All mail</a></p>"
    return _around(html.escape(message["subject"]), content, site([message]))

"""Templates into pages, and the filters that templates use.

Called by visit.py. Everything is escaped; templates are read and compiled when first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from tarmac_web import art, chart, money
from tarmac_web.assets import Assets

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class Pages:
    """The templates, with what every page shows."""

    assets: Assets
    #: What templates know as `site`: its name, theme and features.
    site: Mapping[str, Any]

    def render(self, template: str, **values: Any) -> str:
        """Return the page of `template`."""
        found = _environment().get_template(template)
        return found.render(site=self.site, asset=self.assets.path, **values)


@cache
def _environment() -> Environment:
    # 25 ms of import, for the first page and not for the start.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    made = Environment(
        loader=PackageLoader("tarmac_web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        money=money.shown,
        signed=money.signed,
        percent=money.percent,
        decimal=money.plain,
        unit=money.unit,
        when=when,
        day=day,
        words=words,
    )
    made.globals.update(drawing=art.drawing, unlike=art.unlike, chart=chart.line)
    return made


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def when(text: str) -> str:
    """Show a time of the API: `3 March 2026, 14:05 UTC`."""
    at = _time(text)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def day(text: str) -> str:
    """Show the day of a time of the API: `3 March 2026`."""
    at = _time(text)
    return f"{at.day} {at:%B %Y}"


def words(text: str) -> str:
    """Show a slug or a code as words: `city-breaks` is `City breaks`."""
    return text.replace("-", " ").replace("_", " ").capitalize()

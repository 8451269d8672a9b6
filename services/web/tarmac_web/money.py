"""Amounts between minor units and what people read and type. Pure.

Used by the pages and by templates, as filters.
"""

from __future__ import annotations

import re
from decimal import Decimal

_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "CHF": "CHF ", "SEK": "SEK "}
#: Digits after the point, where they are not two (ISO 4217).
_DIGITS = {"JPY": 0, "KRW": 0, "ISK": 0, "KWD": 3, "BHD": 3, "TND": 3}
_AMOUNT = re.compile(r"\d{1,12}(\.\d{1,3})?", re.ASCII)
MINUS = "\N{MINUS SIGN}"


class BadAmount(ValueError):
    """The text is no amount; its message is a sentence for the visitor."""


def digits(currency: str) -> int:
    """Return how many digits a currency has after the point."""
    return _DIGITS.get(currency, 2)


def unit(currency: str) -> str:
    """Return what stands before an amount: `€`, or the code and a blank."""
    return _SIGNS.get(currency, f"{currency} ")


def plain(minor: int, currency: str) -> str:
    """Return an amount without a sign of its currency: `1,234.50`."""
    places = digits(currency)
    return f"{Decimal(abs(minor)).scaleb(-places):,.{places}f}"


def shown(minor: int, currency: str) -> str:
    """Return an amount as people read it: `€1,234.50`."""
    return f"{MINUS if minor < 0 else ''}{unit(currency)}{plain(minor, currency)}"


def signed(minor: int, currency: str) -> str:
    """Return a change of an amount: `+€12.00`."""
    return f"+{shown(minor, currency)}" if minor > 0 else shown(minor, currency)


def percent(now: int, before: int) -> str:
    """Return the change from `before` to `now`: `+1.25 %`; nothing without a `before`."""
    if not before:
        return ""
    change = (now - before) / before * 100
    sign = "+" if change > 0 else MINUS if change < 0 else ""
    return f"{sign}{abs(change):.2f} %"


def typed(text: str, currency: str) -> int:
    """Return what a visitor typed, `1,234.5` or `1234.50`, in minor units; or raise BadAmount."""
    cleaned = text.strip().replace(" ", "").removeprefix(_SIGNS.get(currency, currency).strip())
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", cleaned):
        cleaned = cleaned.replace(",", "")
    elif re.fullmatch(r"\d+,\d{1,2}", cleaned):
        cleaned = cleaned.replace(",", ".")
    if not _AMOUNT.fullmatch(cleaned):
        raise BadAmount("Type an amount such as 250 or 19.90.")
    minor = Decimal(cleaned).scaleb(digits(currency))
    if minor != minor.to_integral_value():
        raise BadAmount(f"Type at most {digits(currency)} digits after the point.")
    return int(minor)

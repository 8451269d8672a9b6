"""Amounts, reasons and addresses as people and mail servers read them. No I/O."""

from __future__ import annotations

from decimal import Decimal

#: ISO 4217: currencies whose minor unit is not a hundredth.
_DECIMALS = {
    code: decimals
    for decimals, codes in (
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    )
    for code in codes.split()
}
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩"}

_REASONS = {
    "out_of_stock": "Something in it sold out before we could set it aside for you.",
    "payment_declined": "Your payment was declined.",
    "by_customer": "You asked us to cancel it.",
    "reservation_expired": "The payment was not completed in time.",
}


def money(amount_minor: int, currency: str) -> str:
    """Write an amount in minor units: 123450 EUR is €1,234.50, 1200 JPY is ¥1,200."""
    decimals = _DECIMALS.get(currency, 2)
    amount = Decimal(abs(amount_minor)).scaleb(-decimals)
    sign = "-" if amount_minor < 0 else ""
    figures = f"{amount:,.{decimals}f}"
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{figures}" if symbol else f"{sign}{figures} {currency}"


def reason_text(reason: str) -> str:
    """Say a cancellation's reason in a sentence; an unknown one is not shown as it stands."""
    return _REASONS.get(reason, "It could not be completed.")


def short_order(order_id: str) -> str:
    """Return the part of an order's id that a person reads out."""
    return order_id.partition("-")[0].upper()


def ascii_address(address: str) -> str:
    """Write an address's domain as DNS knows it; raises ValueError for one that it cannot know."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.encode('idna').decode('ascii')}"

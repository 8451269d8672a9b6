"""Events as their publisher sends them."""

from __future__ import annotations

from typing import Any

import pytest

_ORDER: dict[str, Any] = {
    "order_id": "7b0e6d1c-4f0b-4c51-9a3e-2f6f6d3c8a10",
    "customer_id": "11111111-4f0b-4c51-9a3e-2f6f6d3c8a10",
    "email": "ada@example.com",
    "currency": "EUR",
    "total_minor": 258950,
    "lines": [
        {
            "product_id": "22222222-4f0b-4c51-9a3e-2f6f6d3c8a10",
            "name": "Kettle <b>&\n Co",
            "quantity": 2,
            "unit_price_minor": 129475,
        }
    ],
}


@pytest.fixture
def confirmed() -> dict[str, Any]:
    return {**_ORDER, "confirmed_at": "2026-01-31T12:00:00Z"}


@pytest.fixture
def registered() -> dict[str, Any]:
    return {
        "user_id": "11111111-4f0b-4c51-9a3e-2f6f6d3c8a10",
        "email": "ada@example.com",
        "registered_at": "2026-01-31T12:00:00Z",
    }


@pytest.fixture
def cancelled() -> dict[str, Any]:
    return {
        **_ORDER,
        "reason": "payment_declined",
        "was_accepted": True,
        "cancelled_at": "2026-01-31T12:00:00Z",
    }

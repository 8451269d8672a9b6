"""Two services of the shop as a broker knows them: each with a part of another name."""

from __future__ import annotations

from tarmac.base.launch import Secret
from tarmac.catalog.stores.kind import User

ORDERS = User(
    "order-service",
    Secret("stores/broker/order-service"),
    ("order.placed", "order.noticed"),
    ("payment.captured",),
    {"payment.captured": ("orders",)},
)
PAYMENTS = User(
    "payment-service",
    Secret("stores/broker/payment-service"),
    ("payment.captured",),
    ("order.placed",),
    {"order.placed": ("payments",)},
)

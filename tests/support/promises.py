"""What a violated invariant of the shop means: that something was lost, doubled or oversold.

Used by the crash tests and by the load under which the running shop is hit.
"""

from __future__ import annotations

LOST, DOUBLED, OVERSOLD = "lost", "doubled", "oversold"
#: Invariant of systems/shop/tarmac.yaml -> what its violation means.
SHOP = {
    **dict.fromkeys(("orders-end", "payments-end", "payments-hear-of-orders"), LOST),
    **dict.fromkeys(
        (
            "orders-publish-all",
            "payments-publish-all",
            "orders-handle-all",
            "payments-handle-all",
        ),
        LOST,
    ),
    **dict.fromkeys(("paid-when-confirmed", "nothing-stays-reserved"), LOST),
    **dict.fromkeys(("totals-are-sums", "history-leads-to-the-state"), LOST),
    **dict.fromkeys(("events-agree-with-orders", "events-agree-with-payments"), LOST),
    **dict.fromkeys(("one-payment-per-order", "charged-once"), DOUBLED),
    **dict.fromkeys(("one-event-per-step", "one-event-per-payment"), DOUBLED),
    **dict.fromkeys(("stock-never-below-zero", "stock-equals-ledger"), OVERSOLD),
    **dict.fromkeys(("sold-when-confirmed", "reserved-is-held"), OVERSOLD),
    **dict.fromkeys(("reservations-are-of-orders", "movements-explain-reservations"), OVERSOLD),
    "movements-are-of-their-kind": OVERSOLD,
}

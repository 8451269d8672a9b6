"""What a reviewer of ten edits of the shop reads: each change of it is reviewed as a difference."""

from __future__ import annotations

import os
from pathlib import Path

from compared import comparison, edited
from rendered import ROOT

from tarmac.change.compare.markdown import markdown

GOLDEN = Path(__file__).parent / "diff" / "shop.md"
FILE = "systems/shop/tarmac.yaml"

PRICING = """\
  pricing-service:
    source: ../../services/pricing
    port: 3005
    stores: {db: products-db}
    env: {JWKS_URL: "${services.user-service.url}/.well-known/jwks.json"}

  payment-service:
"""
EDITS = (
    # Orders become public beside the gateway, and payments leave the system.
    ("    port: 3003\n", "    port: 3003\n    public: {host: orders}\n"),
    ("    port: 3004\n", "    port: 3004\n    externals: [stripe]\n"),
    ("stores:\n  users-db", "externals: {stripe: {hosts: [api.stripe.com]}}\nstores:\n  users-db"),
    # The gateway asks payments by itself.
    ("      - product-service\n", "      - product-service\n      - payment-service\n"),
    ("{min: 3, max: 20, cpu: 70, memory: 80, available: 2}", "{min: 2, max: 20, cpu: 70}"),
    ("    zones: 3\n", "    zones: 3\n    version: 0.2.0\n"),
    ("  payment-service:\n", PRICING),
    ("limits: {cpu: 500m, memory: 512Mi}", "limits: {cpu: 500m, memory: 384Mi}"),
    ('orders-db: {kind: postgres, version: "18"}', 'orders-db: {kind: postgres, version: "19"}'),
    ("JWT_AUDIENCE: ${system.name}", "JWT_AUDIENCE: shop-customers"),
    ("order-service: {timeout: 5s}", "order-service: {timeout: 3s, retries: 2}"),
)


def test_ten_edits_of_the_shop_are_told_as_reviewed():
    before = (ROOT / FILE).read_text()
    sides = ({FILE: text.encode()} for text in (before, edited(before, *EDITS)))
    written = markdown(comparison(*sides, disk=True))
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(written)
    assert written == GOLDEN.read_text()

"""The cart as a part of a process: `python -m tarmac_kit.serve tarmac_cart`."""

from __future__ import annotations

from importlib.resources import files

from tarmac_cart.endpoints import build_router
from tarmac_cart.repository import CartRepository
from tarmac_cart.service import Carts
from tarmac_cart.upstream import Catalog, Orders
from tarmac_kit import Chassis, Part


def mount(chassis: Chassis) -> None:
    """Wire the cart into the process; opens nothing yet."""
    chassis.verifier()  # here, so that what it misses in the environment is said at the start
    carts = Carts(
        database=chassis.database(migrations=files("tarmac_cart") / "migrations", part="cart"),
        carts=CartRepository(),
        catalog=Catalog(chassis.client("catalog")),
        orders=Orders(chassis.client("orders")),
    )
    chassis.include(build_router(carts))


PART = Part(name="cart", mount=mount)

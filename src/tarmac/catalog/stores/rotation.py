"""How a user of a server gets its next password while the present one still holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarmac.base.launch import Text

if TYPE_CHECKING:
    from tarmac.catalog.stores.context import StoreContext, User


def _always(user: User) -> str:  # noqa: ARG001 - one shape for all
    return ""


@dataclass(frozen=True)
class StoreRotation:
    """What the administrator says before services have the next password, and after."""

    #: Makes the server take the password of this user as well.
    accept: Callable[[StoreContext, User], tuple[Text, ...]]
    #: Makes it refuse the one of this user, and end what is logged in with it.
    refuse: Callable[[StoreContext, User], tuple[Text, ...]]
    #: What any user may say, by which is seen that its password is taken; "": it answers SQL.
    ask: str = ""
    #: A user has one password, so it logs in by two names in turn.
    alternates: bool = False
    #: Says why a user cannot have another one; "": it can.
    why_not: Callable[[User], str] = _always

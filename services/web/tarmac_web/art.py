"""Which drawing shows a product, and in which colours: decided by its name, so it never changes.

Called by templates. The drawings are symbols of static/things.svg; nothing is loaded from
elsewhere. Pure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

#: A drawing, its colours, and the words of a name or category that lead to it; first match.
_THINGS: tuple[tuple[str, int, str], ...] = (
    ("skillet", 2, "skillet pan wok"),
    ("knife", 2, "knife knives"),
    ("kettle", 0, "kettle teapot"),
    ("coffee", 3, "coffee espresso"),
    ("board", 3, "chopping breadboard"),
    ("mortar", 6, "mortar pestle bowl"),
    ("tumbler", 5, "tumbler tumblers glasses cup cups mug"),
    ("bed", 6, "bed sheets duvet pillow"),
    ("towel", 1, "towel towels"),
    ("throw", 2, "throw blanket rug scarf"),
    ("apron", 7, "apron"),
    ("pendant", 3, "pendant"),
    ("wall-light", 5, "wall"),
    ("lantern", 0, "lantern torch"),
    ("candle", 3, "candle candles"),
    ("desk-lamp", 3, "lamp light"),
    ("notebook", 4, "notebook journal book diary"),
    ("pen", 2, "pen"),
    ("ink", 6, "ink"),
    ("calendar", 3, "calendar"),
    ("pencil", 3, "pencil pencils crayons"),
    ("box", 7, "box crate"),
    ("trowel", 1, "trowel spade"),
    ("secateurs", 4, "secateurs shears scissors"),
    ("watering-can", 5, "watering"),
    ("pot", 0, "pot pots planter"),
    ("seeds", 1, "seeds"),
    ("rucksack", 7, "rucksack backpack bag"),
    ("flask", 5, "flask bottle"),
    ("socks", 4, "socks sock"),
    ("stool", 3, "stool chair"),
    ("poncho", 7, "poncho jacket coat"),
    ("compass", 0, "compass"),
    ("blocks", 3, "blocks"),
    ("kite", 4, "kite"),
    ("railway", 0, "railway"),
    ("cards", 6, "card cards"),
    ("fox", 0, "marionette puppet doll"),
)
_PLACES: tuple[tuple[str, int, str], ...] = (
    ("north", 6, "northern lofoten aurora arctic lapland iceland tromso winter polar lights"),
    ("train", 7, "train rail interrail railway express sleeper"),
    ("safari", 3, "safari serengeti kenya savanna kruger botswana"),
    ("desert", 3, "desert sahara dunes wadi marrakech jordan petra morocco oasis"),
    (
        "island",
        4,
        "island islands sailing sail azores hebrides cruise greek cyclades archipelago orkney",
    ),
    (
        "beach",
        4,
        "beach beaches coast sea surf algarve riviera bali caribbean snorkel diving sun sardinia",
    ),
    ("lake", 1, "lake lakes fjord fjords canoe kayak como bled"),
    ("forest", 5, "forest woods jungle rainforest cabin wild amazon kyoto"),
    ("mountains", 2, "mountain mountains alps alpine hike hiking trek trekking summit ski peaks"),
    ("mountains", 2, "dolomites patagonia andes himalaya huts"),
    ("old-town", 0, "old town medieval prague lisbon seville rome florence venice krakow weekend"),
    ("old-town", 0, "culture history ghent canal vienna porto granada istanbul"),
    (
        "countryside",
        5,
        "countryside wine vineyard cycling tuscany provence farm villages douro walk",
    ),
    (
        "city",
        0,
        "city cities tokyo york berlin london singapore skyline capital break breaks urban",
    ),
)
#: For a product whose words say nothing.
_SHAPES = ("vessel", "arch", "stack")
_VIEWS = ("countryside", "mountains", "beach", "old-town", "lake")
#: How many sets of colours tokens.css has.
PALETTES = 8

_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class Drawing:
    """A symbol of things.svg and one of the sets of colours in tokens.css."""

    symbol: str
    palette: int


@lru_cache(maxsize=2000)
def drawing(name: str, category: str = "", *, places: bool = False) -> Drawing:
    """Return what shows a product: a thing, or a place where trips are sold."""
    table = _PLACES if places else _THINGS
    for text in (name, category):
        found = set(_WORD.findall(text.lower()))
        for symbol, palette, words in table:
            if found & set(words.split()):
                # Two places of one kind are seen at different times of the day.
                shift = _number(name) % 3 if places else 0
                return Drawing(symbol, (palette + shift) % PALETTES)
    spare = _VIEWS if places else _SHAPES
    number = _number(name)
    return Drawing(spare[number % len(spare)], number % PALETTES)


def unlike(products: Sequence[Mapping[str, Any]], most: int, *, places: bool) -> list[Any]:
    """Choose the first products that are drawn unlike each other; any, where there are too few."""
    by_symbol = {
        drawing(product["name"], product["category"], places=places).symbol: product
        for product in reversed(products)
    }
    chosen = [product for product in products if any(product is one for one in by_symbol.values())]
    return [*chosen, *(product for product in products if product not in chosen)][:most]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")

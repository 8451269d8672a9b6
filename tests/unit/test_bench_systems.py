"""The systems that bench files change and run; the runs themselves are in tests/bench."""

from __future__ import annotations

import pytest
from bench import bench_item, ordering
from bench.copies import SYSTEMS, changed

from tarmac.project.reading import load


@pytest.mark.parametrize("name", sorted(path.parent.name for path in SYSTEMS.glob("*/tarmac.yaml")))
def test_a_system_without_its_environments_is_whole(name):
    with changed(name, lambda _: None) as file:
        assert not load(str(file)).file.environments


@pytest.mark.parametrize(
    "change",
    [ordering.with_cheap_passwords, bench_item.cached_page, bench_item.page_from_database],
)
def test_a_changed_shop_is_a_system(change):
    with changed("shop", change) as file:
        assert load(str(file)).file.services

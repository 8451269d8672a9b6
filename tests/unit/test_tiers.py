"""Which tests are slow, and of which topic: by folder, file, name, variant, and mark."""

from __future__ import annotations

import pytest
from tiers import paths, topic_of, topics


@pytest.mark.parametrize(
    ("nodeid", "topic"),
    [
        ("tests/cluster/test_shop.py::test_it", "cluster"),
        ("tests/contract/test_built.py::test_it[a/b.py]", "kubectl"),
        ("tests/contract/test_audit.py::test_debians_real_suite_finds_an_old_library", "scripts"),
        ("tests/contract/test_audit.py::test_it", None),
        ("kit/tests/servers/test_jobs.py::test_it[rabbitmq]", "stores"),
        ("kit/tests/servers/test_jobs.py::test_it[nats]", None),
        ("tests/unit/test_plan.py::test_it[rabbitmq]", None),
    ],
)
def test_a_tests_topic_is_that_of_its_folder_file_name_or_variant(nodeid, topic):
    assert topic_of(nodeid) == topic


def test_a_journey_is_fast_in_its_own_folder_alone_and_not_in_a_slow_variant():
    assert topic_of("tests/e2e/test_shop.py::test_it[nats]", is_journey=True) is None
    assert topic_of("tests/e2e/test_shop.py::test_it[rabbitmq]", is_journey=True) == "e2e"
    assert topic_of("tests/containers/test_shop.py::test_it", is_journey=True) == "containers"


def test_a_topic_names_the_files_of_its_tests_and_the_folders_of_its_variants():
    assert {"tests/contract/test_kafka.py", "kit/tests/servers"} <= set(paths("kafka"))
    assert all(paths(topic) for topic in topics())

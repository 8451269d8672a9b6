"""Nothing is rendered that the catalogue does not know or that is past its end of life."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from gated import TODAY, expected, findings, fixtures, objects
from rendered import ENVIRONMENTS, KINDS, artifacts_of, plan_of, system_of

from tarmac.base import versions
from tarmac.base.artifact import Artifact
from tarmac.catalog.stores.kind import Image
from tarmac.check.gates.kubernetes.ver001_versions import GATE, NOTICE
from tarmac.check.gates.subject import Subject
from tarmac.check.schemas import lock

END = date(2030, 11, 14)


@pytest.mark.parametrize("path", fixtures("VER001", "good"), ids=lambda path: path.stem)
def test_what_the_catalogue_knows_passes(path):
    assert list(map(str, findings(GATE, objects(path)))) == []


@pytest.mark.parametrize("path", fixtures("VER001", "bad"), ids=lambda path: path.stem)
def test_a_stranger_and_what_is_gone_are_found_with_what_to_write(path):
    (found,) = findings(GATE, objects(path))
    assert expected(path) in found.what
    assert not found.warning


@pytest.mark.parametrize(("system", "environment"), ENVIRONMENTS)
def test_what_is_rendered_is_known_and_kept(system, environment):
    artifacts = artifacts_of(system, environment)
    subject = Subject(system_of(system), plan_of(system, environment), artifacts, TODAY)
    assert [str(finding) for finding in GATE.check(subject)] == []


def at(day):
    image = Artifact("a.yaml", {"services": {"db": {"image": "postgres:18"}}})
    subject = Subject(system_of("shop"), plan_of("shop", "kind"), (image,), day)
    return [finding for finding in GATE.check(subject) if finding.where == "a.yaml"]


def test_an_end_of_life_is_said_90_days_before_and_fails_after_it():
    assert versions.read().images["postgres"].end_of_life == END
    assert at(END - timedelta(days=NOTICE + 1)) == []
    for day in (END - timedelta(days=NOTICE), END):
        (near,) = at(day)
        assert near.warning
        assert "image postgres:18 ends on 2030-11-14; go to a newer one (https://" in near.what
    (past,) = at(END + timedelta(days=1))
    assert not past.warning
    assert "image postgres:18 ended on 2030-11-14" in past.what


def test_the_kubernetes_that_objects_are_checked_for_is_kept_and_has_its_schemas():
    catalogue = versions.read()
    assert catalogue.default().version == lock.read().kubernetes
    assert set(catalogue.kubernetes) == set(lock.read().versions)
    ends = [version.end_of_life for version in catalogue.kubernetes.values()]
    assert all(end is None or end > TODAY for end in ends)


def test_the_schemas_are_those_of_the_charts_that_are_rendered():
    brought = {source.name: source.version.removeprefix("v") for source in lock.read().sources}
    charts = {
        name: chart.version.removeprefix("v") for name, chart in versions.read().charts.items()
    }
    for name in brought.keys() & charts.keys() - {"karpenter"}:
        assert brought[name] == charts[name], name
    assert brought["karpenter-aws"] == charts["karpenter"]


def test_every_store_runs_the_image_of_the_catalogue():
    images = [
        program
        for kind in KINDS.values()
        for provider in kind.providers
        for program in provider.programs.values()
        if isinstance(program, Image)
    ]
    assert len(images) >= 6
    for image in images:
        support = image.support or versions.read().images[image.name]
        assert support.version == image.tag
        assert support.source.startswith("https://")
        assert support.end_of_life or support.why


def test_an_image_that_no_row_has_is_a_sentence():
    with pytest.raises(versions.UnknownVersion, match=r"no image postgre; add it, or .*postgres"):
        versions.read().image("postgre")


def test_every_entry_has_a_page_and_says_why_an_end_is_not_known():
    catalogue = versions.read()
    tables = (catalogue.kubernetes, catalogue.images, catalogue.charts, catalogue.actions)
    for entry in (row for table in tables for row in table.values()):
        assert entry.source.startswith("https://"), entry.label
        assert entry.end_of_life or entry.why, entry.label
    for api in catalogue.apis.values():
        assert api.source.startswith("https://"), api.name
        assert not api.chart or api.chart in catalogue.charts
        assert not api.removed or api.successor


def test_a_dockerfiles_stages_are_no_images():
    text = "FROM --platform=x python:3 AS build\nFROM build\nCOPY --from=uv:1 a b\nFROM $BASE\n"
    assert list(versions.named(text)) == [("image", "python:3"), ("image", "uv:1")]
    subject = Subject(
        system_of("shop"), plan_of("shop", "kind"), (Artifact("Dockerfile", text),), TODAY
    )
    assert {finding.what.split()[1] for finding in GATE.check(replace(subject))} == {
        "python:3",
        "uv:1",
    }


def test_the_default_of_a_build_argument_is_an_image():
    text = 'ARG A=a/b:1\nARG B="c:2"\nFROM ${A} AS x\nFROM $B\nFROM ${C:-d:3}\nFROM x\nFROM ${E}\n'
    assert [image for _, image in versions.named(text)] == ["a/b:1", "c:2", "d:3"]


@pytest.mark.parametrize(("system", "environment"), [("shop", "kind"), ("travel", "dev")])
def test_the_bases_of_the_kits_own_images_are_of_the_catalogue(system, environment):
    artifacts = artifacts_of(system, environment)
    (dockerfile,) = [
        artifact for artifact in artifacts if artifact.path.endswith("containers/Dockerfile")
    ]
    found = {image.rpartition(":")[0] for _, image in versions.named(dockerfile.content)}
    assert found == {"ghcr.io/astral-sh/uv", "gcr.io/distroless/python3-debian13"}

"""What is said of a Dockerfile: the one that ships has nothing wrong, each fault is found alone."""

from __future__ import annotations

import pytest
from rendered import ROOT

from tarmac.check.gates.images.img014_dockerfile import findings
from tarmac.check.gates.views.images.instructions import instructions

GOOD = """\
FROM golang:1.26 AS made
RUN --mount=type=secret,id=token go build -o /app . \\
    # a comment between
    && true
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=made /app /app
USER 65534:65534
HEALTHCHECK CMD ["/app", "health"]
ENTRYPOINT ["/app"]
"""


def said(text: str) -> list[str]:
    return [str(finding) for finding in findings("Dockerfile", text)]


def test_the_dockerfile_that_ships_and_a_good_foreign_one_have_nothing_wrong():
    assert said((ROOT / "src/tarmac/assets/containers/Dockerfile").read_text()) == []
    assert said(GOOD) == []


def test_without_a_user_it_is_root_unless_its_base_brings_one_along():
    start, final, rest = GOOD.rpartition("FROM ")
    without = rest.replace("USER 65534:65534\n", "").partition("\n")[2]
    for base, is_root in (
        ("debian:13", True),
        ("gcr.io/distroless/static-debian13", True),
        ("gcr.io/distroless/static-debian13:nonroot", False),
        ("nginxinc/nginx-unprivileged:1.29", False),
    ):
        found = " ".join(said(f"{start}{final}{base}\n{without}"))
        assert ("so it runs as root" in found) == is_root, base


@pytest.mark.parametrize(
    ("good", "bad", "what"),
    [
        ("golang:1.26", "golang", "has no tag (golang)"),
        ("golang:1.26", "golang:latest", "not a fixed version (golang:latest)"),
        ("golang:1.26", "registry:5000/golang", "has no tag"),
        ("golang:1.26", "$BASE", "base is not known"),
        ("USER 65534:65534", "USER nonroot", "USER nonroot is a name"),
        ("USER 65534:65534", "USER 0", "USER 0 is root"),
        ('HEALTHCHECK CMD ["/app", "health"]\n', "", "has no HEALTHCHECK"),
        ('HEALTHCHECK CMD ["/app", "health"]', "HEALTHCHECK NONE", "has no HEALTHCHECK"),
        ("USER 65534", "ENV DB_PASSWORD=hunter2\nUSER 65534", "ENV DB_PASSWORD stays"),
        ("USER 65534", "ENV DB_PASSWORD hunter2\nUSER 65534", "ENV DB_PASSWORD stays"),
        ("USER 65534", "ARG NPM_TOKEN\nUSER 65534", "ARG NPM_TOKEN stays"),
        ("USER 65534", "ADD https://example.com/x.tgz /x\nUSER 65534", "adds a download"),
        ("USER 65534", "RUN curl -s https://x.sh | sh -\nUSER 65534", "curl | sh"),
        ("USER 65534", "RUN wget -qO- https://x.sh \\\n | sudo bash\nUSER 65534", "curl | sh"),
        ('ENTRYPOINT ["/app"]', "ENTRYPOINT /app", "runs in a shell"),
    ],
)
def test_each_fault_is_found_with_its_line_and_alone(good, bad, what):
    assert good in GOOD
    (found,) = said(GOOD.replace(good, bad))
    assert what in found
    assert found.startswith("Dockerfile:")


def test_a_base_may_be_an_argument_with_a_pinned_default_a_digest_a_stage_or_nothing():
    rest = GOOD.split("FROM gcr.io", maxsplit=1)[0] + "FROM {}\n" + GOOD.split("nonroot\n")[1]
    for base in ("made", "scratch", "python@sha256:0a", "${RUN:-python:3.11}"):
        assert said(rest.format(base)) == []
    assert said("ARG BASE=python:3.11\n" + rest.format("${BASE}")) == []


def test_a_file_without_an_image_says_so():
    assert said("# nothing\n") == ["Dockerfile: has no FROM, so there is no image; write one"]


def test_what_a_heredoc_holds_is_no_instruction():
    text = "FROM a:1\nRUN <<END\nUSER root\nEND\nUSER 1"
    assert [instruction.word for instruction in instructions(text)] == ["FROM", "RUN", "USER"]

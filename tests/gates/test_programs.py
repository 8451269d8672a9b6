"""Programs of others: what each finds is a finding with its place, and what is rendered passes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from gated import TODAY, expected, files, findings, fixtures, written
from rendered import TYPICAL, artifacts_of, plan_of, system_of

from tarmac.base import registry
from tarmac.base.report import Skip
from tarmac.check import gates
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views import programs
from tarmac.check.verify import folder
from tarmac.check.verify.running import Suppressions

IDS = [*(f"VAL{number:03}" for number in range(2, 11)), "VAL020", "VAL021", "VAL022"]
GATES = registry.load(gates, "GATE")
GOOD = [(gate, path) for gate in IDS for path in fixtures(gate, "good")]
BAD = [(gate, path) for gate in IDS for path in fixtures(gate, "bad")]
NEEDS = {
    "VAL002": "yamllint",
    "VAL003": "shellcheck",
    "VAL004": "hadolint",
    "VAL005": "kubeconform",
    "VAL006": "kube-score",
    "VAL007": "helm",
    "VAL008": "kubectl",
    "VAL009": "checkov",
    "VAL010": "promtool",
    "VAL020": "actionlint",
    "VAL021": "check-jsonschema",
    "VAL022": "zizmor",
}
#: checkov takes seconds a tree; tests/contract/test_slo_rules.py runs promtool's of every system.
FEWER = {
    "VAL009": (("shop", "production"), ("travel", "prod")),
    "VAL010": (("shop", "production"),),
}
#: Those that look at the code's own repository.
OF_CODE = ("VAL002", "VAL003", "VAL004", "VAL020", "VAL021", "VAL022")
RENDERED = [
    *((gate, *names) for gate in IDS for names in FEWER.get(gate, TYPICAL)),
    *((gate, system, "repository") for gate in OF_CODE for system in ("shop", "trading")),
]
#: These read each file by itself: started once for all trees. Others put a tree's files together.
AT_ONCE = ("VAL002", "VAL003", "VAL004", "VAL005", "VAL009")

#: What these find while the kind that they ask for is rendered by nobody yet.
UNTIL = {
    "pod-networkpolicy": "NetworkPolicy",
    "CKV2_K8S_6": "NetworkPolicy",
    "deployment-has-poddisruptionbudget": "PodDisruptionBudget",
    "deployment-replicas": "HorizontalPodAutoscaler",
}


def name(case):
    return case if isinstance(case, str) else case.stem


@pytest.mark.parametrize(("gate", "path"), GOOD, ids=name)
def test_a_good_tree_passes(gate, path, tmp_path):
    artifacts = files(path)
    found = findings(GATES[gate], artifacts, written(artifacts, tmp_path))
    assert list(map(str, found)) == []


@pytest.mark.parametrize(("gate", "path"), BAD, ids=name)
def test_what_the_program_finds_is_a_finding_with_its_place(gate, path, tmp_path):
    artifacts = files(path)
    found = findings(GATES[gate], artifacts, written(artifacts, tmp_path))
    assert [finding for finding in found if expected(path) in finding.what], list(map(str, found))
    assert all((tmp_path / finding.where.split(":")[0]).exists() for finding in found)
    assert {finding.gate for finding in found} == {gate}


@pytest.fixture(scope="module")
def found_in(tmp_path_factory):
    """Give a function that says what a gate finds in the tree of an environment."""
    known = {}

    def of(gate, tree):
        if gate not in AT_ONCE:
            artifacts = artifacts_of(*tree)
            return findings(
                GATES[gate], artifacts, written(artifacts, tmp_path_factory.mktemp(gate))
            )
        if gate not in known:
            known[gate] = found_at_once(gate, tmp_path_factory.mktemp(gate))
        return known[gate]["-".join(tree)]

    return of


def found_at_once(gate, folder):
    """Ask a gate about all trees, in folders below one; return what it finds in each."""
    trees = ["-".join(tree) for asked, *tree in RENDERED if asked == gate]
    artifacts = tuple(
        replace(artifact, path=f"{'-'.join(tree)}/{artifact.path}")
        for asked, *tree in RENDERED
        if asked == gate
        for artifact in artifacts_of(*tree)
    )
    told = {name: [] for name in trees}
    for finding in findings(GATES[gate], artifacts, written(artifacts, folder)):
        told[finding.where.partition("/")[0]].append(finding)
    return told


@pytest.mark.parametrize(("gate", "system", "environment"), RENDERED)
def test_what_is_rendered_passes(gate, system, environment, found_in):
    artifacts, found = artifacts_of(system, environment), found_in(gate, (system, environment))
    kinds = {artifact.data.get("kind") for artifact in artifacts}
    waiting = [check for check, kind in UNTIL.items() if kind not in kinds]
    left = [
        str(finding) for finding in found if not any(check in finding.what for check in waiting)
    ]
    assert left == []


@pytest.mark.parametrize(("gate", "program"), NEEDS.items())
def test_without_the_program_it_is_skipped_and_says_how_to_get_it(
    gate, program, tmp_path, monkeypatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    subject = Subject(system_of("shop"), plan_of("shop", "kind"), (), TODAY, tmp_path)
    with pytest.raises(Skip, match=rf"^{program} is not on this machine; \S+"):
        list(GATES[gate].check(subject))
    with pytest.raises(Skip, match="nothing was written to disk"):
        list(GATES[gate].check(replace(subject, folder=None)))


INJECTED = """\
on: issues
permissions: {}
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - run: echo ${{ github.event.issue.title }}
"""
CALLED = """\
on: {workflow_call: {inputs: {name: {type: string}}}}
permissions: {}
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - run: echo ${{ inputs.name }}
"""
NESTED = """\
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    strategy: {matrix: {of: [{name: a, args: b}, {name: c, args: d}]}}
    steps: [{run: "make ${{ matrix.of.more || 'all' }}"}]
"""
UNASKED = """\
on: {workflow_dispatch: {inputs: {version: {type: string}}}}
jobs:
  a:
    runs-on: ubuntu-24.04
    steps: [{run: "make ${{ inputs.bump }}"}]
"""
LATER = """\
on:
  push: {tags: }
jobs:
  a:
    runs-on: ubuntu-99.04
    strategy: {matrix: {include: [{of: a}]}}
    steps:
      - run: echo ${{ matrix.name || matrix.of }}
"""
OLD = """\
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    steps: [{uses: actions/checkout@v2}]
"""
ASKED = """\
on: workflow_dispatch
jobs:
  a:
    runs-on: ubuntu-24.04
    if: github.event.inputs.debug == 'true'
    steps: [{run: make}]
"""
NAMED = """\
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - {id: made, run: make}
      - name: With ${{ steps.mode.outputs.version }}
        run: make
"""
OBEYED = """\
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - run: echo "::set-output name=a::b"
"""
OFF = """\
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    if: false
    steps: [{run: make}]
"""
#: No step has this id, so it is empty.
ABSENT = """\
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    steps: [{run: a, id: one}, {run: b, env: {A: "${{ steps.two.outcome }}"}}]
"""
#: Nothing reads this output; what its name lacks is of no consequence.
UNREAD = """\
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    outputs:
      had: ${{ steps.one.outcome }}
      has: ${{ steps.two.outcome }}
    steps: [{run: a, id: one}]
  # b: {needs: a, if: needs.a.outputs.has}
"""
BY_HAND = """\
on: {workflow_dispatch: {secrets: {TOKEN: {required: true}}}}
jobs: {a: {runs-on: ubuntu-24.04, steps: [{run: a}]}}
"""
#: A step that is commented out for a while, and a script that reads what it gave.
OFF_STEP = ABSENT.replace("jobs:", "# - name: Apply\n#   id: two\njobs:")
READ = UNREAD.replace("# b: {", "b: {runs-on: ubuntu-24.04, steps: [{run: b}], ")
#: A cache that is there no more: what it kept is made each time, as where it has nothing.
UNCACHED = """\
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - {run: a, id: one}
      - if: steps.cached.outputs.cache-hit != 'true'
        run: b
"""
#: Who names the branch writes the workflow, too, unless others start it.
OWN_BRANCH = """\
on: [push, pull_request]
permissions: {}
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - run: scan --branch ${{ github.head_ref || github.ref_name }}
"""
NO_BRANCH = OWN_BRANCH.replace("[push, pull_request]", "{push: {branches: [main]}}")
OTHERS_BRANCH = OWN_BRANCH.replace("pull_request", "pull_request_target")
#: A pull request has no tag; a comment is on any path.
OF_TAGS = OWN_BRANCH.replace("[push, pull_request]", "{pull_request: {tags: [a]}}")
OF_RELEASES = OF_TAGS.replace("pull_request", "release")
OF_PATHS = OWN_BRANCH.replace("[push, pull_request]", "{issue_comment: {paths: [a]}}")
REFUSED = OBEYED.replace("set-output", "set-env")
#: A gate, a file of another name than programs expect, one of its lines, and how bad that is.
FOREIGN = (
    ("VAL003", "-odd name.sh", "#!/bin/sh\nrm -r $1/x\n", "-odd name.sh:2:", True),
    ("VAL003", "a.sh", "#!/bin/sh\nif true; do\n", "a.sh:2:", False),
    ("VAL003", "b.sh", "#!/bin/bash\nfor f in $(ls); do echo $@; done\n", "b.sh:2:", True),
    ("VAL003", "c.sh", "#!/bin/bash\necho $((ls; cat) | sort)\n", "c.sh:2:", True),
    ("VAL003", "d.sh", "#!/bin/sh\necho $((ls; cat) | sort)\n", "d.sh:2:", False),
    ("VAL003", "e.sh", "#!/bin/sh\nls | \\\n  #cat | \\\n  sort\n", "e.sh:3:", True),
    ("VAL003", "f.sh", "#!/bin/sh\nls -a \\\n  #-b \\\n  -c\n", "f.sh:3:", False),
    ("VAL003", "h.sh", "### notes\ngit clone <URL>\n", "h.sh:2:", True),
    ("VAL004", "api/Dockerfile.dev", "FROM debian\nRUN cd /x && make\n", "Dockerfile.dev:1:", True),
    ("VAL004", "Dockerfile", "FROM debian:13\nADD a /a\nUSER 1\n", "Dockerfile:2:", True),
    ("VAL003", "g.sh", "# A licence.\n#!/bin/bash\necho a\n", "g.sh:2:", True),
    (
        "VAL004",
        "d/Dockerfile",
        'FROM b:1\nARG C \\\n    A\nENV A=${A} B="/${A}" PATH="/b:$PATH"\n',
        "Dockerfile:4:",
        True,
    ),
    ("VAL004", "e/Dockerfile", 'FROM b:1\nENV A=b B="/${A}"\n', "Dockerfile:2:", False),
    ("VAL004", "c/Dockerfile", "FROM b:1 AS a\nFROM b:1 AS a\n", "Dockerfile:2:", False),
    (
        "VAL020",
        ".github/workflows/-a.yml",
        "on: push\njobs: {a: {steps: [{run: a}]}}\n",
        "-a.yml:2:",
        False,
    ),
    ("VAL020", ".github/workflows/b.yml", LATER, "b.yml:5:", True),
    ("VAL020", ".github/workflows/e.yml", ASKED, "e.yml:5:", True),
    ("VAL020", ".github/workflows/d.yml", OLD, "d.yml:5:", True),
    ("VAL020", ".github/workflows/f.yml", OBEYED, "f.yml:6:", True),
    ("VAL020", ".github/workflows/g.yml", REFUSED, "g.yml:6:", False),
    ("VAL020", ".github/workflows/h.yml", OFF, "h.yml:5:", True),
    ("VAL020", ".github/workflows/c.yml", NAMED, "c.yml:7:", True),
    ("VAL020", ".github/workflows/i.yml", NESTED, "i.yml:6:", True),
    (
        "VAL020",
        ".github/workflows/k.yml",
        "on: push\njobs: {a: {runs-on: ubuntu-24.04, needs: [], steps: [{run: a}]}}\n",
        "k.yml:2:",
        True,
    ),
    ("VAL020", ".github/workflows/j.yml", UNASKED, "j.yml:5:", True),
    ("VAL020", ".github/workflows/l.yml", ABSENT, "l.yml:5:", False),
    ("VAL020", ".github/workflows/s.yml", UNCACHED, "s.yml:7:", True),
    ("VAL020", ".github/workflows/r.yml", BY_HAND, "r.yml:1:", True),
    ("VAL020", ".github/workflows/q.yml", OFF_STEP, "q.yml:7:", True),
    ("VAL020", ".github/workflows/m.yml", UNREAD, "m.yml:7:", True),
    ("VAL020", ".github/workflows/n.yml", READ, "n.yml:7:", False),
    ("VAL020", ".github/workflows/o.yml", OWN_BRANCH, "o.yml:7:", True),
    ("VAL020", ".github/workflows/t.yml", NO_BRANCH, "t.yml:7:", True),
    ("VAL020", ".github/workflows/p.yml", OTHERS_BRANCH, "p.yml:7:", False),
    ("VAL020", ".github/workflows/u.yml", OF_TAGS, "u.yml:1:", True),
    ("VAL020", ".github/workflows/w.yml", OF_RELEASES, "w.yml:1:", True),
    ("VAL020", ".github/workflows/v.yml", OF_PATHS, "v.yml:1:", False),
    ("VAL022", ".github/workflows/c.yml", OWN_BRANCH, "c.yml:7:", True),
    ("VAL022", ".github/workflows/e.yml", NO_BRANCH, "e.yml:7:", True),
    ("VAL022", ".github/workflows/d.yml", OTHERS_BRANCH, "d.yml:7:", False),
    ("VAL022", ".github/workflows/a.yml", INJECTED, "a.yml:7:", False),
    ("VAL022", ".github/workflows/b.yml", CALLED, "b.yml:7:", True),
)
#: What a program takes for a mistake, and what reads it does not.
TAKEN = {
    "VAL003": {
        "part.sh": "set -u\necho part\n",
        "of-another-shell.sh": "#!/usr/bin/env zsh\nfor f (*.h) echo $f\n",
        "roles/a/templates/b.sh": "#!/bin/sh\n{% if a %}\necho a\n{% endif %}\n",
        "filled-by-flux.sh": '#!/bin/bash\nhost=$${HOST:-web}\nanswer=$$(curl "$${host}")\n',
    },
    "VAL004": {
        "a/Dockerfile": """\
FROM r.example/windows/servercore:1809
SHELL ["powershell", "-Command"]
RUN (New-Object System.Net.WebClient).DownloadFile($env:URL, 'a.msi')
""",
        "b/Dockerfile": "FROM r.example/go:1-nanoserver-1809\nRUN if exist a ( del a )\n",
    },
    "VAL020": {
        ".github/workflows/a.yml": """\
on: push
jobs:
  made:
    runs-on: ubuntu-24.04
    outputs: {of: "${{ steps.a.outputs.of }}"}
    steps: [{id: a, run: make list}]
  a:
    needs: made
    strategy: ${{ fromJSON(needs.made.outputs.of) }}
    runs-on: ${{ matrix.os }}
    steps: [{run: make}]
""",
        ".github/workflows/b.yml": """\
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    services: {db: {image: "postgres:17", ports: [5432]}}
    steps: [{run: make, env: {PORT: "${{ job.services.db.ports[5432] }}"}}]
""",
    },
}


def need(gate):
    """Skip a test whose program is not on this machine, and say how to get it."""
    try:
        programs.find(NEEDS[gate])
    except Skip as skip:
        pytest.skip(str(skip))


def judged(gate, given, folder_, monkeypatch):
    need(gate)
    monkeypatch.chdir(folder_)
    for name, text in given.items():
        (folder_ / name).parent.mkdir(parents=True, exist_ok=True)
        (folder_ / name).write_text(text)
    return folder.judge(Path(), TODAY, [GATES[gate]], lambda _: Suppressions())


@pytest.mark.parametrize("case", FOREIGN, ids=lambda case: f"{case[0]}-{case[1]}")
def test_files_without_a_model_are_shown_to_the_program_as_well(case, tmp_path, monkeypatch):
    gate, name, text, where, is_warning = case
    report = judged(gate, {name: text}, tmp_path, monkeypatch)
    found = [finding for finding in report.findings if where in finding.where]
    assert found, report
    # A program may warn of the same line, too.
    assert all(finding.warning for finding in found) == is_warning


@pytest.mark.parametrize("gate", TAKEN)
def test_what_a_program_cannot_read_and_others_can_is_no_finding(gate, tmp_path, monkeypatch):
    assert judged(gate, TAKEN[gate], tmp_path, monkeypatch).findings == ()


def test_a_file_on_which_hadolint_crashes_is_told_and_the_others_are_judged(tmp_path, monkeypatch):
    given = {"a/Dockerfile": "FROM alpine:3.22\nWORKDIR a\n", "b/Dockerfile": "FROM alpine\n"}
    crashed, untagged = judged("VAL004", given, tmp_path, monkeypatch).findings
    assert "hadolint crashes on this file, so it is not judged (hadolint: " in crashed.what
    assert (crashed.where, crashed.warning) == ("a/Dockerfile", True)
    assert untagged.where == "b/Dockerfile:1:1"


def test_a_pattern_of_branches_is_said_once_for_its_line(tmp_path, monkeypatch):
    said = ALWAYS.replace("on: push", r"on: {push: {branches: ['r/\d+.\d+', 'r/\d']}}")
    report = judged("VAL020", {".github/workflows/a.yml": said}, tmp_path, monkeypatch)
    assert [one.where.split(":")[1] for one in report.findings if "(glob)" in one.what] == ["1"]


def test_a_port_that_is_exposed_as_one_publishes_it_is_a_warning(tmp_path, monkeypatch):
    given = {
        "a/Dockerfile": "FROM alpine:3.22\nEXPOSE 8017:8017\n",
        "b/Dockerfile": "FROM alpine:3.22\nEXPOSE 80172\n",
        "c/Dockerfile": "FROM alpine:3.22\nCOPY <<'E' /run.sh\n: ${A:=1}\nE\nRUN\n",
        "d/Dockerfile": "FROM alpine:3.22\nUSER 1\nRUN\n",
        "e/Dockerfile": "FROM alpine:3.22\nRUN true && \\\n cat <<'E' >/a\n[user]\nE\nRUN true\n",
        "f/Dockerfile": "FROM alpine:3.22\nUSER 1\nRUN --mount=from=b ls\n",
        "g/Dockerfile": "FROM alpine:3.22\nUSER 1\nRUN --mount=type=cache ls\n",
        "h/Dockerfile": "FROM alpine:3.22\nHEALTHCHECK --interval=1m30s CMD ls\nUSER 1\n",
        "i/Dockerfile": "FROM alpine:3.22\nHEALTHCHECK --interval=1m30 CMD ls\nUSER 1\n",
    }
    report = judged("VAL004", given, tmp_path, monkeypatch)
    said = {one.where: one.warning for one in report.findings}
    assert (said["a/Dockerfile:2:12"], said["b/Dockerfile:2:1"]) == (True, False)
    broken = {one.where[0]: one.warning for one in report.findings if "DL1000" in one.what}
    assert {name for name in "cdefghi" if broken[name]} == {"c", "e", "f", "h"}


ALWAYS = """\
on: push
permissions: {}
jobs:
  a:
    if: |
      github.ref == 'a' || ${{ github.event.b == 'true' }}
    runs-on: ubuntu-24.04
    steps: [{run: make}]
"""


def test_what_two_programs_say_of_one_line_is_said_once(tmp_path, monkeypatch):
    need("VAL020")
    need("VAL022")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".github/workflows/a.yml").write_text(ALWAYS)
    both = [GATES["VAL020"], GATES["VAL022"]]
    report = folder.judge(Path(), TODAY, both, lambda _: Suppressions())
    (said,) = (finding for finding in report.findings if "always" in finding.what)
    assert (said.gate, said.warning) == ("VAL020", False)


TITLED = """\
on: pull_request_target
permissions: {}
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - run: |
          make
          echo "${{ github.event.pull_request.title }}"
      - run: echo "${{ github.event.pull_request.body }}"
"""


def test_an_untrusted_input_is_told_once_where_it_stands(tmp_path, monkeypatch):
    need("VAL020")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".github/workflows/a.yml").write_text(TITLED)
    both = [GATES["VAL020"], GATES["PIP004"]]
    found = folder.judge(Path(), TODAY, both, lambda _: Suppressions()).findings
    assert [(one.gate, one.where.split(":")[1]) for one in found] == [
        ("PIP004", "10"),
        ("PIP004", "9"),
    ]


@pytest.mark.parametrize("program", ["kube-score", "checkov", "shellcheck", "hadolint"])
def test_every_exception_has_a_reason(program):
    assert all(len(why) > len("The same") for why in programs.exceptions(program).values())

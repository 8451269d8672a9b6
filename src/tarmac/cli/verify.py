"""`tarmac verify`: run all checks, and report the evidence for each checklist item."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from tarmac.base.errors import BadInput, Problem
from tarmac.cli import _gates, _project, _verify
from tarmac.cli._waiting import waiting

SECTION = "Check"


@click.command("verify", short_help="Run all checks and report the evidence.")
@_project.namespace_option
@click.argument("given", nargs=-1, metavar="[SYSTEM]")
@click.option("--env", "environment", metavar="ENV", help="The environment to check; default: all.")
@click.option("--phase", metavar="PHASE", help="Only checklist items and gates of this phase.")
@_verify.target_options
@click.option(
    "--tree",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The rendered tree to check; default: deploy/ENV beside the model, if it exists.",
)
@click.option(
    "--in-memory",
    is_flag=True,
    help=(
        "Check the model's rendered files in memory, not the tree on disk; run no external program."
    ),
)
@_verify.files_options
@click.option(
    "--junit",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Read test results from pytest's --junitxml file.",
)
@click.option("--ready", is_flag=True, help="Fail unless every checklist item passes.")
@click.option("--strict", is_flag=True, help="Also fail on skipped or stale results.")
@_verify.output_options
@click.option("--explain", "gate", metavar="ID", help="Explain a gate, such as NET001; run none.")
@click.option(
    "--date",
    type=click.DateTime(("%Y-%m-%d",)),
    metavar="YYYY-MM-DD",
    help="Use this date instead of today.",
)
@_project.json_option
def VERB(
    given: tuple[str, ...],
    namespace: str,
    environment: str | None,
    phase: str | None,
    target: str,
    context: str | None,
    tree: Path | None,
    files: Path | None,
    changed: str | None,
    junit: tuple[Path, ...],
    written: str,
    fail_on: str,
    gate: str | None,
    date: datetime | None,
    *,
    ready: bool,
    strict: bool,
    in_memory: bool,
    fix: bool,
    diff: bool,
    debug: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Run all gates on SYSTEM's environments, and report the evidence for each checklist item.

    The tree that `tarmac render` wrote is checked on disk, also by installed external programs;
    without a tree, the model is rendered in memory. A gate without input is not applicable, which
    proves nothing. Exit code 1 if anything fails.

    With --ready every open checklist item fails as well, and the steps that close it are listed
    last. Observations that only people can make are recorded in the item, under `attestation`.

    With --target cluster the running objects are checked as well: drift by field, pods and their
    probes, images, ingress certificates. That evidence is observed@cluster; the cluster is not
    changed.

    With --files a folder, files (`--files a.yaml b.yaml`) or standard input (`-`) are checked as is
    by all gates that need no plan. Findings are suppressed by a suppressions.yaml in the folder, or
    in their place by a comment, `tarmac: ignore[NET001] REASON`. --fix corrects some.

    Example: tarmac verify shop --env production --phase kubernetes
    """
    if gate is not None:
        _gates.explain(gate, as_json=as_json or written == "json")
        return
    from tarmac.check.verify.verify import VerifyOptions, verify

    if fix or diff:
        _verify.check_fix(files, prints=diff and as_json)
    if context is not None and target != "cluster":
        raise BadInput([Problem("--context", "needs a cluster; add --target cluster")])
    system, paths = _verify.split(given, files)
    with _verify.named_files(paths) as (folder, only, prefix):
        options = VerifyOptions(
            file=_project.find(system) if system or files is None else None,
            today=date.date() if date else datetime.now(UTC).date(),
            environment=environment,
            phase=phase,
            namespace=namespace if target == "local" else None,
            cluster=target == "cluster",
            context=context,
            tree=tree,
            in_memory=in_memory,
            junit=junit,
            files=folder,
            only=only,
            changed=changed,
            ready=ready,
        )
        with waiting("verifying"):
            report = verify(options)
        if fix or diff:
            report = _verify.fix(report, lambda: verify(options), write=fix)
        report = _verify.without(report, prefix)
    form = "json" if as_json else written
    _verify.print_report(report, form, fail_on, debug=debug, strict=strict, verbose=verbose)

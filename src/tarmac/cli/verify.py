"""`tarmac verify`: run all checks, and report the evidence for each checklist item."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from tarmac.cli.output import gates
from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project, verify_options

SECTION = "Check"


@click.command("verify", short_help="Run all checks and report the evidence.")
@project.namespace_option
@click.argument("given", nargs=-1, metavar="[SYSTEM]")
@click.option("--env", "environment", metavar="ENV", help="The environment to check; default: all.")
@click.option("--phase", metavar="PHASE", help="Only checklist items and gates of this phase.")
@verify_options.target_options
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
@verify_options.files_options
@click.option(
    "--junit",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Read test results from pytest's --junitxml file.",
)
@click.option("--ready", is_flag=True, help="Fail unless every checklist item passes.")
@click.option("--strict", is_flag=True, help="Also fail on skipped or stale results.")
@verify_options.output_options
@click.option("--explain", "gate", metavar="ID", help="Explain a gate, such as NET001; run none.")
@click.option(
    "--date",
    type=click.DateTime(("%Y-%m-%d",)),
    metavar="YYYY-MM-DD",
    help="Use this date instead of today.",
)
@project.json_option
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
        gates.explain(gate, as_json=as_json or written == "json")
        return
    from tarmac.check.verify.verify import VerifyOptions, verify

    if fix or diff:
        verify_options.check_fix(files, prints=diff and as_json)
    verify_options.check_target(target, context)
    system, paths = verify_options.split(given, files)
    with verify_options.named_files(paths) as (folder, only, prefix):
        options = VerifyOptions(
            file=project.find(system) if system or files is None else None,
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
            report = verify_options.fix(report, lambda: verify(options), write=fix)
        report = verify_options.without(report, prefix)
    form = "json" if as_json else written
    verify_options.print_report(report, form, fail_on, debug=debug, strict=strict, verbose=verbose)

"""What AWS is to read of a message or an answer is where the program writes it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig, fields, numbered
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import text_on_disk
from tarmac.check.gates.views.program_texts import program_texts
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks
from tarmac.check.gates.views.terraform.resources import Resources, argument, resources_of

_ARCHIVE = re.compile(r"\bdata\.archive_file\.(\w+)\.output_path\b")
_HANDLER = re.compile(r'"([\w./-]+)\.\w+"')
_ENDINGS = (".py", ".js", ".mjs", ".cjs", ".ts", ".rb")
_ANSWERS = re.compile(
    r"\bbatchItemFailures\b|\bprocess_partial_response\b|\bprocessPartialResponse\b"
)
_KEY = re.compile(r"\s*\"?([A-Za-z_][\w-]*)\"?\s*[=:]\s*\[")
_PUBLISHES = re.compile(r"\bTopicArn\b")
_LARGEST = 500_000


class BatchReader(NamedTuple):
    """A function that answers which messages of a batch failed, and what hands them to it."""

    mapping: TerraformBlock
    function: TerraformBlock
    file: str


def check(files: Files) -> Iterator[Finding]:
    """Yield answers that Lambda does not read, and filters of what is elsewhere in a message."""
    yield from _of_framework(files)
    archives = {one.names[2]: one for one in blocks(files) if one.names[1:2] == ("archive_file",)}
    for root in resources_of(files):
        for one in _answering(files, root, archives):
            what = f"{one.function.names[2]} answers with batchItemFailures ({one.file}), and"
            said = f"{what} {one.mapping.names[2]} does not ask for that: the failed messages count"
            advice = 'as done; write function_response_types = ["ReportBatchItemFailures"]'
            line = argument(one.mapping, "function_name")[0]
            yield Finding(f"{one.mapping.file}:{line}", f"{said} {advice}")
        for block in root.of("aws_sns_topic_subscription"):
            yield from _filtered(files, block)


def _answering(
    files: Files, root: Resources, archives: dict[str, TerraformBlock]
) -> Iterator[BatchReader]:
    for mapping in root.of("aws_lambda_event_source_mapping"):
        function = root.named(mapping, "function_name", "aws_lambda_function")
        if function is None or argument(mapping, "function_response_types")[0]:
            continue
        archive = archives.get(_name(_ARCHIVE, argument(function, "filename")[1]))
        handler = _HANDLER.fullmatch(argument(function, "handler")[1])
        if archive is None or handler is None:
            continue
        if path := _answers(files, _paths(archive, handler[1])):
            yield BatchReader(mapping, function, path)


def _answers(files: Files, paths: Iterable[str]) -> str:
    """Return the first of some paths whose program says which messages failed; "" without one."""
    for path in paths:
        if _ANSWERS.search(text_on_disk(files, path, _LARGEST) or ""):
            return path
    return ""


def _of_framework(files: Files) -> Iterator[Finding]:
    """Yield the same of functions of the Serverless Framework."""
    for artifact, name, function in _functions(files):
        module = str(function.get("handler")).rpartition(".")[0]
        folder = posixpath.dirname(artifact.path)
        paths = [posixpath.normpath(posixpath.join(folder, f"{module}{e}")) for e in _ENDINGS]
        for number, event in numbered(function, "events"):
            batch = next((event[key] for key in ("sqs", "stream") if key in event), None)
            is_told = batch is None or dig(batch, "functionResponseType") is not None
            path = "" if is_told else _answers(files, paths)
            if path:
                what = (
                    f"{name} answers with batchItemFailures ({path}), and this event does not ask"
                )
                said = f"{what} for that: the failed messages count as done; write"
                where = artifact.at("functions", name, "events", number)
                yield Finding(where, f"{said} functionResponseType: ReportBatchItemFailures")


def _functions(files: Files) -> Iterator[tuple[Artifact, str, Fields]]:
    for artifact in files.artifacts:
        if posixpath.basename(artifact.path) in ("serverless.yml", "serverless.yaml"):
            for name, function in fields(artifact.data, "functions").items():
                if isinstance(function, Mapping):
                    yield artifact, str(name), function


def _name(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _paths(archive: TerraformBlock, module: str) -> Iterator[str]:
    """Yield where the file of a handler may be, as an archive is made."""
    for key in ("source_file", "source_dir"):
        text = argument(archive, key)[1].strip('"').replace("${path.module}", ".")
        if text and "$" not in text:
            path = posixpath.normpath(posixpath.join(posixpath.dirname(archive.file), text))
            names = [posixpath.join(path, f"{module}{ending}") for ending in _ENDINGS]
            yield from [path] if key == "source_file" else names


def _filtered(files: Files, block: TerraformBlock) -> Iterator[Finding]:
    """Yield filters by attributes, where all that publishes here writes into the body alone."""
    line, text = argument(block, "filter_policy")
    if not line or argument(block, "filter_policy_scope")[0] or "{" not in text:
        return
    inside = [told for number, told in block.lines if number >= line]
    inside[0] = text.partition("{")[2]
    keys = [found[1] for told in inside if (found := _KEY.match(told))]
    publishers = [one for one in program_texts(files) if _PUBLISHES.search(one.text)]
    if any("MessageAttributes" in one.text for one in publishers):
        return
    for key in keys[:1]:
        named = [one for one in publishers if re.search(rf"[\"'{{\s,]{key}[\"']?\s*[:=]", one.text)]
        if named:
            what = f"{block.names[2]} is filtered by {key} of the message's attributes, and"
            said = f"{what} {named[0].path.name} writes it into the body alone: nothing arrives;"
            advice = 'write filter_policy_scope = "MessageBody"'
            yield Finding(f"{block.file}:{line}", f"{said} {advice}", warning=True)


def _judged(files: Files) -> Iterator[object]:
    yield from _functions(files)
    kinds = ("aws_lambda_event_source_mapping", "aws_sns_topic_subscription")
    yield from (one for one in blocks(files) if one.names[1:2] and one.names[1] in kinds)


GATE = Gate(
    id="INF055",
    title="What AWS is to read of a message or an answer is where the program writes it",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-"
    "sqs-batchfailurereporting; https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering-"
    "scope.html: by itself a filter is compared with the attributes of a message",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("readers of messages", _judged),
    reads="aws_lambda_event_source_mapping and events of serverless.yml beside the handler, and "
    "filters of aws_sns_topic_subscription beside the programs of the folder that publish. Others "
    "may publish, too, so a filter is a warning.",
)

"""The same files in parts: what a gate finds in one file it finds where several make it up.

Each function takes files apart, by path, and returns None where there is nothing to take apart.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml
from other_forms import values_in_locals

Texts = Mapping[str, str]
_FROM = re.compile(r"(?im)^FROM[ \t]+(.+?)([ \t]+AS[ \t]+\S+)?[ \t]*$")
_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
#: What a step of an action may have; a job's may have more.
_STEP = {"name", "run", "uses", "with", "env", "shell", "if"}


def _compose_files(files: Texts) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, text in files.items():
        if name.endswith((".yaml", ".yml")) and "{{" not in text:
            try:
                data = yaml.safe_load(text)
            except yaml.YAMLError:
                continue
            services = data.get("services") if isinstance(data, dict) else None
            if isinstance(services, dict) and all(isinstance(v, dict) for v in services.values()):
                yield name, data


def _beside(name: str, other: str) -> str:
    return posixpath.join(posixpath.dirname(name), other)


def services_extended(files: Texts) -> Texts | None:
    """Have each service of a Compose file extend one of another file, which has all but its own."""
    found = dict(files)
    for name, data in _compose_files(files):
        common, place = dict[str, Any](), f"common-{posixpath.basename(name)}"
        for service, said in data["services"].items():
            own = {key: said[key] for key in ("depends_on", "profiles") if key in said}
            common[service] = {key: value for key, value in said.items() if key not in own}
            there = {"file": place, "service": service}
            data["services"][service] = {"extends": there, **own}
        found[name] = yaml.safe_dump(data, sort_keys=False, width=1000)
        made = yaml.safe_dump({"services": common}, sort_keys=False, width=1000)
        found[_beside(name, place)] = made
    return found if found != files else None


def compose_files_included(files: Texts) -> Texts | None:
    """Have a Compose file include another one, which has all of it."""
    found = dict(files)
    for name, _ in _compose_files(files):
        if posixpath.basename(name) in _NAMES:
            found[_beside(name, "stack.yaml")] = files[name]
            found[name] = "include:\n  - path: [stack.yaml]\n"
    return found if found != files else None


def variables_in_lists(files: Texts) -> Texts | None:
    """Write the variables of a service as a list, and a list of them as a mapping."""
    found = dict(files)
    for name, data in _compose_files(files):
        for said in data["services"].values():
            given = said.get("environment")
            if isinstance(given, dict):
                said["environment"] = [_assigned(*one) for one in given.items()]
            elif isinstance(given, list) and all(isinstance(one, str) for one in given):
                pairs = [one.partition("=") for one in given]
                said["environment"] = {key: value if sign else None for key, sign, value in pairs}
        found[name] = yaml.safe_dump(data, sort_keys=False, width=1000)
    return found if found != files else None


def _assigned(name: str, value: Any) -> str:
    if value is None:
        return name
    return f"{name}={str(value).lower() if isinstance(value, bool) else value}"


def steps_in_actions(files: Texts) -> Texts | None:
    """Move a job's steps behind its checkout into an action of the repository itself."""
    found = dict(files)
    for name, text in files.items():
        try:
            data = yaml.safe_load(text) if ".github/workflows/" in name else None
        except yaml.YAMLError:
            continue
        moved = False
        for job, said in (data or {}).get("jobs", {}).items():
            steps = said.get("steps") if isinstance(said, dict) else None
            first, *rest = steps or [None]
            is_plain = all(isinstance(one, dict) and one.keys() <= _STEP for one in rest)
            if rest and is_plain and "checkout" in str(first.get("uses")):
                made = [{"shell": "bash", **one} if "run" in one else one for one in rest]
                action = {"name": job, "runs": {"using": "composite", "steps": made}}
                place = f".github/actions/{job}"
                root = name.partition(".github/")[0]
                found[f"{root}{place}/action.yaml"] = yaml.safe_dump(action, sort_keys=False)
                said["steps"] = [first, {"uses": f"./{place}"}]
                moved = True
        if moved:
            found[name] = yaml.safe_dump(data, sort_keys=False, width=1000)
    return found if found != files else None


def jobs_called(files: Texts) -> Texts | None:
    """Move the jobs of a workflow into another one of the repository, which it calls."""
    found = dict(files)
    for name, text in files.items():
        is_one = ".github/workflows/" in name and "/" not in name.rpartition("workflows/")[2]
        is_whole = not any(word in text for word in ("secrets.", "inputs.", "workflow_call"))
        try:
            data = yaml.safe_load(text) if is_one and is_whole else None
        except yaml.YAMLError:
            continue
        if isinstance(data, dict) and isinstance(data.get("jobs"), dict):
            place = f".github/workflows/called-{posixpath.basename(name)}"
            moved = {key: data.pop(key) for key in ("env", "defaults", "jobs") if key in data}
            # YAML 1.1 reads the key `on` as true.
            on = data.pop(True, data.pop("on", None))
            called = {"name": "called", "on": {"workflow_call": {}}, **moved}
            root = name.partition(".github/")[0]
            found[f"{root}{place}"] = yaml.safe_dump(called, sort_keys=False, width=1000)
            calling = {**data, "on": on, "jobs": {"all": {"uses": f"./{place}"}}}
            found[name] = yaml.safe_dump(calling, sort_keys=False, width=1000)
    return found if found != files else None


def values_in_arguments(files: Texts) -> Texts | None:
    """Move resources of Terraform into a module of the folder, which is given their values."""
    changed = values_in_locals(files)
    if changed is None:
        return None
    entry, found = re.compile(r"^  (made_\d+) = (.*)$", re.MULTILINE), dict[str, str]()
    for name, text in changed.items():
        folder, base = posixpath.split(name)
        if base.endswith("_made.tf"):
            inner = f"inner_{re.sub(r'[^a-z]', '_', base)}"
            values = entry.findall(text)
            given = "".join(f"  {key} = {value}\n" for key, value in values)
            found[name] = f'module "{inner}" {{\n  source = "./inner"\n{given}}}\n'
            variables = "".join(f'variable "{key}" {{\n  type = string\n}}\n' for key, _ in values)
            found[posixpath.join(folder, "inner", base)] = variables
        elif "local.made_" in text:
            moved = posixpath.join(folder, "inner", base)
            found[moved] = text.replace("local.made_", "var.made_")
        else:
            found[name] = text
    return found


def pipelines_included(files: Texts) -> Texts | None:
    """Have a pipeline of GitLab include another file, which has all of it."""
    found = dict(files)
    for name, text in files.items():
        if posixpath.basename(name) == ".gitlab-ci.yml":
            place = _beside(name, "ci/all.yml")
            found[place] = text
            found[name] = f"include:\n  - local: /{place}\n"
    return found if found != files else None


def jobs_extended(files: Texts) -> Texts | None:
    """Have each job of GitLab extend a template, which has all of it."""
    found = dict(files)
    for name, text in files.items():
        is_one = posixpath.basename(name) == ".gitlab-ci.yml" and not (
            "<<" in text or "!reference" in text
        )
        data = yaml.safe_load(text) if is_one else None
        if isinstance(data, dict):
            made = dict[str, Any]()
            for job, said in data.items():
                is_job = isinstance(said, dict) and "script" in said and "extends" not in said
                if not is_job or job.startswith("."):
                    made[job] = said
                else:
                    made |= {f".base-{job}": said, job: {"extends": f".base-{job}"}}
            found[name] = yaml.safe_dump(made, sort_keys=False, width=1000)
    return found if found != files else None


def bases_in_stages(files: Texts) -> Texts | None:
    """Have the last stage of a Dockerfile begin from one that has its base alone."""
    found = dict(files)
    for name, text in files.items():
        if posixpath.basename(name).startswith("Dockerfile"):
            *_, last = [None, *_FROM.finditer(text)]
            if last is not None:
                begun = f"FROM {last[1]} AS made-base\n\nFROM made-base{last[2] or ''}"
                found[name] = f"{text[: last.start()]}{begun}{text[last.end() :]}"
    return found if found != files else None


#: Each form by its name.
FORMS: dict[str, Callable[[Texts], Texts | None]] = {
    "services extended": services_extended,
    "Compose files included": compose_files_included,
    "variables in lists": variables_in_lists,
    "steps in actions": steps_in_actions,
    "jobs called": jobs_called,
    "values in arguments": values_in_arguments,
    "pipelines included": pipelines_included,
    "jobs extended": jobs_extended,
    "bases in stages": bases_in_stages,
}

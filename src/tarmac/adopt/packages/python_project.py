"""Whether a project's own package can be made, or only the packages that it lists be installed."""

from __future__ import annotations

import re

from tarmac.adopt.survey.found import Folder

#: Hatch is told what the package has.
_TOLD = re.compile(
    r"(?m)^\[tool\.hatch\.build(?:\.targets\.wheel(?:\.\w[\w.-]*)?)?\]|^\[tool\.hatch\.build\.hooks"
)
_BY_HATCH = re.compile(r"(?m)^build-backend\s*=\s*['\"]hatchling\.build['\"]")
_NAME = re.compile(r"(?m)^name\s*=\s*['\"]([\w.-]+)['\"]")
_BY_SETUPTOOLS = re.compile(r"(?m)^build-backend\s*=\s*['\"]setuptools\.build_meta")
#: Setuptools is told, or finds its packages in a place of their own.
_SAYS_PACKAGES = re.compile(r"(?m)^\[tool\.setuptools\b|^py-modules\s*=|^packages\s*=")
#: Folders that setuptools takes for no package.
_ASIDE = re.compile(
    r"(?:ci|bin|debian|docs?|documentation|manpages|news|newsfragments|changelog|tests?|"
    r"examples?|scripts|tools|utils?|python|build|benchmarks?|exercises|htmlcov|tasks|\w+\.egg-info)$"
)


def makes_package(folder: Folder) -> bool:
    """Tell whether the tool that a project names finds a package to make of its folder."""
    text = folder.read("pyproject.toml")
    name = _NAME.search(text)
    if not re.search(r"(?m)^\[project\]", text):
        return True
    if _BY_HATCH.search(text) and name and not _TOLD.search(text):
        plain = re.sub(r"[-.]", "_", name[1]).lower()
        files = {file.lower() for file in folder.files}
        own = {f"{plain}/__init__.py", f"src/{plain}/__init__.py", f"{plain}.py"}
        ends = [f for f in files if f.endswith(f"/{plain}/__init__.py") and f.count("/") == 2]
        return bool(own & files) or len(ends) == 1
    if _is_setuptools(text) and not _SAYS_PACKAGES.search(text) and not folder.has(*_OLD):
        tops = {f.partition("/")[0] for f in folder.files if "/" in f}
        packages = {top for top in tops if top.isidentifier() and not _ASIDE.fullmatch(top)}
        return "src" in tops or len(packages) < 2
    return True


#: Files that tell setuptools what there is.
_OLD = ("setup.py", "setup.cfg")


def _is_setuptools(text: str) -> bool:
    """Tell whether setuptools makes the package: where nothing says what does, it is that."""
    return bool(_BY_SETUPTOOLS.search(text)) or "build-backend" not in text

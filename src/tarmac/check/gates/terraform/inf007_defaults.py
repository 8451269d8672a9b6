"""No variable of Terraform has a password or key as its default."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.placeholders import is_placeholder
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.settings import Setting, written_settings

SECRET = re.compile(
    r"(^|_)(password|passwd|secret|(?<!creation_)(?<!request_)token|api_key|secret_key|private_key|access_key)$"
)
#: What stands for a value that is still to be given, or for the name of one.
PLACEHOLDER = re.compile(r"^$|^<.*>$|^(null|true|false)$|^(arn:|/|\.{0,2}/|~|projects/)")
#: The place of a secret in a store of them: words between slashes, as Vault has them.
PLACE = re.compile(r"[a-z][a-z_.-]*(/[a-z][a-z0-9_.-]*)+")
#: A text that asks to be replaced; where it is not, the password is one that everyone knows.
TO_REPLACE = re.compile(
    r"(?-i:^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$)|^(my|example)[-_]"
    r"|^(uuid|foo|bar|foobar|changeit)=*$|^(none|unset|unused|unknown|n/?a|test|testing|fake|mock|local)$|only$",
    re.IGNORECASE,
)
#: A variable that says that it holds the name of a secret, or the place of one.
OF_NAME = re.compile(r"\b(path|name|file|location|arn)s? (of|to|in|for)\b", re.IGNORECASE)
#: A secret of Kubernetes is called by words, and a password seldom is.
NAME = re.compile(r"[a-z]+\d?[a-z]*(-[a-z0-9]+)+")
#: The name of a key in a secret: `db_password_secret_key`. Where one is, so are others beside it.
OF_KEY = re.compile(r"_(secret|password|token|id)_secret_key$")
KEY = re.compile(r"[a-z]+([_-][a-z]+)*")


def check(files: Files) -> Iterator[Finding]:
    """Yield defaults and values of tfvars that are secrets."""
    told = {
        (one.file, one.path[:2]): one.value or "" for one in written_settings(files) if _tells(one)
    }
    defaults = _defaults(files)
    keyed = {posixpath.dirname(one.file) for one in defaults if OF_KEY.search(_name(one))}
    for setting in defaults:
        name = _name(setting)
        value = setting.value or ""
        is_elsewhere = PLACEHOLDER.match(value) or PLACE.fullmatch(value)
        is_key = posixpath.dirname(setting.file) in keyed and name.endswith("_secret_key")
        if is_key and KEY.fullmatch(value):
            continue
        is_named = OF_NAME.search(told.get((setting.file, setting.path[:2]), ""))
        if SECRET.search(name) and not is_elsewhere and not is_named:
            what = f"{name} is written here, in every clone and in the state; leave it out, and"
            advice = f"give it as TF_VAR_{name} or read it from a store of secrets"
            may_be_name = name.endswith("secret") and NAME.fullmatch(value)
            is_open = bool(TO_REPLACE.search(value) or is_placeholder(value) or may_be_name)
            yield Finding(setting.where, f"{what} {advice}", warning=is_open)


def _name(setting: Setting) -> str:
    return setting.path[1] if setting.path[0] == "variable" else setting.name


def _tells(setting: Setting) -> bool:
    return setting.path[0] == "variable" and setting.path[2:] == ("description",)


def _defaults(files: Files) -> list[Setting]:
    """List the defaults of variables, and the values of tfvars files."""
    return [
        setting
        for setting in written_settings(files)
        if (setting.path[0] == "variable" and setting.path[2:] == ("default",))
        or (setting.file.endswith(".tfvars") and len(setting.path) == 1)
    ]


GATE = Gate(
    id="INF007",
    title="No variable of Terraform has a secret as its value",
    phase="security",
    source="https://developer.hashicorp.com/terraform/tutorials/configuration-language/"
    "sensitive-variables",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("defaults and values", _defaults),
    targets=("cluster",),
    reads="defaults of variables, and *.tfvars, whose name ends as those of passwords, tokens and "
    "keys do.",
)

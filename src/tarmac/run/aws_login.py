"""Which account and region of AWS the user's own login reaches, and whether it is the right one.

The AWS CLI is asked, since it knows how its user signs in: profiles, single sign-on, roles. Nothing
is changed, and no credential is read here.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass

from tarmac.base.errors import BadInput, MissingTool, Problem, TarmacError
from tarmac.base.installed import find_program
from tarmac.base.tools import how_to_get
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.organization import account_of
from tarmac.run.local.supervisor.checkup import ABSENT, OK, SILENT, Check

#: How long the CLI may take: it asks AWS, by a proxy or single sign-on where the user has one.
ANSWER_S = 30.0
#: The CLI's own default.
OUTPUT = "json"
#: The state of a login or a setting that is not the environment's.
ANOTHER = "another one"


@dataclass(frozen=True)
class Login:
    """The identity of the AWS CLI, and its two settings that commands depend on."""

    account: str
    arn: str
    user_id: str
    #: Empty where nothing sets one: the CLI then refuses most commands.
    region: str
    output: str


@dataclass(frozen=True)
class ExpectedLogin:
    """What an environment needs of a login."""

    environment: str
    #: Twelve digits; None: neither its registry nor an organization says it.
    account: str | None
    region: str


def wanted(plan: ClusterPlan) -> ExpectedLogin | None:
    """Read the account and region of an environment; None: it is not in AWS."""
    settings = plan.settings
    if settings.cloud != "aws" or settings.region is None:
        return None
    account = account_of(settings.registry)
    if account is None and plan.organization is not None:
        own = (one for one in plan.organization.accounts if one.name == plan.environment)
        account = next((one.number for one in own), None)
    return ExpectedLogin(plan.environment, account, settings.region)


def ask(region: str) -> Login:
    """Ask the AWS CLI for its identity and settings.

    Args:
        region: whose AWS is asked; without a region of its own the CLI would not answer.

    Raises:
        MissingTool: the CLI is not installed.
        TarmacError: it is not signed in, or AWS does not answer.
    """
    program = find_program("aws")
    if program is None:
        raise MissingTool(f"aws: not on PATH; {how_to_get('aws')}")
    said = answer(program, "sts", "get-caller-identity", "--region", region, "--output", "json")
    try:
        found = json.loads(said)
        account, arn, user = (str(found[key]) for key in ("Account", "Arn", "UserId"))
    except (ValueError, TypeError, KeyError):
        raise TarmacError(f"aws: its answer names no account ({said[:80]!r})") from None
    own = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    output = os.environ.get("AWS_DEFAULT_OUTPUT")
    return Login(
        account,
        arn,
        user,
        own or _setting(program, "region"),
        output or _setting(program, "output") or OUTPUT,
    )


def checks(needed: ExpectedLogin) -> list[Check]:
    """Compare the login with what an environment needs, for `tarmac doctor`."""
    feature = f"environment {needed.environment}"
    account = needed.account or ""
    try:
        login = ask(needed.region)
    except MissingTool as error:
        advice = str(error).partition("; ")[2]
        return [Check("aws", ABSENT, "", account, feature, advice, fails=True)]
    except TarmacError as error:
        said = str(error).partition(": ")[2]
        return [Check("AWS identity", SILENT, "", account, feature, said, fails=True)]
    return [
        _check("AWS identity", login.arn, account, feature, _account_wrong(login, needed)),
        _check("AWS region", login.region, needed.region, feature, _region_wrong(login, needed)),
        _check("AWS output", login.output, OUTPUT, feature, _output_wrong(login)),
    ]


def refuse_another(needed: ExpectedLogin) -> str:
    """Refuse a login of another account; return what could not be asked, empty if nothing.

    Raises:
        BadInput: the login is one of another account.
    """
    if needed.account is None:
        return f"no registry of ECR names the account of {needed.environment}"
    try:
        login = ask(needed.region)
    except TarmacError as error:
        return str(error)
    if said := _account_wrong(login, needed):
        raise BadInput([Problem("aws", said)])
    return ""


def answer(program: str, *argv: str) -> str:
    """Run the AWS CLI and return what it prints.

    Raises:
        TarmacError: it failed, with the last line of its words, or did not answer.
    """
    try:
        done = subprocess.run(
            [program, *argv],
            env={**os.environ, "AWS_PAGER": ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TarmacError(f"aws: no answer within {ANSWER_S:.0f} s; is AWS reached?") from None
    except OSError as error:
        raise TarmacError(f"aws: {error.strerror}") from None
    if done.returncode:
        raise TarmacError(f"aws: {_last(done.stderr) or f'exit code {done.returncode}'}")
    return done.stdout


def _check(name: str, found: str, floor: str, feature: str, wrong: str) -> Check:
    state = OK if not wrong else ANOTHER if found else ABSENT
    return Check(name, state, found, floor, feature, wrong, fails=bool(wrong))


def _account_wrong(login: Login, needed: ExpectedLogin) -> str:
    if needed.account in (None, login.account):
        return ""
    return (
        f"the login is of account {login.account}, and environment {needed.environment} is in "
        f"{needed.account}; choose another profile (AWS_PROFILE) or sign in to that account"
    )


def _region_wrong(login: Login, needed: ExpectedLogin) -> str:
    if login.region == needed.region:
        return ""
    return f"aws configure set region {needed.region}, or export AWS_REGION={needed.region}"


def _output_wrong(login: Login) -> str:
    return "" if login.output == OUTPUT else f"aws configure set output {OUTPUT}"


def _setting(program: str, name: str) -> str:
    """Read a setting of the CLI's profile; empty where it is not set."""
    try:
        return answer(program, "configure", "get", name).strip()
    except TarmacError:
        return ""


def _last(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")

"""Makes claims of what verify and drills found: each with its proof, its level and its target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tarmac.base.report import ItemResult, Result, Status
from tarmac.drill.drill import measured
from tarmac.reports.document import Claim
from tarmac.reports.drill_records import DrillRecord

#: What a status says to a lead, as the end of a sentence about something.
WORDS = {
    Status.PASS: "shown",
    Status.FAIL: "failed",
    Status.ERROR: "the check itself broke",
    Status.SKIPPED: "not shown on this machine",
    Status.STALE: "shown for another state of the model",
    Status.NEEDS_CLUSTER: "needs a cluster",
    Status.NEEDS_CLOUD: "needs a cloud or the internet",
    Status.NEEDS_PERSON: "needs a person",
    Status.NOT_YET: "not built yet",
    Status.NOT_APPLICABLE: "not applicable: there is nothing of its kind to judge",
}


def of_item(item: ItemResult) -> Claim:
    """Claim a checklist item."""
    runs = (proof.run for proof in item.proofs if proof.status is not Status.PASS)
    commands = () if item.status is Status.PASS else (*runs, item.command)
    return Claim(
        f"{item.id}. {item.title}",
        item.status,
        item.reached,
        tuple(dict.fromkeys(map(proof_words, item.proofs))),
        "" if item.status is Status.PASS else item.why or item.remedy,
        tuple(dict.fromkeys(filter(None, commands))),
    )


def of_requirement(name: str, judged: tuple[Result, ...], commands: Iterable[str] = ()) -> Claim:
    """Claim a requirement.

    Args:
        judged: its own result, then those of its proofs.
        commands: what shows it where it runs.
    """
    own, *proofs = judged
    is_shown = own.status is Status.PASS
    runs = (proof.run for proof in proofs if proof.status is not Status.PASS)
    return Claim(
        f"{name}: {own.title}",
        own.status,
        own.reached if own.target else "",
        tuple(dict.fromkeys(map(proof_words, proofs))),
        "" if is_shown else own.why or "nothing proves it",
        () if is_shown else tuple(dict.fromkeys(filter(None, (*runs, *commands)))),
    )


def of_gate(result: Result, called: str) -> Claim:
    """Claim what a gate says of an environment."""
    is_shown = result.status is Status.PASS
    again = f"tarmac verify {called} --env {result.environment}"
    return Claim(
        f"{result.what.partition(':')[2]}: {result.title}",
        result.status,
        result.reached if is_shown else "",
        (proof_words(result),),
        "; ".join(str(finding) for finding in result.findings) or ("" if is_shown else result.why),
        () if result.status in (Status.PASS, Status.NOT_APPLICABLE) else (again,),
    )


def of_drill(record: DrillRecord) -> Claim:
    """Claim what the last run of a drill has shown."""
    kept = record.evidence
    broken = (
        f"{rule['what']}: {measured(rule['measured'], rule['limit'])}"
        for rule in record.rules
        if not rule["holds"]
    )
    proof = f"drill {record.name}: {record.verdict}"
    if kept is not None:
        proof += f" on {record.day}, on {kept.target}; `{kept.command}` repeats it"
    is_shown = record.status is Status.PASS
    return Claim(
        f"{record.name}: {record.file.title}",
        record.status,
        f"observed@{kept.target}" if kept is not None and is_shown else "",
        (proof,),
        "; ".join(broken) if kept else "no run has been recorded",
        () if is_shown else (record.command,),
    )


def proof_words(proof: Result) -> str:
    """Name a proof, and say what came of it, where and when."""
    if terms := proof.attestation:
        until = f"{proof.level.name.lower()}@{proof.target} until {terms.until}"
        return f"attested on {terms.day} by {terms.by} ({until}): {proof.title} {proof.evidence}"
    kind, _, name = proof.what.partition(":")
    said = WORDS[proof.status]
    if kind == "gate":
        said = "passes" if proof.status is Status.PASS else said
        where = f" in {proof.environment}" if proof.environment else ""
        is_known = proof.status in (Status.PASS, Status.FAIL)
        count = f" ({proof.unit} judged: {proof.judged})" if proof.judged and is_known else ""
        return f"gate {name}: {said}{where}{count}"
    if kind == "requirement":
        so_far = "" if proof.status is Status.PASS else "so far "
        own = f" ({so_far}{proof.reached})" if proof.target else ""  # one that is open has none
        return f"requirement {name}, {proof.title}: {said}{own}"
    if proof.day:
        with_other = f", {proof.title}" if proof.title else ""
        return f"{kind} `{name}`: passed on {proof.day}{with_other}"
    if proof.status is Status.PASS:
        return f"{kind} `{name}`: passed here ({proof.reached})"
    return f"{kind} `{name}`: {said}"


def count(claims: Iterable[Claim]) -> str:
    """Count claims by their status, in words: `shown: 2; needs a cluster: 1`."""
    counted = Counter(claim.status for claim in claims)
    return "; ".join(f"{WORDS[one]}: {counted[one]}" for one in Status if counted[one])

"""One result of the doctor: a verdict, what was seen, and, unless all is well, the cause and the cure. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["OK", "WARN", "FAIL", "SKIP"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says.

    Attributes:
        name: short, the same on every machine.
        verdict: OK; WARN: it works, but not well; FAIL: it cannot work so; SKIP: does not apply, or was not
        asked for. seen: what is the case. cause: why that is bad. cure: what to do.
    """

    name: str
    verdict: Severity
    seen: str
    cause: str = ""
    cure: str = ""

    def to_dict(self) -> dict[str, str]:
        """JSON-safe."""
        return asdict(self)


def ok(name: str, seen: str) -> Finding:
    """All is well."""
    return Finding(name, "OK", seen)


def warn(name: str, seen: str, cause: str, cure: str) -> Finding:
    """It works, but not well."""
    return Finding(name, "WARN", seen, cause, cure)


def fail(name: str, seen: str, cause: str, cure: str) -> Finding:
    """It cannot work so."""
    return Finding(name, "FAIL", seen, cause, cure)


def skip(name: str, why: str) -> Finding:
    """Does not apply here, or was not asked for."""
    return Finding(name, "SKIP", why)


def report(findings: Iterable[Finding], *, colour: bool = False) -> str:
    """The findings as lines; cause and cure below those that are not well."""
    colours = {"OK": "\033[32m", "WARN": "\033[33m", "FAIL": "\033[31m", "SKIP": "\033[2m"} if colour else {}
    lines = []
    for finding in findings:
        start, end = (colours[finding.verdict], "\033[0m") if colours else ("", "")
        lines.append(f"{start}{finding.verdict:<5}{end}{finding.name:<12} {finding.seen}")
        if finding.cause:
            lines.append(f"{'':<18}{finding.cause}")
        lines += [f"{'':<18}-> {line}" for line in finding.cure.splitlines()]
    return "\n".join(lines)


def summary(findings: Sequence[Finding]) -> str:
    """One line that counts."""
    count = {
        verdict: sum(finding.verdict == verdict for finding in findings) for verdict in ("OK", "WARN", "FAIL")
    }
    return f"{count['OK']} fine, {count['WARN']} to look at, {count['FAIL']} in the way"

"""One finding of the doctor: its severity, what was seen, and, unless it is OK, cause and cure. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

CheckResult = Literal["OK", "WARN", "FAIL", "SKIP"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        name: short, the same on every machine. verdict: OK; WARN: it works, but not well; FAIL: it does not work;
        SKIP: does not apply, or was not asked for. seen: what was found. cause: why that is a problem. cure: what
        to do.
    """

    name: str
    verdict: CheckResult
    seen: str
    cause: str = ""
    cure: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the fields, JSON-safe."""
        return asdict(self)


def ok(name: str, seen: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(name, "OK", seen)


def warn(name: str, seen: str, cause: str, cure: str) -> Finding:
    """Return a finding that it works, but not well."""
    return Finding(name, "WARN", seen, cause, cure)


def fail(name: str, seen: str, cause: str, cure: str) -> Finding:
    """Return a finding that it does not work."""
    return Finding(name, "FAIL", seen, cause, cure)


def skip(name: str, why: str) -> Finding:
    """Return a finding that a check does not apply, or was not asked for."""
    return Finding(name, "SKIP", why)


def report(findings: Iterable[Finding], *, colour: bool = False) -> str:
    """Return the findings as lines, with cause and cure below those that are not OK."""
    colours = {"OK": "\033[32m", "WARN": "\033[33m", "FAIL": "\033[31m", "SKIP": "\033[2m"} if colour else {}
    lines = []
    for finding in findings:
        start, end = (colours[finding.verdict], "\033[0m") if colours else ("", "")
        lines.append(f"{start}{finding.verdict:<5}{end}{finding.name:<12} {finding.seen}")
        lines += [f"{'':<18}{line}" for line in finding.cause.splitlines()]
        lines += [f"{'':<18}-> {line}" for line in finding.cure.splitlines()]
    return "\n".join(lines)


def summary(findings: Sequence[Finding]) -> str:
    """Return the number of findings of each severity in one line."""
    count = {
        verdict: sum(finding.verdict == verdict for finding in findings) for verdict in ("OK", "WARN", "FAIL")
    }
    return f"{count['OK']} fine, {count['WARN']} to look at, {count['FAIL']} in the way"

"""Checks whether the model can be reached: name, TLS, clock, key. Pure."""

from dataclasses import dataclass
from typing import Literal

from speakerd.cli.doctor.finding import Finding, fail, ok, warn

ConnectStep = Literal["name", "connect", "tls", "handshake", "session", "done"]
LARGEST_SKEW_S = 120.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """How far an attempt to connect came.

    Attributes:
        host: the host of the model.
        stage: where it ended; done: a session was opened, and closed again before anything was billed.
        error: why it ended there, in words.
        status: HTTP status of the handshake, if there was one.
        seconds: from the start to the end.
        skew_s: the server's clock minus ours; None if the server did not send its time.
    """

    host: str
    stage: ConnectStep
    error: str = ""
    status: int = 0
    seconds: float = 0.0
    skew_s: float | None = None


def reachable(attempt: Attempt) -> Finding:
    """Check whether the endpoint accepts the key. No answer is requested, so nothing is billed."""
    name, host = "model", attempt.host
    match attempt.stage, attempt.status:
        case "done", _:
            return ok(name, f"{host} lets us in, {attempt.seconds:.1f} s")
        case "name", _:
            cause = f"The name cannot be resolved: {attempt.error}."
            return fail(
                name, host, cause, "Is the network up (ip addr), and the name server right (resolvectl)?"
            )
        case "connect", _:
            cause = f"Nobody can be reached there: {attempt.error}."
            return fail(name, host, cause, "A firewall, a wrong port in model.url, or the server is down.")
        case "tls", _:
            cause = f"The connection cannot be made safe: {attempt.error}."
            return fail(name, host, cause, "Look at the clock first; then sudo apt install ca-certificates.")
        case _, 401 | 403:
            cause = f"The key is refused (HTTP {attempt.status})."
            return fail(
                name, host, cause, 'sudo scripts/install --key; Azure also wants model.auth = "api-key".'
            )
        case _, 404:
            cause = "There is no such address or model (HTTP 404)."
            return fail(name, host, cause, "Look at model.url and model.model.")
        case _, 429:
            return warn(
                name, host, "Too many requests, or the quota is used up (HTTP 429).", "Look at your account."
            )
        case _, status if status >= 500:
            return warn(name, host, f"The server has a fault (HTTP {status}).", "Wait, and try again.")
    cause = f"It ended in the {attempt.stage}: {attempt.error}."
    return fail(
        name, host, cause, "Does model.url name a realtime server? journalctl -u speakerd may say more."
    )


def skew(attempt: Attempt) -> Finding | None:
    """Check whether the server's clock and ours agree; None if the server did not send its time."""
    if attempt.skew_s is None:
        return None
    if abs(attempt.skew_s) > LARGEST_SKEW_S:
        seen = f"{abs(attempt.skew_s):.0f} s {'behind' if attempt.skew_s > 0 else 'ahead of'} the server's"
        return warn("clock", seen, "Certificates and timers go wrong.", "sudo timedatectl set-ntp true")
    return ok("clock", "agrees with the server's")

"""The path of the control socket. Pure."""

from collections.abc import Mapping
from pathlib import Path

NAME = "control.sock"
SERVICE = Path("/run/speakerd") / NAME


def listening_path(setting: str, environment: Mapping[str, str], uid: int) -> Path:
    """Return the path on which the daemon listens.

    Args:
        setting: `control.socket`; "auto" for the service's runtime folder, or the user's when run by hand.
        environment: systemd sets `$RUNTIME_DIRECTORY`, a login session `$XDG_RUNTIME_DIR`.
        uid: the user that the daemon runs as.
    """
    if setting != "auto":
        return Path(setting)
    if runtime := environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]:
        return Path(runtime) / NAME
    return _by_hand(environment, uid)


def calling_paths(setting: str, environment: Mapping[str, str], uid: int) -> tuple[Path, ...]:
    """Return the paths that `speakerd ctl` tries in order: the service, then a daemon run by this user."""
    if setting != "auto":
        return (Path(setting),)
    return (SERVICE, _by_hand(environment, uid))


def _by_hand(environment: Mapping[str, str], uid: int) -> Path:
    if folder := environment.get("XDG_RUNTIME_DIR"):
        return Path(folder) / "speakerd" / NAME
    return Path(f"/tmp/speakerd-{uid}") / NAME  # noqa: S108 - the folder's owner and mode are checked on use

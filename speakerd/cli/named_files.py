"""What a configuration asks for outside of itself: programs, files, optional parts; and whether they can be used.

As root it is tried as that user; as anybody else, as oneself.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final

from speakerd.cli.config_file import DEFAULT_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speakerd.config.errors import Problem
    from speakerd.config.load import Loaded

SERVICE_USER: Final = "speakerd"
_HOMES: Final = (PurePath("/home"), PurePath("/root"), PurePath("/run/user"))
"""The service sees none of them (ProtectHome= of its unit)."""


def service_user(name: str = SERVICE_USER) -> pwd.struct_passwd | None:
    """Return the user that the service runs as, if there is one and this process can act for it; else None."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def findings(
    loaded: Loaded, file: Path, user: pwd.struct_passwd | None, *, extras: bool = True
) -> list[Problem]:
    """Return what is named and cannot be used, as errors; what the service will probably not see, as warnings.

    Without `extras`, parts that are not installed are not among them.
    """
    return [
        *_config(file, user),
        *(_extras(loaded) if extras else ()),
        *_wake_word(loaded),
        *_key(loaded, user),
        *_programs(loaded, user),
    ]


def _config(file: Path, user: pwd.struct_passwd | None) -> Iterator[Problem]:
    from speakerd.config.errors import Problem

    if user is not None and not _may("r", file, user):
        what = f"the service runs as {user.pw_name}, who cannot read this file"
        cure = f"sudo chmod a+r {file}, and a+x for each folder above it (namei -l {file} shows them)."
        own = file.resolve() == DEFAULT_FILE.resolve()
        yield Problem(file, None, "", what, cure=cure, severity="error" if own else "warning")


def _extras(loaded: Loaded) -> Iterator[Problem]:
    from speakerd.cli.optional_parts import Installation, is_there, named, needed

    for name, key in needed(loaded.settings).items():
        extra = named(name)
        # Elsewhere a file for a Pi may be looked at, too.
        if not is_there(extra) and (Installation.here().is_ours or not extra.on_a_pi_only):
            what = f"this needs the extra {name} ({extra.purpose}), which is not installed"
            yield _problem(loaded, key, what, f"sudo speakerd extras add {name}")


def _wake_word(loaded: Loaded) -> Iterator[Problem]:
    if not loaded.settings.wake_word.enabled:
        return
    from speakerd.audio.capture import make_wake_word
    from speakerd.audio.errors import BadModelError, ExtraMissingError

    try:
        make_wake_word(loaded.settings.wake_word)
    except ExtraMissingError:
        return  # told already
    except BadModelError as error:
        yield _problem(loaded, "wake_word.model", str(error).removeprefix("wake_word.model "), "")


def _key(loaded: Loaded, user: pwd.struct_passwd | None) -> Iterator[Problem]:
    model = loaded.settings.model
    name = model.api_key_file
    if (
        user is None
        or not name
        or model.backend == "offline"
        or model.auth == "none"
        or not Path(name).exists()
    ):
        return
    if not _may("r", Path(name), user):
        what = f"the service runs as {user.pw_name}, who cannot read {name}"
        yield _problem(loaded, "model.api_key_file", what, f"sudo chown {user.pw_name} {name}")


def _programs(loaded: Loaded, user: pwd.struct_passwd | None) -> Iterator[Problem]:
    for index, command in enumerate(loaded.settings.tools.commands):
        key, program = f"tools.commands.{index}.argv", Path(command.argv[0])
        if found := _unusable(program, user):
            yield _problem(loaded, key, *found)
        elif any(program.is_relative_to(home) for home in _HOMES):
            what = f"{program}: the service sees no home folders, and will not find it"
            yield _problem(
                loaded,
                key,
                what,
                f"sudo install {program} /usr/local/bin/, and write that path.",
                warning=True,
            )


def _unusable(program: Path, user: pwd.struct_passwd | None) -> tuple[str, str] | None:
    """Return what is wrong with a program, and the cure; None if it can be run."""
    if program.is_dir():
        return f"{program} is a folder, not a program", "Write the path of the program in it."
    if not program.exists():
        other = shutil.which(program.name)
        cure = (
            f"Did you mean {other}?"
            if other
            else "Install it; `command -v NAME` prints the full path of a program."
        )
        return f"there is no program {program}", cure
    if not _may("x", program, user):
        who = user.pw_name if user else "you"
        return (
            f"{program} cannot be run by {who}",
            f"sudo chmod a+rx {program}, and a+x for each folder above it.",
        )
    return None


def _may(how: str, path: Path, user: pwd.struct_passwd | None) -> bool:
    if user is None:
        return os.access(path, {"r": os.R_OK, "x": os.X_OK}[how])
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    command = ["/usr/bin/test", f"-{how}", str(path.absolute())]
    done = subprocess.run(  # noqa: S603 - a program of the system, and a path after its option
        command, user=user.pw_uid, group=user.pw_gid, extra_groups=groups, cwd="/", check=False
    )
    return done.returncode == 0


def _problem(loaded: Loaded, key: str, what: str, cure: str, *, warning: bool = False) -> Problem:
    from speakerd.config.errors import Problem
    from speakerd.config.spoken import spoken

    file, line = loaded.place(key)
    return Problem(
        file,
        line,
        key,
        what,
        cure=cure,
        severity="warning" if warning else "error",
        subject=spoken(tuple(key.split("."))),
    )

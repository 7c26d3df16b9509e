"""Finds the API key, and keeps it from child processes.

The first of these sources that exists is used; one that exists and is unusable is an error, and the search ends:

1. `$SPEAKERD_API_KEY`: set on purpose for this one run;
2. the file that the configuration names (`model.api_key_file`), of mode 0600 or stricter;
3. the systemd credential `api-key` (`LoadCredential=`, `LoadCredentialEncrypted=`);
4. `$OPENAI_API_KEY`: may be meant for another program, and therefore comes last.

Both variables are removed from the environment in any case, so that no child process inherits a key.
"""

import os
import re
import stat
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from speakerd.host.errors import CredentialError
from speakerd.host.secret import Secret

CREDENTIAL = "api-key"
VARIABLES = ("SPEAKERD_API_KEY", "OPENAI_API_KEY")
_LONGEST_BYTES = 16_384
"""Bearer tokens of identity providers run to a few kilobytes."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The key, and where it was found, in words that may be logged."""

    secret: Secret
    source: str


def take_key(environment: MutableMapping[str, str], key_file: str = "") -> ApiKey | None:
    """Find the key, and remove it from the environment.

    Args:
        environment: `os.environ`; the variables of `VARIABLES` are deleted from it, used or not.
        key_file: path from the configuration; empty for none.

    Returns:
        None if there is no key anywhere: home servers need none.

    Raises:
        CredentialError: a source exists, but cannot be used; the text says what to do.
    """
    seen = dict(environment)
    for name in VARIABLES:
        environment.pop(name, None)
    return find_key(seen, key_file)


def find_key(environment: Mapping[str, str], key_file: str = "") -> ApiKey | None:
    """Find the key and leave the environment as it is, for a check.

    Raises:
        CredentialError: a source exists, but cannot be used; the text says what to do.
    """
    override, ambient = VARIABLES
    if override in environment:
        return _from_variable(environment, override)
    if key_file:
        return ApiKey(_checked(_read(Path(key_file), guarded=True), key_file), key_file)
    if folder := environment.get("CREDENTIALS_DIRECTORY"):
        path = Path(folder) / CREDENTIAL
        try:
            # systemd has set the mode, and who else may enter the folder.
            raw = _read(path, guarded=False)
        except CredentialError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
        else:
            return ApiKey(_checked(raw, f"credential {CREDENTIAL}"), "systemd credential")
    if ambient in environment:
        return _from_variable(environment, ambient)
    return None


def _from_variable(environment: Mapping[str, str], name: str) -> ApiKey:
    return ApiKey(_checked(environment[name].encode(errors="replace"), f"${name}"), f"${name}")


def _read(path: Path, *, guarded: bool) -> bytes:
    try:
        # Non-blocking: a FIFO in its place would block the start forever.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        reason = "there is no such file. `sudo scripts/install --key` makes one"
        raise CredentialError(str(path), reason) from error
    except PermissionError as error:
        reason = (
            "permission denied. Give the file to the user that the daemon runs as, or use LoadCredential="
        )
        raise CredentialError(str(path), reason) from error
    except OSError as error:
        raise CredentialError(str(path), f"cannot be read: {error.strerror}") from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise CredentialError(str(path), "this is not a file")
        mode = stat.S_IMODE(status.st_mode)
        if guarded and mode & 0o077:
            reason = f"others may read it (mode {mode:04o}). Cure: chmod 0600 {path}"
            raise CredentialError(str(path), reason)
        if guarded and status.st_uid not in {os.geteuid(), 0}:
            reason = f"it belongs to another user (uid {status.st_uid}). Cure: chown $USER {path}"
            raise CredentialError(str(path), reason)
        return os.read(handle, _LONGEST_BYTES + 1)
    finally:
        os.close(handle)


def _checked(raw: bytes, source: str) -> Secret:
    """Check that the key is one printable word; white space around it is ignored."""
    word = raw.strip()
    if not word:
        raise CredentialError(source, "it is empty. `sudo scripts/install --key` asks for the key")
    if len(word) > _LONGEST_BYTES:
        raise CredentialError(source, f"longer than {_LONGEST_BYTES} bytes: this is no key")
    if not all(0x21 <= byte <= 0x7E for byte in word):
        raise CredentialError(source, "it must hold the key alone: one line, no quotes, no spaces")
    if word[:1] in b"\"'" or re.match(rb"(export)?[A-Z_]*KEY=", word):
        raise CredentialError(source, "it must hold the key alone, without quotes and without NAME=")
    return Secret(word.decode("ascii"))

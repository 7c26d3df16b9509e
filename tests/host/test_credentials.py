import copy
import logging
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from speakerd.host.credentials import find_key, take_key
from speakerd.host.errors import CredentialError, HostError
from speakerd.host.secret import Secret

KEY = "sk-test-0123456789abcdef"


def key_file(tmp_path: Path, text: str = KEY + "\n", mode: int = 0o600) -> str:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_a_secret_shows_itself_to_nobody_but_who_asks_by_name(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(KEY)
    logging.getLogger("x").warning("%s %r %s", secret, secret, {"key": secret})
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>20}",
        f"{[secret]}",
        caplog.text,
    ]
    assert not any(KEY in text for text in shown)
    assert secret.reveal() == KEY


def test_a_secret_is_not_pickled_nor_hashed_and_copies_to_itself() -> None:
    secret = Secret(KEY)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        hash(secret)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret
    assert not hasattr(secret, "__dict__")


def test_secrets_compare_by_value() -> None:
    assert Secret(KEY) == Secret(KEY)
    assert Secret(KEY) != Secret("other")
    assert Secret(KEY) != KEY
    assert Secret(KEY)
    assert not Secret("")


def test_the_order_of_the_sources(tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "api-key").write_text("from-systemd")
    environment = {
        "CREDENTIALS_DIRECTORY": str(folder),
        "SPEAKERD_API_KEY": "meant",
        "OPENAI_API_KEY": "ambient",
    }
    file = key_file(tmp_path, "from-file")
    found = []
    for gone in ("SPEAKERD_API_KEY", None, "CREDENTIALS_DIRECTORY", "OPENAI_API_KEY"):
        key = find_key(environment, file if gone == "SPEAKERD_API_KEY" else "")
        found.append(key and (key.secret.reveal(), key.source))
        if gone == "SPEAKERD_API_KEY":
            del environment[gone]
            key = find_key(environment, file)
            found.append(key and (key.secret.reveal(), key.source))
        elif gone:
            environment.pop(gone, None)
    assert found == [
        ("meant", "$SPEAKERD_API_KEY"),
        ("from-file", file),
        ("from-systemd", "systemd credential"),
        ("from-systemd", "systemd credential"),
        ("ambient", "$OPENAI_API_KEY"),
    ]
    assert find_key(environment) is None


def test_a_credentials_folder_without_a_key_is_no_error(tmp_path: Path) -> None:
    assert find_key({"CREDENTIALS_DIRECTORY": str(tmp_path)}) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody who may not")
def test_a_credential_that_may_not_be_read_is_an_error_and_not_an_absent_one(tmp_path: Path) -> None:
    program = (
        "import os, sys; from speakerd.host.credentials import find_key; os.setuid(65534)\n"
        "try: find_key({'CREDENTIALS_DIRECTORY': sys.argv[1]})\n"
        "except OSError as error: print(error)"
    )
    tmp_path.chmod(0o700)
    words = [sys.executable, "-c", program, str(tmp_path)]
    assert "permission denied" in subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_children_inherit_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("SPEAKERD_API_KEY", KEY + "2")
    key = take_key(os.environ)
    assert key is not None
    assert key.secret == Secret(KEY + "2")
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(os.environ)"], capture_output=True, text=True, check=True
    )
    assert KEY not in child.stdout


def test_the_environment_is_cleaned_even_when_the_key_is_unusable() -> None:
    environment = {"SPEAKERD_API_KEY": "", "OPENAI_API_KEY": KEY}
    with pytest.raises(CredentialError, match="empty"):
        take_key(environment)
    assert environment == {}


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o610])
def test_a_key_file_that_others_may_read_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    file = key_file(tmp_path, mode=mode)
    with pytest.raises(CredentialError, match=f"chmod 0600 {file}") as caught:
        find_key({}, file)
    assert isinstance(caught.value, HostError)
    assert isinstance(caught.value, OSError)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_file_of_ones_own_is_read(tmp_path: Path, mode: int) -> None:
    key = find_key({}, key_file(tmp_path, mode=mode))
    assert key is not None
    assert key.secret.reveal() == KEY


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        (f"{KEY}\n{KEY}", "one line"),
        (f"{KEY} {KEY}", "no spaces"),
        (f'"{KEY}"', "quotes"),
        (f"OPENAI_API_KEY={KEY}", "NAME="),
        ("schlüssel", "one line"),
        ("x" * 20_000, "no key"),
    ],
)
def test_a_file_that_holds_something_else_is_refused_without_showing_it(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(CredentialError, match=reason) as caught:
        find_key({}, key_file(tmp_path, text))
    assert KEY not in f"{caught.value!s}{caught.value!r}"


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match="no such file"):
        find_key({}, str(tmp_path / "none"))
    with pytest.raises(CredentialError, match=r"not a file|cannot be read"):
        find_key({}, str(tmp_path))
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    with pytest.raises(CredentialError, match="not a file"):
        find_key({}, str(fifo))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_a_key_file_of_another_user_is_refused(tmp_path: Path) -> None:
    file = key_file(tmp_path)
    os.chown(file, 12345, -1)
    with pytest.raises(CredentialError, match="another user"):
        find_key({}, file)


def test_no_core_is_dumped_even_where_the_kernel_pipes_cores_into_a_program() -> None:
    program = (
        "import ctypes, resource; from speakerd.host.hardening import forbid_core_dumps\n"
        "get_dumpable = lambda: ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)\n"
        "before = get_dumpable(); forbid_core_dumps()\n"
        "print(before, get_dumpable(), *resource.getrlimit(resource.RLIMIT_CORE))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["1", "0", "0", "0"], done.stderr

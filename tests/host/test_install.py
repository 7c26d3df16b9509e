"""The installer as far as it can be tried without changing this machine; the container and the guest do the rest."""

import os
import pty
import re
import select
import subprocess
from pathlib import Path

import pytest

from tests.limits import limit

ROOT = Path(__file__).resolve().parents[2]
INSTALL, UNINSTALL = ROOT / "scripts/install", ROOT / "scripts/uninstall"
TEXT = INSTALL.read_text()


def run(script: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script, *words],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=limit(50),
    )


def footprints() -> list[bool]:
    names = (
        "/opt/speakerd/versions",
        "/etc/speakerd",
        "/etc/systemd/system/speakerd.service",
        "/usr/local/bin/speakerd",
    )
    return [os.path.lexists(name) for name in names]


@pytest.mark.skipif(not Path("/usr/bin/apt-get").exists(), reason="the installer is for Debian")
def test_a_dry_run_names_each_step_and_does_none() -> None:
    before = footprints()
    done = run(INSTALL, "--dry-run")
    assert done.returncode == 0, done.stderr
    steps = re.findall(r"^would: (.*)$", done.stderr, re.MULTILINE)
    for words in (
        "optional parts",
        "user, service",
        "switching to",
        "systemd",
        "waiting until sound",
        "doctor",
    ):
        assert any(words in step for step in steps), words
    assert footprints() == before


@pytest.mark.skipif(not Path("/usr/bin/apt-get").exists(), reason="the installer is for Debian")
def test_a_dry_run_names_the_optional_parts_that_are_left_out() -> None:
    before = footprints()
    done = run(INSTALL, "--dry-run", "--without", "aec,offline", "--with", "wakeword")
    assert done.returncode == 0, done.stderr
    assert "would: install the optional parts, without aec offline" in done.stderr
    assert "would: writing down which optional parts were chosen, in /etc/speakerd/extras" in done.stderr
    assert footprints() == before


@pytest.mark.parametrize("option", ["--with", "--without"])
def test_an_optional_part_that_there_is_not(option: str) -> None:
    done = run(INSTALL, "--dry-run", option, "aec,wakewrod")
    assert done.returncode == 2
    assert (
        "there is no extra wakewrod; there are: wakeword, silero, aec, offline, gpio, apa102" in done.stderr
    )
    assert run(INSTALL, option).returncode == 2


@pytest.mark.parametrize(
    ("states", "code", "asked"),
    [
        ({"restart": 0}, 0, 0),  # READY at once
        ({"restart": 1, "is-active": 0}, 0, 1),  # at the second try, which systemd makes by itself
        (
            {"restart": 1, "is-active": 3, "is-failed": 0},
            1,
            1,
        ),  # given up, for instance by a mistake in the file
        ({"restart": 1, "is-active": 3, "is-failed": 1, "show": 3}, 1, 1),  # tried over and over
        ({"restart": 1, "is-active": 3, "is-failed": 1, "show": 1}, 1, 120),  # tried, and never READY
    ],
)
def test_a_service_that_does_not_come_up_is_not_taken_for_one_that_does(
    tmp_path: Path, states: dict[str, int], code: int, asked: int
) -> None:
    cases = "".join(
        f"show) echo {state} ;;\n" if word == "show" else f"{word}) exit {state} ;;\n"
        for word, state in states.items()
    )
    (tmp_path / "systemctl").write_text(f'#!/bin/sh\necho "$1" >>{tmp_path}/log\ncase $1 in {cases} esac\n')
    (tmp_path / "sleep").write_text("#!/bin/sh\n")
    for name in ("systemctl", "sleep"):
        (tmp_path / name).chmod(0o755)
    function = TEXT[TEXT.index("start_service() {") :].partition("\n}\n")[0] + "\n}\nstart_service"
    done = subprocess.run(
        ["bash", "-euc", function], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False, timeout=limit(20)
    )
    assert done.returncode == code
    assert (tmp_path / "log").read_text().split().count("is-active") == asked


def test_an_installation_that_does_not_start_ends_with_1() -> None:
    """The whole of it is seen in the guest; this only holds the last word."""
    ending = TEXT[TEXT.index("not_up=1") :]
    assert re.search(r'^\[ -z "\$not_up" \] \|\| die 1 ', ending, re.MULTILINE)
    assert ending.index("die 1") < ending.index('say "done.')


def test_a_dry_run_of_the_removal() -> None:
    before = footprints()
    done = run(UNINSTALL, "--dry-run", "--purge")
    assert done.returncode == 0
    assert "would: removing configuration, key, state and user" in done.stderr
    assert footprints() == before


@pytest.mark.parametrize("script", [INSTALL, UNINSTALL])
def test_help_and_wrong_words(script: Path) -> None:
    assert "sudo" in run(script, "--help").stdout
    done = run(script, "--nonsense")
    assert done.returncode == 2
    assert "--nonsense" in done.stderr


@pytest.mark.parametrize("script", [INSTALL, UNINSTALL])
def test_the_shell_understands_it(script: Path) -> None:
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert os.access(script, os.X_OK)


def test_every_file_that_it_puts_somewhere_exists() -> None:
    names = re.findall(r"\bput (\S+) ", TEXT)
    assert len(names) >= 5
    for name in names:
        assert (ROOT / "systemd" / name).is_file(), name


def test_everything_that_is_put_is_removed_again() -> None:
    removal = UNINSTALL.read_text()
    for target in re.findall(r"\bput \S+ \"?(\S+?)\"?$", TEXT, re.MULTILINE):
        assert target.replace("$units", "/etc/systemd/system") in removal, target


def test_what_pip_and_debian_bring_is_what_the_project_needs() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[<>=;\[ ]", line)[0].lower() for line in project["dependencies"]}
    found = re.search(r"^wheels=\((.*)\)$", TEXT, re.MULTILINE)
    assert found
    by_debian = {"pyaudio", "systemd-python"}
    assert set(found[1].split()) | by_debian == needed


def test_the_key_is_in_no_argument_and_in_no_environment() -> None:
    assert not re.search(r"export .*key|API_KEY=", TEXT, re.IGNORECASE)


@pytest.fixture
def private_etc(tmp_path: Path) -> Path:
    """A program that runs its arguments with an /etc of its own, and a systemctl that does nothing."""
    if os.geteuid() != 0:
        pytest.skip("a private /etc needs root")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/systemctl").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "bin/systemctl").chmod(0o755)
    (tmp_path / "layers").mkdir()
    program = tmp_path / "privately"
    program.write_text(
        "#!/bin/bash\nset -e\n"
        f'mount -t tmpfs tmpfs "{tmp_path}/layers"; mkdir "{tmp_path}/layers/up" "{tmp_path}/layers/work"\n'
        f'mount -t overlay overlay -o "lowerdir=/etc,upperdir={tmp_path}/layers/up,workdir={tmp_path}/layers/work" /etc\n'
        "echo mounted\n"
        f'export PATH="{tmp_path}/bin:$PATH"\n"$@"\n'
        'stat -c "%a %n" /etc/credstore /etc/credstore/speakerd.api-key; sed "s/^/file: /" /etc/credstore/speakerd.api-key\n'
    )
    program.chmod(0o755)
    tried = subprocess.run(
        ["unshare", "--mount", program, "true"], capture_output=True, text=True, check=False
    )
    if "mounted" not in tried.stdout:
        pytest.skip(f"no private mounts here: {tried.stderr.strip()}")
    return program


def typed(words: list[str], answer: bytes) -> str:
    """Run it on a terminal and type the answer when it asks."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        shown, asked = b"", False
        while select.select([ours], [], [], 20)[0]:
            try:
                more = os.read(ours, 4096)
            except OSError:  # it has ended
                break
            shown += more
            if not asked and shown.rstrip().endswith(b":"):
                asked = True
                os.write(ours, answer)
        process.wait(limit(20))
    os.close(ours)
    return shown.decode()


def test_the_key_is_asked_for_without_echo_and_kept_for_root_alone(private_etc: Path) -> None:
    shown = typed(["unshare", "--mount", str(private_etc), str(INSTALL), "--key"], b"sk-typed-0123456789\n")
    prompt, _, after = shown.partition("the key is in")
    assert "not shown" in prompt
    assert "sk-typed" not in prompt, "it was echoed"
    assert "700 /etc/credstore" in after
    assert "600 /etc/credstore/speakerd.api-key" in after
    assert "file: sk-typed-0123456789" in after


def test_no_key_typed_changes_nothing(private_etc: Path) -> None:
    shown = typed(["unshare", "--mount", str(private_etc), str(INSTALL), "--key"], b"\n")
    assert "nothing has changed" in shown


def test_a_key_from_standard_input(private_etc: Path) -> None:
    done = subprocess.run(
        ["unshare", "--mount", private_etc, INSTALL, "--key", "--key-file", "-"],
        input="sk-piped-0123456789\n", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "file: sk-piped-0123456789" in done.stdout, done.stderr

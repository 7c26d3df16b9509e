"""Real processes throughout."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from speakerd.tools.command_runner import KEPT_BYTES, CommandRunner, child_environment, words_of
from speakerd.tools.settings import CommandSettings, ToolsSettings
from tests.limits import limit


def runner(*argv: str, timeout_s: float = 20.0, environment: dict[str, str] | None = None) -> CommandRunner:
    settings = CommandSettings("command", "Does it.", argv, timeout_s=timeout_s)
    return CommandRunner(settings, dict(os.environ) if environment is None else environment)


def shell(script: str, *, timeout_s: float = 20.0) -> CommandRunner:
    return runner("/bin/sh", "-c", script, timeout_s=timeout_s)


async def test_what_a_command_prints_is_the_answer() -> None:
    assert await runner("/bin/echo", "lights on").run() == "lights on"


async def test_a_command_that_prints_nothing_is_done() -> None:
    assert await runner("/bin/true").run() == "Done."


async def test_a_failure_tells_its_code_and_its_words_to_the_log_as_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    words = "It failed with exit code 3. no such lamp"
    assert await shell("echo no such lamp >&2; exit 3").run() == words
    assert caplog.messages == [f"the command command: {words}"]


async def test_a_command_that_does_what_it_should_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    await runner("/bin/echo", "lights on").run()
    assert caplog.messages == []


async def test_arguments_are_not_read_by_a_shell() -> None:
    assert await runner("/bin/echo", "$HOME; rm -rf /tmp/x `id`").run() == "$HOME; rm -rf /tmp/x `id`"


async def test_a_program_that_is_not_there_is_said_so() -> None:
    assert await runner("/no/such/program").run() == "It cannot be run: No such file or directory."


async def test_a_program_that_may_not_be_run_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "tool"
    path.write_text("text")
    assert (await runner(str(path)).run()).startswith("It cannot be run: Permission denied")


async def test_no_key_reaches_the_child() -> None:
    environment = {
        "OPENAI_API_KEY": "sk-secret",
        "CREDENTIALS_DIRECTORY": "/run/credentials",
        "NOTIFY_SOCKET": "/run/notify",
        "HOME": "/home/pi",
        "LANG": "C.UTF-8",
    }
    printed = await runner("/usr/bin/env", environment=environment).run()
    names = {line.split("=")[0] for line in printed.splitlines()}
    assert names == {"PATH", "HOME", "LANG"}
    assert "secret" not in printed


def test_the_environment_of_a_child_is_made_anew() -> None:
    assert child_environment({"LD_PRELOAD": "x", "PATH": "/evil", "TZ": "Europe/Berlin"}) == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "TZ": "Europe/Berlin",
    }


async def test_standard_input_is_empty() -> None:
    assert await runner("/bin/cat").run() == "Done."


async def test_a_flood_is_cut_and_does_not_block_the_child() -> None:
    said = await shell("head -c 3000000 /dev/zero | tr '\\0' x; echo end").run()
    assert said == "x" * KEPT_BYTES + " [...]"


async def test_a_command_that_does_not_end_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "child"
    begin = time.monotonic()
    said = await shell(f"sleep 50 & echo $! > {mark}; wait", timeout_s=0.5).run()
    assert said == "It did not end within 0.5 seconds and was stopped."
    assert time.monotonic() - begin < limit(10)
    await gone(int(mark.read_text()))


async def test_a_command_that_ignores_the_first_signal_gets_the_second() -> None:
    said = await shell("trap '' TERM; while :; do sleep 0.05; done", timeout_s=0.3).run()
    assert "was stopped" in said


async def test_cancelling_ends_the_command(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    task = asyncio.create_task(shell(f"echo $$ > {mark}; exec sleep 50").run())
    await until(lambda: mark.exists() and bool(mark.read_text().strip()))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(int(mark.read_text()))


async def test_what_a_command_leaves_behind_does_not_hold_the_answer() -> None:
    begin = time.monotonic()
    said = await shell(f"sleep {limit(20):g} & echo playing $!").run()
    assert time.monotonic() - begin < limit(2.5)
    assert said.startswith("playing ")
    os.kill(int(said.split()[1]), signal.SIGKILL)


async def test_a_command_is_not_run_twice_at_once() -> None:
    command = shell("sleep 0.3; echo once")
    first = asyncio.create_task(command.run())
    await asyncio.sleep(0)
    assert await command.run() == "It is still running from before."
    assert await first == "once"
    assert await command.run() == "once"


def test_output_is_made_plain() -> None:
    assert (
        words_of(b"\x1b[31mred\x1b[0m\r\nline\x00\xff\n", cut=False)
        == "[31mred [0m \nline \N{REPLACEMENT CHARACTER}"
    )
    assert words_of(b"", cut=False) == ""


async def until(holds: Callable[[], bool]) -> None:
    """Processes tell nobody in our loop what they have done: ask, for as long as a test may take."""
    async with asyncio.timeout(limit(20)):
        while not holds():  # there is no event to wait for
            await asyncio.sleep(0.01)


async def gone(pid: int) -> None:
    """Wait until there is no such process (a dead one that init has not collected yet counts as none)."""

    def is_gone() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    await until(is_gone)


@pytest.mark.parametrize(
    ("name", "argv", "problem"),
    [("turn on", ("/bin/true",), "letters"), ("", ("/bin/true",), "letters"), ("on", ("true",), "full path")],
)
def test_a_command_that_could_not_work_is_refused_when_it_is_configured(
    name: str, argv: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        CommandSettings(name, "Does it.", argv)


def test_two_commands_of_one_name_are_refused() -> None:
    command = CommandSettings("on", "On.", ("/bin/true",))
    with pytest.raises(ValueError, match="'on'"):
        ToolsSettings(commands=(command, command))

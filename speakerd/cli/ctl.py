"""`speakerd ctl`: controls and watches a running speaker over its control socket."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speakerd.dialogue.requests import PLAIN_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speakerd.host.control_client import ControlClient

_LONGEST_S = 86_400.0
"""As long as the daemon lets anybody wait, and as an announcement may wait for its moment."""

_PLAIN: dict[str, str] = {
    "status": "what it does, since when, what it has heard and sent",
    **{request.word: request.help for request in PLAIN_REQUESTS},
    "reload": "read the configuration again, and say what changed",
    "restart": "end it, so that systemd starts it anew",
    "new": "forget the conversation",
    "usage": "turns and tokens by day, and of this month and the last",
}


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = sub.add_parser(
        "ctl",
        help="control and watch a running speaker",
        description="Needs root, the speaker's own user, or the group in control.group.",
    )
    _add_common(parser, absent=None)
    what = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    for name, text in _PLAIN.items():
        command = what.add_parser(name, help=text, description=text)
        if name == "reload":
            command.add_argument("--restart", action="store_true", help="restart it if a change needs that")
    volume = what.add_parser("volume", help="show or set the volume", description="Show or set the volume.")
    # argparse takes -10 for an option unless nothing else looks like a negative number; here nothing does.
    volume.add_argument("level", nargs="?", help="0 to 100, or a change: +10, -10")
    say = what.add_parser(
        "say",
        help="announce a text",
        description="Have exactly these words spoken, at once or after what is going on; muted, too.",
    )
    say.add_argument("text", nargs="+")
    say.add_argument("--chime", action="store_true", help="a short sound before the words")
    say.add_argument(
        "--wait",
        action="store_const",
        const=_LONGEST_S,
        default=0.0,
        help="takes no value: wait until it was spoken; exit code 0 only if it wholly was",
    )
    ask = what.add_parser(
        "ask", help="ask by text instead of voice", description="Ask by text instead of voice."
    )
    ask.add_argument("text", nargs="+")
    ask.add_argument(
        "--wait",
        type=_seconds,
        default=0.0,
        metavar="S",
        help="wait up to S seconds for the answer and print it",
    )
    monitor = what.add_parser(
        "monitor", help="live view", description="Live view; plain lines when not on a terminal."
    )
    monitor.add_argument("--plain", action="store_true", help="plain lines on a terminal too")
    for command in what.choices.values():
        _add_common(command, absent=argparse.SUPPRESS)
        command.set_defaults(usage=command.format_usage)


def _add_common(parser: argparse.ArgumentParser, absent: str | None) -> None:
    """Add what may be written before the word or after it. `absent`: its value where it is not."""
    parser.add_argument(
        "--socket", type=Path, default=absent, help="default: the service's, then one of your own daemon's"
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", default=absent, help="take control.socket from this file"
    )
    parser.add_argument("--json", action="store_true", default=absent or False, help="answers as JSON")


def _seconds(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value <= _LONGEST_S:
        raise argparse.ArgumentTypeError(
            f"takes how many seconds to wait, 0 to {_LONGEST_S:g}, and found {word!r}: ask --wait 20 WORDS"
        )
    return value


def run(args: argparse.Namespace) -> int:
    """Send one command. Exit code 0; 1 if the speaker refused it; 2 for a wrong argument; 3 if none runs."""
    from speakerd.config.errors import ConfigError
    from speakerd.host.control_client import ANSWER_LIMIT_S, ControlClient
    from speakerd.host.errors import CommandError, ControlError, NotRunningError
    from speakerd.host.socket_path import calling_paths

    try:
        socket = str(args.socket) if args.socket else _socket_of(args.config)
    except ConfigError as error:
        _complain(args, "config", str(error))
        return 2
    paths = calling_paths(socket, os.environ, os.geteuid())
    try:
        with ControlClient(paths, timeout_s=ANSWER_LIMIT_S + getattr(args, "wait", 0.0)) as client:
            return _do(args, client, paths)
    except CommandError as error:
        if error.kind == "bad_arguments" and not args.json:
            sys.stderr.write(args.usage())
        _complain(args, error.kind, error.reason)
        return 2 if error.kind == "bad_arguments" else 1
    except ControlError as error:
        moved = ""
        if args.config and not args.socket and isinstance(error, NotRunningError):
            moved = (
                f". If control.socket was changed in {args.config} since it started, it listens where it did "
                "until it has read that: name the old one with --socket, or send it SIGHUP"
            )
        _complain(args, type(error).__name__, f"{error}{moved}")
        return 3


def _socket_of(file: Path | None) -> str:
    """Return what `file` says of the socket. Raises ConfigError."""
    if file is None:
        return "auto"
    from speakerd.cli.config_file import read_settings

    return read_settings(file).control.socket


def _do(args: argparse.Namespace, client: ControlClient, paths: tuple[Path, ...]) -> int:
    if args.what == "monitor":
        return _monitor(args, client, paths)
    result = client.request(args.what, **_arguments(args))
    if args.what == "reload" and _restart_wanted(args, result):
        result = {**result, "restarting": client.request("restart")}
    if args.json:
        print(json.dumps(result))
    else:
        for line in answer_lines(args.what, result):
            print(line)
    return 1 if result.get("applied") is False else 0


def _restart_wanted(args: argparse.Namespace, result: Mapping[str, Any]) -> bool:
    """Whether to restart it for what only a restart brings: as asked for, or as a person at a terminal says."""
    if not result.get("restart"):
        return False
    if args.restart or args.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return bool(args.restart)
    try:
        answer = input(f"{', '.join(result['restart'])}: restart speakerd now? [y/N] ")
    except EOFError:
        return False
    return answer.strip().lower() in {"y", "yes"}


def _arguments(args: argparse.Namespace) -> dict[str, Any]:
    if args.what in {"say", "ask"}:
        wait = {"wait_s": args.wait} if args.wait else {}
        chime = {"chime": True} if args.what == "say" and args.chime else {}
        return {"text": _text(args.text), **chime, **wait}
    if args.what == "volume" and args.level is not None:
        return volume_arguments(args.level)
    return {}


def _text(words: list[str]) -> str:
    from speakerd.cli.typed_text import typed_text
    from speakerd.host.errors import CommandError

    try:
        return " ".join(map(typed_text, words))
    except ValueError as error:
        raise CommandError("bad_arguments", str(error)) from None


def volume_arguments(word: str) -> dict[str, int]:
    """Return the arguments for `40` (set), `+10` or `-10` (change). Raises CommandError, kind `bad_arguments`."""
    from speakerd.host.errors import CommandError

    try:
        number = int(word)
    except ValueError:
        raise CommandError("bad_arguments", f"volume {word!r}: write 0 to 100, or +10, or -10") from None
    return {"change": number} if word[0] in "+-" else {"level": number}


def answer_lines(command: str, result: Mapping[str, Any]) -> list[str]:
    """Return an answer in words. Pure."""
    from speakerd.cli.views import usage_table

    match command:
        case "status":
            return _status_lines(result)
        case "usage":
            return usage_table(result["days"])
        case "say" if "spoken" in result:
            return ["it was spoken"]
        case "say" if result.get("now"):
            return ["it is spoken now"]
        case "say":
            before = f", after {number} that came before" if (number := result.get("before_it")) else ""
            return [f"it waits until nobody speaks or is listened to{before}"]
        case "ask" if "answer" in result:
            return [str(result["answer"]) or "it was answered; the server sent no words of it"]
        case "ask":
            return ["it is asked"]
        case "volume":
            return [f"volume {result.get('volume')}"]
        case "reload" if "changes" not in result:
            return [str(result.get("problem", "refused")), "nothing was changed"]
        case "reload":
            return _reload_lines(result)
    shown = ", ".join(f"{name} {value}" for name, value in result.items() if name != "warning")
    return [shown or "done", *([f"but {result['warning']}"] if "warning" in result else [])]


def _reload_lines(result: Mapping[str, Any]) -> list[str]:
    from speakerd.config.toml_writer import brief

    lines = [
        f"{change['key']}: {brief(change['old'])} -> {brief(change['new'])} ({change['counts']})"
        for change in result["changes"]
    ] or ["nothing has changed"]
    if "problem" in result:
        lines.append(f"but not all of it could be done: {result['problem']}")
    if "restarting" in result:
        lines.append("it restarts now")
    elif waiting := result.get("restart"):
        lines.append(
            f"still as at the start: {', '.join(waiting)}. `speakerd ctl reload --restart` restarts it"
        )
    return lines


def _status_lines(result: Mapping[str, Any]) -> list[str]:
    from speakerd.cli.views import usage_line

    lines = []
    for name, value in result.items():
        if name == "usage":
            lines.append(f"{name:<14} {usage_line(value)}")
        elif isinstance(value, dict):
            shown = ", ".join(
                f"{key} {_rounded(item)}" for key, item in value.items() if item not in (False, None)
            )
            lines.append(f"{name:<14} {shown or '-'}")
        else:
            lines.append(f"{name:<14} {_rounded(value)}")
    return lines


def _rounded(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _monitor(args: argparse.Namespace, client: ControlClient, paths: tuple[Path, ...]) -> int:
    from speakerd.cli.views import MonitorView
    from speakerd.host.control_client import ControlClient

    events = client.monitor()
    if args.json:
        for event in events:
            print(json.dumps(event), flush=True)
        return _hung_up(args)
    live = sys.stdout.isatty() and not args.plain
    colour = live and "NO_COLOR" not in os.environ
    view = MonitorView(shutil.get_terminal_size().columns, colour=colour)
    with ControlClient(paths) as other:
        print(f"{_clock()} {view.status(other.request('status'))}", flush=True)
    try:
        for event in events:
            lines = [f"{_clock()} {line}" for line in view.feed(event)]
            if live:
                sys.stdout.write(view.above(lines) + view.frame(time.monotonic()))
            elif lines:
                sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()
    finally:
        if live:
            sys.stdout.write(view.end())
            sys.stdout.flush()
    return _hung_up(args)


def _hung_up(args: argparse.Namespace) -> int:
    _complain(args, "hung_up", "speakerd has ended")
    return 3


def _complain(args: argparse.Namespace, kind: str, reason: str) -> None:
    if args.json:
        print(json.dumps({"error": {"kind": kind, "message": reason}}))
    else:
        print(f"speakerd ctl: {reason}", file=sys.stderr)


def _clock() -> str:
    return time.strftime("%H:%M:%S")

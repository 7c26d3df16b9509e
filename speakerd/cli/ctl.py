"""`speakerd ctl`: controls and watches a running speaker over its control socket."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speakerd.dialogue.requests import PLAIN_REQUESTS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from speakerd.host.control_client import ControlClient

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
    parser.add_argument("--socket", type=Path, help="default: the service's, then one of your own daemon's")
    parser.add_argument("--json", action="store_true", help="answers as JSON")
    what = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    for name, text in _PLAIN.items():
        command = what.add_parser(name, help=text, description=text)
        if name == "reload":
            command.add_argument("--restart", action="store_true", help="restart it if a change needs that")
    volume = what.add_parser("volume", help="show or set the volume", description="Show or set the volume.")
    # argparse takes -10 for an option unless nothing else looks like a negative number; here nothing does.
    volume.add_argument("level", nargs="?", help="0 to 100, or a change: +10, -10")
    say = what.add_parser("say", help="let it say a text", description="Let it say a text.")
    say.add_argument("text", nargs="+")
    ask = what.add_parser(
        "ask", help="ask by text instead of voice", description="Ask by text instead of voice."
    )
    ask.add_argument("text", nargs="+")
    ask.add_argument(
        "--wait", type=float, default=0.0, metavar="S", help="wait so long for the answer and print it"
    )
    monitor = what.add_parser(
        "monitor", help="live view", description="Live view; plain lines when not on a terminal."
    )
    monitor.add_argument("--plain", action="store_true", help="plain lines on a terminal too")


def run(args: argparse.Namespace) -> int:
    """Send one command. Exit code 0; 1 if the speaker refused it; 2 for a wrong argument; 3 if none runs."""
    from speakerd.host.control_client import ControlClient
    from speakerd.host.errors import CommandError, ControlError
    from speakerd.host.socket_path import calling_paths

    paths = calling_paths(str(args.socket) if args.socket else "auto", os.environ, os.geteuid())
    try:
        with ControlClient(paths) as client:
            return _do(args, client, paths)
    except CommandError as error:
        _complain(args, error.kind, error.reason)
        return 2 if error.kind == "bad_arguments" else 1
    except ControlError as error:
        _complain(args, type(error).__name__, str(error))
        return 3


def _do(args: argparse.Namespace, client: ControlClient, paths: tuple[Path, ...]) -> int:
    if args.what == "monitor":
        return _monitor(args, client, paths)
    if args.what == "ask" and args.wait > 0:
        return _ask_and_wait(args, client, paths)
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
    return input(f"{', '.join(result['restart'])}: restart speakerd now? [y/N] ").strip().lower() in {
        "y",
        "yes",
    }


def _arguments(args: argparse.Namespace) -> dict[str, Any]:
    if args.what in {"say", "ask"}:
        return {"text": " ".join(args.text)}
    if args.what == "volume" and args.level is not None:
        return volume_arguments(args.level)
    return {}


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
        case "volume":
            return [f"volume {result.get('volume')}"]
        case "reload" if "changes" not in result:
            return [str(result.get("problem", "refused")), "nothing was changed"]
        case "reload":
            return _reload_lines(result)
    return [", ".join(f"{name} {value}" for name, value in result.items()) or "done"]


def _reload_lines(result: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{change['key']}: {change['old']} -> {change['new']} ({change['counts']})"
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


def _ask_and_wait(args: argparse.Namespace, client: ControlClient, paths: tuple[Path, ...]) -> int:
    """Ask, and print the answer. The live view is opened first, so that nothing of it is missed."""
    from speakerd.host.control_client import ControlClient
    from speakerd.host.errors import ControlError

    with ControlClient(paths, timeout_s=args.wait) as watching:
        events = watching.monitor(silence_s=args.wait)
        client.request("ask", **_arguments(args))
        limit = time.monotonic() + args.wait
        for event in events:
            if event.get("event") == "caption" and event.get("role") == "assistant" and event.get("final"):
                print(json.dumps({"answer": event["text"]}) if args.json else event["text"])
                return 0
            if time.monotonic() > limit:
                break
    raise ControlError(f"no answer within {args.wait:g} s; `speakerd ctl monitor` shows what it does")


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

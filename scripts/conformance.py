"""Runs all cases through one session layer and prints the outcomes as JSON; or compares two such outcomes.

    python scripts/conformance.py run speakerd > ours.json
    python scripts/conformance.py run openai-agents > theirs.json      # in an environment that has it
    python scripts/conformance.py compare ours.json theirs.json

Cases that use a call which only our layer has are marked as such and not counted against the other.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.realtime.wire.case import Outcome, verdict
from tests.realtime.wire.cases import GROUPS
from tests.realtime.wire.driver import run_case
from tests.realtime.wire.layers import ours, peer

if TYPE_CHECKING:
    from tests.realtime.wire.case import Case

HEAD = """# The session layer beside openai-agents

The same conversations through `speakerd.realtime` and through `openai-agents`, over a real WebSocket against the
same scripted server: printed by `scripts/conformance`, which makes the other's environment by itself. A *point* is
one of those at which other clients are known to fail: 1 an interruption always ends the response; 2 nothing stale
re-arms the position, nothing is truncated twice; 3 no interruption is told after all was heard; 4 what was not
heard is removed; 5 of several items each is cut at its own position; 6 a stall is not heard; 7 the history shows
what was heard; 8 transcripts go where they belong, no audio is kept, no size limit; 9 odd frames are survived;
10 a refused request is made again, once; 11 the connection heals.
*Ours adds* marks what has no counterpart there: it is not counted as a difference."""
LEFT_OUT = """
## What is left out, and why

- The SIP model and `get_api_key`: a speaker makes no telephone calls; a running call is attached to by `call_id`.
- `Agent` and whatever belongs to text runs: `Runner`, sessions in data bases, tracing processors, sandboxes.
- `input_filter` and `nest_handoff_history` of handoffs: the conversation is the server's, and a handoff cannot
  rewrite it.
- Tools that the Responses API runs itself (web search, files, code, computer): realtime servers do not take them.
- `defer_loading`, `allowed_callers`, `custom_data_extractor`, `output_type` and `docstring_style` of
  `function_tool`: the first two belong to the Responses API; results go to the model as JSON whatever their type,
  and the style of a docstring is found out.
- `pre_approval_tool_input_guardrails`: the guardrails of a tool run once, after its approval.
- `send_event_if`, snapshots, and the order of concurrent sends of the scripted model: ours takes its steps, options
  and checks, and is one script for one test. Requests that do not fit are in `sent_events` too.
- `max_size` of the transport.
- Events and items are dataclasses: `model_dump` is there, `model_validate` is `item_from_dict`.
"""
"""What their public names have beside, for the end of the table."""
LIMIT_S = 3.0
HARD_LIMIT_S = 8.0
"""A layer whose `close` hangs is left behind."""


async def _run_one(case: Case, layer: Any) -> list[str]:
    task = asyncio.create_task(run_case(case, layer, LIMIT_S))
    await asyncio.wait({task}, timeout=HARD_LIMIT_S)
    if not task.done():
        task.cancel()
        return ["it hangs, even when it is closed"]
    outcome: Outcome = task.result()
    return verdict(case, outcome)


def run(name: str) -> dict[str, list[str]]:
    """What is wrong in each case, by its name."""
    make = {"speakerd": ours, "openai-agents": peer}[name]
    results: dict[str, list[str]] = {}
    for cases in GROUPS.values():
        for case in cases:
            results[case.name] = asyncio.run(_run_one(case, make()))
            print(".F"[bool(results[case.name])], end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return results


def compare(mine: dict[str, list[str]], theirs: dict[str, list[str]]) -> int:
    """Print the table. Gives the number of rows where ours is worse."""
    print(HEAD)
    counts = {"same": 0, "ours better": 0, "ours adds": 0, "worse": 0, "neither": 0}
    for group, cases in GROUPS.items():
        print(
            f"\n### {group}\n\n| conversation | point | speakerd | openai-agents | |\n"
            "| --- | --- | --- | --- | --- |"
        )
        for case in cases:
            good, other = not mine[case.name], not theirs[case.name]
            if case.ours_only and not other:
                word = "ours adds" if good else "neither"
            else:
                word = {(True, True): "same", (True, False): "ours better", (False, True): "worse"}.get(
                    (good, other), "neither"
                )
            counts[word] += 1
            remark = "" if other else _short(theirs[case.name][0])
            shown = ["yes" if good else "NO", "yes" if other else f"no: {remark}"]
            print(f"| {case.name} | {case.point or ''} | {shown[0]} | {shown[1]} | {word} |")
    print("\n" + ", ".join(f"{word}: {count}" for word, count in counts.items()))
    print(LEFT_OUT)
    return counts["worse"] + counts["neither"]


def _short(reason: str) -> str:
    """What went wrong, without the events that show it."""
    flat = " ".join(reason.replace("|", "/").split())
    for evidence in (": [", ": told [", "; there were ["):
        flat = flat.partition(evidence)[0]
    return flat if len(flat) <= 120 else f"{flat[:119]}…"


def main(arguments: list[str]) -> int:
    """Exit code 1 when ours is worse in any row."""
    match arguments:
        case ["run", name]:
            logging.disable(logging.CRITICAL)
            warnings.simplefilter("ignore")
            json.dump(run(name), sys.stdout)
            return 0
        case ["compare", mine, theirs]:
            worse = compare(json.loads(Path(mine).read_text()), json.loads(Path(theirs).read_text()))
            return int(worse > 0)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

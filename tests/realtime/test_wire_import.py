"""A small board pays for every import: the session layer loads nothing heavy until it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from speakerd.realtime import wire
from tests.limits import limit

HEAVY = ("pydantic", "numpy", "openai", "httpx", "speakerd.audio", "speakerd.daemon", "speakerd.offline")


def test_the_session_layer_loads_no_heavy_module() -> None:
    program = (
        "import sys\n"
        "from speakerd.realtime import RealtimeAgent, RealtimeRunner, function_tool\n"
        "from speakerd.realtime.transport.websocket import OpenAIRealtimeWebSocketModel\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=limit(50)
    )
    assert done.stdout.strip() == "[]"


def test_the_package_names_each_of_its_modules() -> None:
    modules = {file.stem for file in Path(wire.__file__).parent.glob("*.py")} - {"__init__"}
    assert [name for name in sorted(modules) if f"`{name}`" not in str(wire.__doc__)] == []

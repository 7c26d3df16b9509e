"""How patient the tests are: one factor for all of them.

`SPEAKERD_TEST_SLOW=4` says that this machine is four times slower than those the limits were written for. Every
limit of real time in the tests goes through `limit`, pytest's own of each test included; a limit tells a hang from
work, and is never met where nothing is wrong. What a test claims of the code itself ("silent within 30 ms") is not
a limit, and is not scaled.
"""

import os
from typing import Final

SLOW: Final = float(os.environ.get("SPEAKERD_TEST_SLOW", "1"))
"""How many times slower."""


def limit(seconds: float) -> float:
    """So many seconds of patience, on a machine as fast as this one."""
    return seconds * SLOW

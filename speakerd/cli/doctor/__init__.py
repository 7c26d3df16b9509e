"""`speakerd doctor`: looks for what keeps the speaker from working. Changes nothing, and costs nothing.

`command` runs all of it. Probes look: `probes`, `gpio_chips`, `sound_probe`, `network_probe`. Checks are pure
functions of what the probes have found: `machine`, `access`, `sound`, `pins`, `network`. `finding` is the shape of
a result.
"""

from speakerd.cli.doctor.command import add_parser, run

__all__ = ["add_parser", "run"]

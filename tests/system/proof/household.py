"""The settings of the household in which the proof takes place. Run as a program, it writes them."""

from pathlib import Path

FILE = Path("/etc/speakerd/speakerd.toml")
SERVER_PORT = 8291

_SETTINGS = """
[model]
backend = "{backend}"
url = "ws://127.0.0.1:{port}/v1/realtime"
connection = "warm"
[offline]
free_speech = "off"
[dialogue]
# The emulated processor takes its time.
connect_timeout_s = 90
response_timeout_s = 60
listen_window_s = 60
[audio]
# The second device of each card is the room.
input = "hw:CARD=Mic,DEV=0"
output = "hw:CARD=Spk,DEV=0"
[panel.button]
pin = 17
[panel.light]
led_pin = 22
"""


def settle(backend: str) -> None:
    """Write the file: with the embedded server (`offline`), or with the proof's own (`remote`)."""
    FILE.write_text(_SETTINGS.format(backend=backend, port=SERVER_PORT))


if __name__ == "__main__":
    settle("offline")

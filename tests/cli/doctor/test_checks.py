"""Each check over what a probe may find: verdicts, and a cause and a cure wherever it is not OK."""

import stat

import numpy as np
import pytest

from speakerd.cli.doctor import access, machine, network, pins, sound
from speakerd.cli.doctor.finding import Finding, report, summary
from speakerd.cli.doctor.gpio_chips import Chip, Line

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n'
HEADER = Chip("/dev/gpiochip4", "gpiochip4", "pinctrl-rp1", 54)
LOADED = {"LoadState": "loaded", "ActiveState": "active", "NRestarts": "0", "Result": "success"}
RATE = 16_000


def noise(dbfs: float, seconds: float = 1.0) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    samples = np.random.default_rng(1).standard_normal(int(RATE * seconds)) * 32768 * 10 ** (dbfs / 20)
    return samples.clip(-32768, 32767).astype(np.int16)


ROOM = noise(-60)
TONE = sound.tone(RATE, 1.0)
SILENCE = np.zeros(RATE, np.int16)

CASES: list[tuple[Finding, str, str]] = [
    (machine.power(None), "SKIP", "not a Raspberry Pi"),
    (machine.power(0), "OK", "no under-voltage"),
    (machine.power(0x50005), "FAIL", "under-voltage now"),
    (machine.power(0x50000), "WARN", "since the last boot"),
    (machine.power(0x4), "WARN", "slowed down"),
    (machine.heat(None), "SKIP", ""),
    (machine.heat(45.2), "OK", "45 C"),
    (machine.heat(82.0), "WARN", "82 C"),
    (machine.system(DEBIAN, "aarch64"), "OK", "trixie"),
    (machine.system(DEBIAN, "armv7l"), "WARN", "armv7l"),
    (machine.system("ID=arch\n", "x86_64"), "WARN", "unknown system"),
    (machine.system(DEBIAN.replace("13", "11"), "aarch64"), "WARN", "11"),
    (machine.python((3, 11), "/x"), "OK", "3.11"),
    (machine.python((3, 9), "/x"), "FAIL", "3.9"),
    (machine.systemd(None, {}), "SKIP", ""),
    (machine.systemd(252, {"LoadState": "not-found"}), "SKIP", "not installed"),
    (machine.systemd(252, LOADED), "OK", "active"),
    (machine.systemd(247, LOADED), "WARN", "247"),
    (machine.systemd(257, {**LOADED, "ActiveState": "failed", "Result": "exit-code"}), "FAIL", "failed"),
    (machine.systemd(257, {**LOADED, "StatusText": "muted"}), "OK", "0 restarts: muted"),
    (
        machine.systemd(257, {**LOADED, "StatusText": "waiting for the sound card: no card"}),
        "WARN",
        "0 restarts: waiting for the sound card: no card",
    ),
    (machine.systemd(257, {**LOADED, "ActiveState": "activating", "NRestarts": "10"}), "FAIL", "10 restarts"),
    (
        machine.systemd(257, {**LOADED, "ActiveState": "activating", "SubState": "auto-restart"}),
        "FAIL",
        "activ",
    ),
    (
        machine.systemd(257, {**LOADED, "ActiveState": "activating", "SubState": "start"}),
        "WARN",
        "activating",
    ),
    (machine.systemd(257, {**LOADED, "ActiveState": "reloading"}), "WARN", "reloading"),
    (machine.systemd(257, {**LOADED, "ActiveState": "inactive"}), "WARN", "inactive"),
    (machine.memory("MemTotal: 425000 kB\nMemAvailable: 250000 kB\n"), "OK", "250 MB free of 425 MB"),
    (machine.memory("MemTotal: 425000 kB\nMemAvailable: 60000 kB\n"), "WARN", "60 MB"),
    (machine.storage(read_only=True, used_percent=10, errors=None), "OK", "read-only"),
    (machine.storage(read_only=False, used_percent=97, errors=0), "WARN", "97 %"),
    (machine.storage(read_only=False, used_percent=10, errors=3), "FAIL", "10 %"),
    (machine.clock(1970, None), "FAIL", "1970"),
    (machine.clock(2026, synchronised=False), "WARN", "not synchronised"),
    (machine.clock(2026, synchronised=True), "OK", "synchronised"),
    (machine.clock(2026, None), "OK", "plausible"),
    (access.groups("root", [], ["audio"]), "OK", "root"),
    (access.groups("pi", ["audio", "gpio"], ["audio"]), "OK", "audio"),
    (access.groups("pi", [], []), "OK", "all it needs"),
    (access.groups("pi", ["video"], ["audio", "gpio"]), "FAIL", "not in audio,gpio"),
    (access.device_node("gpio", None, "gpio", "buy one"), "WARN", "no such device"),
    (
        access.device_node("gpio", access.Node("/dev/gpiochip0", stat.S_IFCHR | 0o660, "gpio"), "gpio", ""),
        "OK",
        "gpio",
    ),
    (
        access.device_node("gpio", access.Node("/dev/gpiochip0", stat.S_IFCHR | 0o600, "root"), "gpio", ""),
        "FAIL",
        "root, mode 0600",
    ),
    (access.configuration("/etc/x", ""), "OK", "/etc/x"),
    (access.configuration("/etc/x", "line 3: no"), "FAIL", "refused"),
    (access.api_key(needed=False, source="", problem=""), "SKIP", "none is needed"),
    (access.api_key(needed=True, source="systemd credential", problem=""), "OK", "systemd credential"),
    (access.api_key(needed=True, source="", problem=""), "FAIL", "none found"),
    (access.api_key(needed=True, source="", problem="mode 0644"), "FAIL", "unusable"),
    (sound.cards(["Device", "vc4hdmi"], simulated=False), "OK", "Device, vc4hdmi"),
    (sound.cards([], simulated=False), "FAIL", "no sound card"),
    (sound.cards([], simulated=True), "SKIP", "simulated"),
    (sound.opened(sound.Opened(), service_active=False, simulated=False), "OK", "open"),
    (sound.opened(sound.Opened(), service_active=False, simulated=True), "SKIP", "simulated"),
    (
        sound.opened(sound.Opened("busy", busy=True), service_active=True, simulated=False),
        "OK",
        "running service",
    ),
    (
        sound.opened(sound.Opened("held by aplay", busy=True), service_active=False, simulated=False),
        "FAIL",
        "does not open",
    ),
    (
        sound.opened(sound.Opened("no such name"), service_active=True, simulated=False),
        "FAIL",
        "does not open",
    ),
    (sound.converter(installed=True), "OK", "installed"),
    (sound.converter(installed=False), "WARN", "no good converter"),
    (sound.room(ROOM), "OK", "room at -60 dBFS"),
    (sound.room(SILENCE), "FAIL", "silence"),
    (sound.room(SILENCE[:0]), "FAIL", "silence"),
    (sound.room(noise(-30)), "WARN", "-30 dBFS"),
    (sound.room(noise(-3)), "WARN", "clipped"),
    (sound.tone_heard(ROOM, (ROOM + TONE // 10).astype(np.int16), RATE), "OK", "above the room"),
    (sound.tone_heard(ROOM, noise(-60), RATE), "WARN", "at the microphone"),
    (sound.tone_heard(ROOM, np.full(RATE, 32767, np.int16), RATE), "WARN", "clips"),
    (sound.tone_heard(SILENCE, SILENCE, RATE), "WARN", "+0 dB"),
    (
        pins.chip([Chip("/dev/gpiochip0", "gpiochip0", "brcmvirt-gpio", 2), HEADER], {"x": 17}),
        "OK",
        "gpiochip4",
    ),
    (pins.chip([], {}), "SKIP", "no pin is named"),
    (pins.chip([], {"panel.button.pin": 17}), "FAIL", "no GPIO chip"),
    (pins.pressed(1.25, 15), "OK", "1.2 s"),
    (pins.pressed(None, 15), "WARN", "not pressed"),
    (network.reachable(network.Attempt("h", "done", seconds=0.5)), "OK", "lets us in"),
    (network.reachable(network.Attempt("h", "name", "unknown")), "FAIL", "h"),
    (network.reachable(network.Attempt("h", "connect", "refused")), "FAIL", "h"),
    (network.reachable(network.Attempt("h", "tls", "expired")), "FAIL", "h"),
    (network.reachable(network.Attempt("h", "handshake", "x", 401)), "FAIL", "h"),
    (network.reachable(network.Attempt("h", "handshake", "x", 404)), "FAIL", "h"),
    (network.reachable(network.Attempt("h", "handshake", "x", 429)), "WARN", "h"),
    (network.reachable(network.Attempt("h", "handshake", "x", 503)), "WARN", "h"),
    (network.reachable(network.Attempt("h", "handshake", "odd")), "FAIL", "h"),
    (network.reachable(network.Attempt("h", "session", "odd")), "FAIL", "h"),
]


@pytest.mark.parametrize(("finding", "verdict", "seen"), CASES)
def test_check(finding: Finding, verdict: str, seen: str) -> None:
    assert finding.verdict == verdict
    assert seen in finding.seen
    assert bool(finding.cause) == bool(finding.cure) == (verdict in {"WARN", "FAIL"}), (
        "cause and cure, or neither"
    )


def test_the_clock_against_the_servers() -> None:
    assert network.skew(network.Attempt("h", "done")) is None
    for seconds, verdict, seen in (
        (1.0, "OK", "agrees"),
        (900.0, "WARN", "900 s behind"),
        (-900.0, "WARN", "900 s ahead"),
    ):
        found = network.skew(network.Attempt("h", "done", skew_s=seconds))
        assert found is not None
        assert (found.verdict, seen in found.seen) == (verdict, True)


@pytest.mark.parametrize(
    ("modules", "options", "verdicts"),
    [
        (
            {"pyaudio", "webrtcvad", "livekit", "pocketsphinx"},
            ("auto", True, True),
            {"echo": "OK", "offline": "OK"},
        ),
        ({"pyaudio", "webrtcvad"}, ("auto", False, False), {"echo": "WARN"}),
        ({"pyaudio", "webrtcvad"}, ("cancel", False, False), {"echo": "FAIL"}),
        ({"pyaudio", "webrtcvad"}, ("half_duplex", False, False), {}),
        ({"pyaudio", "webrtcvad"}, ("off", True, True), {"offline": "FAIL"}),
        ({"pyaudio", "webrtcvad", "pocketsphinx"}, ("off", True, False), {"offline": "FAIL"}),
        (set(), ("off", False, False), {"pyaudio": "FAIL", "webrtcvad": "FAIL"}),
    ],
)
def test_parts_that_can_be_left_out(
    modules: set[str], options: tuple[str, bool, bool], verdicts: dict[str, str]
) -> None:
    echo, offline, espeak = options
    found = access.parts(dict.fromkeys(modules, True), echo=echo, offline=offline, espeak=espeak)
    assert {finding.name: finding.verdict for finding in found} == verdicts


def test_an_extra_that_the_settings_need() -> None:
    found = access.extras({"wakeword": "wake_word.enabled", "apa102": "panel.light.strip_leds"}, {"apa102"})
    assert [(finding.name, finding.verdict) for finding in found] == [("wakeword", "FAIL"), ("apa102", "OK")]
    assert "wake_word.enabled" in found[0].cause
    assert found[0].cure == "sudo speakerd extras add wakeword"


def test_who_holds_the_pins() -> None:
    named: dict[str, int | str] = {"a": 17, "b": 22, "c": 27, "d": "BOARD11"}
    lines = {"a": Line(17, False, ""), "b": Line(22, True, "lg"), "c": Line(27, True, "")}
    verdicts = [finding.verdict for finding in pins.held(named, lines, service_active=True)]
    assert verdicts == ["OK", "OK", "FAIL", "SKIP"]
    alone = pins.held(named, lines, service_active=False)
    assert [finding.verdict for finding in alone] == ["OK", "FAIL", "FAIL", "SKIP"]
    assert "held by lg" in alone[1].seen
    assert "held by the kernel" in alone[2].seen


def test_levels_are_those_of_known_signals() -> None:
    full = np.round(32767 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)).astype(np.int16)
    assert sound.dbfs(full) == pytest.approx(-3.01, abs=0.01)
    assert sound.band_dbfs(full, RATE) == pytest.approx(-3.01, abs=0.01)
    off_band = np.round(32767 * np.sin(2 * np.pi * 3000 * np.arange(RATE) / RATE)).astype(np.int16)
    assert sound.band_dbfs(off_band, RATE) < -60
    assert sound.dbfs(SILENCE) == sound.SILENCE_DBFS
    assert sound.dbfs(TONE) == pytest.approx(sound.TONE_DBFS - 3.01, abs=0.3)


def test_the_report_puts_cause_and_cure_below() -> None:
    findings = [Finding("one", "OK", "fine"), Finding("two", "FAIL", "bad", "because", "do this\nthen that")]
    assert report(findings).splitlines() == [
        "OK   one          fine",
        "FAIL two          bad",
        "                  because",
        "                  -> do this",
        "                  -> then that",
    ]
    assert "\033[31mFAIL" in report(findings, colour=True)
    assert summary(findings) == "1 fine, 0 to look at, 1 in the way"

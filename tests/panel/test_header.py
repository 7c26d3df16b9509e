"""All ways in which a pin may be written come to one number, the one that gpiozero takes it for."""

import gpiozero.pins.pi
import pytest

from speakerd.panel.header import gpio_of, pin_name

BOARD = gpiozero.pins.pi.PiBoardInfo.from_revision(0xA02082)


@pytest.mark.parametrize(
    "pin", [17, "17", "GPIO17", "gpio17", "BCM17", "BOARD11", "board11", "J8:11", "WPI0", " GPIO 17 "]
)
def test_one_pin_in_all_notations(pin: int | str) -> None:
    assert gpio_of(pin) == 17
    assert pin_name(pin) == "GPIO17 (pin 11)"


@pytest.mark.parametrize("place", range(1, 41))
def test_each_place_is_what_gpiozero_says(place: int) -> None:
    (found,) = BOARD.find_pin(f"BOARD{place}")
    theirs = found[1].name
    if theirs.startswith("GPIO"):
        assert f"GPIO{gpio_of(f'BOARD{place}')}" == theirs
    else:
        with pytest.raises(
            ValueError, match=rf"pin {place} of the header is (ground|5 V|3\.3 V), which cannot"
        ):
            gpio_of(f"BOARD{place}")


@pytest.mark.parametrize("number", range(32))
def test_each_number_of_wiringpi_is_what_gpiozero_says(number: int) -> None:
    theirs = [found[1].name for found in BOARD.find_pin(f"WPI{number}") if found[1].name.startswith("GPIO")]
    try:
        assert [f"GPIO{gpio_of(f'WPI{number}')}"] == theirs
    except ValueError:
        assert theirs == []


@pytest.mark.parametrize(
    ("pin", "reason"),
    [
        (99, "there is no GPIO99: the header has GPIO0 to GPIO27"),
        (-1, "this is no pin"),
        (28, 'pin 28 of the header is written "BOARD28": GPIO1'),
        (33, 'pin 33 of the header is written "BOARD33": GPIO13'),
        (39, 'pin 39 of the header is written "BOARD39": ground, which cannot be switched or read'),
        ("pin 11", "a place on the header is written BOARD11: GPIO17"),
        ("Pin 6", "a place on the header is written BOARD6: ground"),
        ("pin 99", "this is no pin"),
        ("BOARD41", "the header has 40 pins"),
        ("BOARD0", "the header has 40 pins"),
        ("WPI17", "there is no pin 17 in the numbers of WiringPi"),
        ("button", "this is no pin: write the number of its GPIO"),
        ("GPIO", "this is no pin"),
    ],
)
def test_what_is_no_pin_is_told_why(pin: int | str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        gpio_of(pin)
    assert reason in str(caught.value)
    assert pin_name(pin) == str(pin)

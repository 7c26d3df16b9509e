"""A line of a file as it is shown below a message: with a caret, cut to a terminal's width, without secrets."""

from speakerd.config import secrets

_WIDTH = 90


def excerpt(line: str, column: int, number: int, *, secret: bool = False) -> str:
    """Return the line with its number, and below it a caret.

    Args:
        line: without its newline.
        column: from 1; where the caret stands.
        number: of the line.
        secret: the value in the line must not be shown, whatever it is.
    """
    at = min(max(column - 1, 0), len(line))
    shown = secrets.masked_line(line, whole=secret)
    if shown != line:
        at = min(at, shown.index(secrets.MASK) if secrets.MASK in shown else len(shown))
    begin = max(0, at - _WIDTH * 2 // 3)
    window = shown[begin : begin + _WIDTH]
    window = "".join(char if char.isprintable() else ("?" if char != "\t" else " ") for char in window)
    before, after = "[...]" if begin else "", "[...]" if begin + _WIDTH < len(shown) else ""
    lead = f"    {number} | "
    return f"{lead}{before}{window.rstrip()}{after}\n{' ' * (len(lead) - 2)}| {' ' * (len(before) + at - begin)}^"

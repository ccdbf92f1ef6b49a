"""Parse a whole number from text that a client or the environment wrote."""

_MAX_DIGITS = 19  # `int()` takes time quadratic in the length of its text


def bounded_int(text: str, lowest: int, highest: int) -> int | None:
    """The decimal number in `text`, ASCII digits alone; None if it is anything else or out of range."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
        return None
    number = int(text)
    return number if lowest <= number <= highest else None

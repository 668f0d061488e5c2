"""How an amount is typed: by a till's keys, or as people write it."""

KEYS = ("7", "8", "9", "4", "5", "6", "1", "2", "3", ".", "0", "back", "clear")
LENGTH_MAX = 60
ARABIC = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫", "01234567890123456789.")


def plain(text: str) -> str:
    """Write an amount as programs do: Arabic digits and point as ASCII, no zeros in front.

    What is no amount stays none: whoever parses it refuses it.
    """
    whole, point, fraction = text.strip().translate(ARABIC).partition(".")
    if not (whole + fraction).isdecimal():
        return whole + point + fraction
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


def press(shown: str, key: str, places: int) -> str:
    """Return what a till shows after a key; one that makes no amount of it changes nothing.

    `places` is how many decimals the currency has.
    """
    if key == "clear":
        return ""
    if key == "back":
        return shown[:-1]
    if key not in KEYS or len(shown) >= LENGTH_MAX:
        return shown
    _, point, fraction = shown.partition(".")
    if key == ".":
        return shown if point or not places else (shown or "0") + "."
    if point:
        return shown + key if len(fraction) < places else shown
    return key if shown == "0" else shown + key

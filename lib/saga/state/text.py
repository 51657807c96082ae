"""Text that can be stored: whatever an exception, an operator or a file name says."""


def storable(text: str, most: int) -> str:
    """Return a text as Datastore takes it: UTF-8 without NUL, and at most `most` bytes of that.

    An unpaired surrogate, as in a file name that is not UTF-8, is written as its escape. A text
    that is cut ends in an ellipsis, and never in half a character.
    """
    encoded = text.replace("\0", "\\x00").encode(errors="backslashreplace")
    if len(encoded) <= most:
        return encoded.decode()
    return encoded[: most - len("…".encode())].decode(errors="ignore") + "…"

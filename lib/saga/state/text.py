"""Text that Datastore can store, from an exception, an operator or a file name."""


def storable(text: str, most: int) -> str:
    """Return a text without NUL, truncated to at most `most` bytes of UTF-8.

    An unpaired surrogate, as in a file name that is not UTF-8, becomes an escape. A truncated text
    ends in an ellipsis, and never in half a character.
    """
    encoded = text.replace("\0", "\\x00").encode(errors="backslashreplace")
    if len(encoded) <= most:
        return encoded.decode()
    return encoded[: most - len("…".encode())].decode(errors="ignore") + "…"


def size_of(text: str) -> int:
    """Return the size of a text in bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode(errors="backslashreplace"))

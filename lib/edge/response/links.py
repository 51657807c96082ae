"""The address of another function, for a Location header."""

from urllib.parse import quote, urlsplit

import flask

from lib.config import config
from lib.edge.caller.access import BY_WAY_OF_API


def link_to(request: flask.Request, own: str, other: str, **query: str) -> str:
    """Return the address of function `other`, for an answer of function `own`.

    Both are deployed names. On Cloud Run each function may be a service with its own host name,
    which contains the function's name. Elsewhere all functions are at one host, and the link is
    relative to the request.
    """
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    root = urlsplit(config().base_url)
    if BY_WAY_OF_API not in request.environ and f"{own}-" in root.netloc:
        return f"{root.scheme}://{root.netloc.replace(f'{own}-', f'{other}-', 1)}/?{asked}"
    above = "../" if request.path.endswith("/") and request.path.strip("/") else ""
    return f"{above}{other}?{asked}"

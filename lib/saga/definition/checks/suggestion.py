"""What to write in place of an unknown parameter, or when one is missing."""

from collections.abc import Sequence
from inspect import Parameter, Signature

#: Names of parameters in other engines, or that people expect, and their names here.
_SYNONYMS = {
    "action": ("execute",),
    "attempts": ("retry", "compensation_retry"),
    "backoff": ("factor", "retry"),
    "condition": ("when",),
    "delay": ("after",),
    "duration": ("after",),
    "expires": ("within", "deadline"),
    "function": ("execute",),
    "handler": ("execute",),
    "max_attempts": ("attempts", "retry"),
    "max_retries": ("attempts", "retry"),
    "revert": ("compensate",),
    "rollback": ("compensate",),
    "run": ("execute",),
    "seconds": ("after",),
    "timeout": ("within", "deadline"),
    "type": ("payload", "output"),
    "undo": ("compensate",),
    "until": ("after", "within"),
}

_RETRY = "retry=RetryPolicy(attempts=...)"


def suggest(kind: str, called: Signature, values: Sequence[object], options: Sequence[str]) -> str:
    """Return what to write in place of a call of `kind` that does not fit its signature."""
    parameters = [each for each in called.parameters.values() if each.name != "self"]
    if any(each.kind is Parameter.VAR_POSITIONAL for each in parameters):
        return f"write {kind}(a, b), without names"
    names = [each.name for each in parameters]
    unknown = [each for each in options if each not in names]
    if unknown:
        closest = _find_closest(unknown[0], names)
        return f"write {closest}" if closest else f"it takes {', '.join(names)}"
    left = [each for each in parameters[len(values) :] if each.name not in options]
    # Required parameters come first: they are the most likely ones to be meant.
    left.sort(key=lambda each: each.default is not Parameter.empty)
    hint = f"; write {left[0].name}=... with its name" if left else ""
    return f"it takes {', '.join(names)}{hint}"


def _find_closest(unknown: str, names: list[str]) -> str:
    from difflib import get_close_matches  # only for mistakes: cold starts do not load it

    known = [name for name in _SYNONYMS.get(unknown, ()) if name in names]
    close = known or get_close_matches(unknown, names, n=1, cutoff=0.6)
    if not close:
        return ""
    return _RETRY if unknown != "retry" and close[0] == "retry" else f"{close[0]}="

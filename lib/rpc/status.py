"""The status and the details of a failed call."""


def code_of(error: BaseException) -> str:
    """Return the name of a gRPC error's status, such as `ABORTED`; "" for any other error."""
    code = getattr(error, "code", None)
    status = code() if callable(code) else None
    return getattr(status, "name", "")


def details_of(error: BaseException) -> str:
    """Return a gRPC error's details; for any other error, its text."""
    details = getattr(error, "details", None)
    return str(details()) if callable(details) else str(error)

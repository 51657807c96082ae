"""What a failed call says."""


def code_of(error: BaseException) -> str:
    """Return the name of a gRPC status such as `ABORTED`, or "" for what is no gRPC error."""
    code = getattr(error, "code", None)
    status = code() if callable(code) else None
    return getattr(status, "name", "")


def details_of(error: BaseException) -> str:
    """Return what the service said about an error."""
    details = getattr(error, "details", None)
    return str(details()) if callable(details) else str(error)

"""Property masks of requests: which properties of the entities a response contains."""

from typing import Any

from local.datastore.encoding.messages import Message
from local.datastore.write.paths import Path, parse_mask, pick_properties


def read_mask(request: Message) -> list[Path] | None:
    """Return the mask of a request; None for all properties."""
    return parse_mask(request.property_mask) if request.HasField("property_mask") else None


def mask_results(results: Any, mask: list[Path]) -> None:
    """Remove the properties that a mask does not name from entity results."""
    for result in results:
        result.entity.CopyFrom(pick_properties(result.entity, mask))

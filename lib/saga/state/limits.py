"""The maximum sizes of what a saga stores, in bytes unless they say otherwise."""

#: A payload. One over `MAX_INLINE` has an entity of its own, which Datastore limits to 1 MiB.
MAX_PAYLOAD = 900 * 1024

#: An output of a step, or the payload of a signal; stored like a payload.
MAX_OUTPUT = 900 * 1024

#: A value in the saga's record. A larger one has an entity of its own.
MAX_INLINE = 16 * 1024

#: A saga's record as a whole: lists read fifty of them at a time.
MAX_RECORD = 64 * 1024

#: The events in a saga's record; older ones move to entities of their own.
MAX_RECENT_EVENTS = 12 * 1024

#: The events in a saga's record, and in each entity of older ones: a page of the audit trail.
MAX_PAGE_EVENTS = 100

#: An error's text, which is stored, shown and logged.
MAX_ERROR = 500

#: The errors of all steps together, in a saga's record. Its events have the full errors.
MAX_ERRORS = 8 * 1024

#: Why a saga was rolled back or parked, in its record; it may join the errors of a whole group.
MAX_SUMMARY = 2 * 1024

#: The reason of an operator, or an error, in an event.
MAX_TEXT = 8 * 1024

#: All sagas that begin in one commit. A commit takes 10 MiB; this leaves room for the rest.
MAX_NEW_BYTES = 6 * 1024 * 1024

"""The maximum sizes of what a saga stores, in bytes unless they say otherwise."""

#: A payload is stored in the saga's entity, which Datastore limits to 1 MiB.
MAX_PAYLOAD = 512 * 1024

#: An output is stored in its step's entity, together with the payload of its signal.
MAX_OUTPUT = 256 * 1024

#: An error's text is short: it is stored, shown and logged.
MAX_ERROR = 500

#: The reason of an operator, or the errors of all members of a group together.
MAX_TEXT = 8 * 1024

#: What begins in one commit weighs at most this, which leaves room for the rest: a commit takes 500
#: writes and 10 MiB. A record weighs 1, and 1 more for each BYTES_PER_WEIGHT of its JSON.
MAX_WEIGHT = 400
BYTES_PER_WEIGHT = 16 * 1024

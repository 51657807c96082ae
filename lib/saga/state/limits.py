"""How large things may be that a saga keeps."""

#: A payload is kept in the saga's entity, which Datastore limits to 1 MiB as a whole.
MAX_PAYLOAD = 512 * 1024

#: An output is stored in its step's entity, and with it what its signal has brought.
MAX_OUTPUT = 256 * 1024

#: An error's text is kept short, in bytes: it is stored, shown and logged.
MAX_ERROR = 500

#: What an operator says, or all members of a group together, in bytes.
MAX_TEXT = 8 * 1024

#: What begins with one commit weighs at most this, leaving room for the rest of it: a commit takes
#: 500 writes and 10 MiB. A record weighs 1, and 1 more for each of these bytes of JSON.
MAX_WEIGHT = 400
BYTES_PER_WEIGHT = 16 * 1024

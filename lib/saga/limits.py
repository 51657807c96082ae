"""How large things may be that a saga keeps."""

from datetime import timedelta

#: A payload is kept in the saga's entity, which Datastore limits to 1 MiB as a whole.
LARGEST_PAYLOAD = 512 * 1024

#: An output is stored in its step's entity, and with it what its signal has brought.
LARGEST_OUTPUT = 256 * 1024

#: An error's text is kept short: it is stored, shown and logged.
LONGEST_ERROR = 500

#: Cloud Tasks schedules at most 30 days ahead.
MAX_PAUSE = timedelta(days=29)

#: An action that has failed so often is a matter for a person.
MAX_ATTEMPTS = 1000

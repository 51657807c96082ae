"""Steps that are calls to a service's URL.

http_call       the action that an author declares, and the table of what each answer means
answer          what a service's answer means for the saga
exchange        a request and its answer; network: what sends it; internet: the real network
id_tokens       OIDC tokens that identify the caller; secret_headers: keys from the environment

It imports `definition` and `author_code`, and no HTTP client before a call is made. The engine does
not import it.
"""

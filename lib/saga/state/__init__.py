"""What a saga leaves in Datastore, and what of it may be stored and shown.

records      the entities: Saga with its steps, SagaEvents, SagaValue, DeadLetter
layout       how a saga becomes one record, and what moves out of it
values       large values, which a record only refers to
delivery     the message between two deliveries, and its task name
payload      payloads as canonical JSON
mismatch     whether stored JSON still fits its declared type
privacy      what of a saga may be shown; redaction: how secrets are taken out
text         texts that Datastore takes; limits: how large things may be

It imports `definition`; the machine and the engine import it.
"""

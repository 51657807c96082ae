"""The stored form of a saga, and which of its data may be stored and shown.

records      the entities: Saga with its steps, SagaEvents, SagaSteps, SagaValue, DeadLetter
step_pages   where a saga with many steps keeps them
layout       how a saga is packed into one record, and what moves out of it
values       large values, which a record only refers to
delivery     the message that makes the worker run one action, and its task name
payload      payloads as canonical JSON
mismatch     whether stored JSON still fits its declared type
privacy      which data of a saga may be shown; redaction: removes secrets
text         texts that Datastore can store; limits: maximum sizes

It imports `definition`; the machine and the engine import it.
"""

"""The pure machine: from records and an input to new records, with no I/O, clock or randomness.

`decide` is the entry; `inputs` lists everything that can happen to a saga, `input_checks` refuses
what cannot, and `causes` has the codes for why a state changed. `forward/` and `backward` run steps
and their compensations, `children` records the ends of child sagas, `operator/` applies requests,
`start/` begins sagas and steps, and `decision/` builds the decision.
`outstanding`, `waits` and `replay` read records. Imports point down: decide -> operator, children,
start -> forward -> backward -> schedule -> decision -> inputs, causes. Nothing imports engine/.
"""

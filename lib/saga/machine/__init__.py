"""The pure machine: from records and an input to new records, with no I/O, clock or randomness.

`decide` is the entry; `inputs` lists everything that can happen to a saga and `causes` why a state
changed. `forward/` and `backward` run the steps and their compensations, `operator/` carries out
requests, `starting/` begins the next steps, and `decision/` holds a decision while it is made.
`outstanding`, `waits` and `replay` read records. Imports point down: decide -> operator, starting
-> forward -> backward -> schedule -> decision -> causes. Nothing here imports the engine.
"""

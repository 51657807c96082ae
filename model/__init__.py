"""A model of the saga protocol, and what runs it: `make model`, `make model-long`.

The model is in `promela/`: saga.pml is one saga, family.pml a parent and its child. spin explores
every schedule of it. `configurations` lists what is explored and what must come of it, the broken
twins among them; `checker` compiles and runs one configuration; `docs/model.md` has the results.
Imports nothing of the rest.
"""

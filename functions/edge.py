"""The decorator of our HTTP functions, and what they may ask for by a parameter's name."""

from functions import wiring
from lib.edge.endpoint import Edge

endpoint = Edge(wiring.verifier, store=wiring.store, engine=wiring.engine).endpoint

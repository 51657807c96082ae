"""What is wrong with a declaration, said in words when it is made: a fault is one sentence.

Each function named `faults_of_...` yields the faults of one thing, and nothing where it is right.
"""

from lib.saga.definition.checks.error import DeclarationError, refuse

__all__ = ["DeclarationError", "refuse"]

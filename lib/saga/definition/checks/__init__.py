"""Checks a declaration when it is constructed, and describes each fault in one sentence.

Each function named `faults_of_...` yields the faults of one thing, and nothing if there are none.
"""

from lib.saga.definition.checks.error import DeclarationError, refuse

__all__ = ["DeclarationError", "refuse"]

"""Tests, one folder per tier.

unit      one module or package, in this process: tests/support/unit_guard.py refuses sockets and
          processes (tests/unit/explore runs whole sagas on a store in memory)
contract  over a port: the local servers, and Google's emulators where those are
          installed, and remote steps with the services that they call
http      functions behind their edge
saga      sagas on the whole system, and what operators do to them
stack     processes: started, killed, restored
deploy    set-up, builds and alerts; play/ plays them by the real gcloud
docs      README and docs/
browser   the pages in Chromium: `make test-browser`, skipped where there is none, and in CI

In addition: support/ (shared by several tiers), fuzz/ and mutants/ (programs of targets of
the Makefile; each has a short test of its own beside it, so that it cannot rot).
"""

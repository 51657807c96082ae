"""Tests of the pure machine, `lib/saga/machine`; `build` plays a saga by its decisions."""

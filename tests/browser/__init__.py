"""The pages that the project shows people, in a real browser: `make test-browser`, never in CI."""

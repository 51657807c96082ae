"""Installs engines from PyPI, npm and Debian, as `requirements/` pins them. Imports no room."""

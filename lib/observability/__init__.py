"""What an operator sees: log lines, one of them for each request, traces, and places of errors.

`telemetry` and `otlp` export spans and metrics where OpenTelemetry is configured. Imports
lib.config alone.
"""

"""What operators see: log lines, one per request, traces, and stack traces of errors.

`telemetry` and `otlp` export spans and metrics where OpenTelemetry is configured. Imports
lib.config alone.
"""

"""What operators see: log lines, one for each request, traces, and stack traces of errors.

`telemetry` and `otlp` export spans and metrics if OpenTelemetry is configured. Imports only
lib.config.
"""

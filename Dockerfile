# One image serves every function; FUNCTION_TARGET selects which one a service runs.
ARG BASE=python:3.11-slim
FROM ${BASE}
ARG REQUIREMENTS=requirements.lock
WORKDIR /app
COPY requirements.lock requirements-telemetry.lock ./
RUN pip install --no-cache-dir --compile --only-binary=:all: --require-hashes -r "$REQUIREMENTS"
COPY main.py ./
COPY functions functions
COPY domain domain
COPY lib lib
# Without compiled bytecode a cold start takes several times as long.
RUN python -m compileall -q main.py functions domain lib && useradd --no-create-home amends
USER amends
ENV PYTHONUNBUFFERED=1 FUNCTION_TARGET=api
CMD ["functions-framework"]

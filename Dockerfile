# One image for every function: FUNCTION_TARGET chooses which one a service runs.
FROM python:3.11-slim
ARG REQUIREMENTS=requirements.txt
WORKDIR /app
COPY requirements.txt requirements-telemetry.txt ./
RUN pip install --no-cache-dir --compile -r "$REQUIREMENTS"
COPY main.py ./
COPY functions functions
COPY lib lib
# A cold start without compiled bytecode takes several times as long.
RUN python -m compileall -q main.py functions lib && useradd --no-create-home amends
USER amends
ENV PYTHONUNBUFFERED=1 FUNCTION_TARGET=api
CMD ["functions-framework"]

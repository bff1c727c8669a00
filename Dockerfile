# The bot alone: no compiler, no tests, no local Slack, not root. `docker build -t countersign .`
#
# The images are named by what is in them, so that a build tomorrow starts from the same. To move on:
# `docker buildx imagetools inspect python:3.13-slim` prints the digest of today's.
FROM python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS build
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE manifest.yml langgraph.json ./
COPY bot ./bot
COPY graphs ./graphs
COPY tools/runtime_only.py ./tools/
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock \
    && /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /venv/bin/python tools/runtime_only.py mail mcp

FROM python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
RUN useradd --create-home --uid 10001 countersign
COPY --from=build /venv /venv
WORKDIR /app
COPY --chown=countersign graphs ./graphs
COPY --chown=countersign langgraph.json policies.yaml manifest.yml ./
RUN mkdir -p var/files && chown -R countersign var && install -d -m 700 -o countersign state
USER countersign
# The state folder is the container's own: its heartbeats say how the roles in it are, and no other.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 STATE_DIR=/app/state
# Healthy as long as storage answers and a gateway is connected to Slack: each role says so at each sweep.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "bot.runtime.health"]
STOPSIGNAL SIGTERM
# Both roles, each in a process of its own; `--role gateway` or `--role worker` runs one alone.
CMD ["python", "-m", "bot", "run"]

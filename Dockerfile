# The bot alone: no compiler, no tests, no local Slack, not root. `docker build -t countersign .`
#
# It runs on a read-only root file system. It writes to /app/state (STATE_DIR), the shipped graphs to /app/var, and
# Python to /tmp:
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     --env-file .env -v countersign-state:/app/state -v countersign-files:/app/var countersign
#
# The images are named by what is in them, so that a build tomorrow starts from the same. To move on:
# `docker buildx imagetools inspect python:3.13-slim` prints the digest of today's.
FROM python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS build
# For `strip`: the symbols of compiled packages, which nobody debugs here, take 55 MB.
RUN apt-get update && apt-get install --yes --no-install-recommends binutils
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE manifest.yml langgraph.json ./
COPY bot ./bot
COPY graphs ./graphs
COPY tools/runtime_only.py ./tools/
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /venv/bin/python tools/runtime_only.py mail mcp \
    && find /venv -name '*.so' -exec strip --strip-unneeded {} +

FROM python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
ARG REVISION=""
LABEL org.opencontainers.image.title="Countersign" \
    org.opencontainers.image.description="The Slack approval channel for AI agents" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.revision="${REVISION}"
RUN useradd --create-home --uid 10001 countersign
COPY --from=build /venv /venv
WORKDIR /app
COPY --chown=countersign graphs ./graphs
COPY --chown=countersign langgraph.json policies.yaml manifest.yml ./
RUN mkdir -p var/files && chown -R countersign var && install -d -m 700 -o countersign state
# A number, because Kubernetes cannot tell of a name that it is not root's.
USER 10001
# The state folder is the container's own: its heartbeats say how the roles in it are, and no other.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 STATE_DIR=/app/state
# Healthy as long as storage answers and a gateway is connected to Slack: each role says so at each sweep.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "bot.runtime.health"]
STOPSIGNAL SIGTERM
# Both roles, each in a process of its own; `--role gateway` or `--role worker` runs one alone.
CMD ["python", "-m", "bot", "run"]

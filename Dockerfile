# One image for every process of the application; docker-compose.yml gives each its command.

FROM python:3.13.7-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /app
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml uv.lock README.md ./
RUN uv sync --locked --no-dev --no-group local --no-install-project
COPY gateway gateway
COPY workers workers
RUN uv sync --locked --no-dev --no-group local --no-editable

FROM python:3.13.7-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin mizan \
    && install -d -o mizan -g mizan -m 700 /var/lib/mizan
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 MIZAN_HOME=/var/lib/mizan
WORKDIR /var/lib/mizan
USER mizan
CMD ["python", "-m", "gateway.cli", "--help"]

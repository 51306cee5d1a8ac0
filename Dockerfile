# One image for web, worker, beat and migrate: the start command chooses.
# It runs as a user without rights on a read-only root file system; only /tmp is written to.

FROM python:3.12-slim AS build
WORKDIR /app
# requirements/run.txt and what sends spans where the OTEL_ variables say so.
COPY requirements/otel.txt requirements/otel.txt
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/otel.txt
COPY . .
# Settings want keys; these are made for this step alone and thrown away with it.
RUN PROMPTHUB_STATE_DIR=/tmp/build /venv/bin/python manage.py collectstatic --no-input --verbosity 0 && rm -rf /tmp/build

FROM python:3.12-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PROMPTHUB_HOST=0.0.0.0
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin prompthub
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER 10001
EXPOSE 8000
CMD ["python", "manage.py", "serve"]

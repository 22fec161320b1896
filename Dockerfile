# One image for all processes of TCPDashboard; docker-compose.yml says which one a container is.
FROM python:3.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv /opt/venv
COPY requirements.lock ./
RUN /opt/venv/bin/pip install --require-hashes --no-deps -r requirements.lock
# Here is only what .dockerignore lets through.
COPY . .
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation --config-settings editable_mode=compat --editable . \
    && /opt/venv/bin/python -m compileall -q /app

FROM python:3.12-slim-bookworm
RUN useradd --uid 10001 --create-home --home-dir /var/lib/tcpdash --shell /usr/sbin/nologin tcpdash
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/var/lib/tcpdash TCPDASH_HOME=/var/lib/tcpdash
WORKDIR /app
USER 10001
VOLUME /var/lib/tcpdash
ENTRYPOINT ["tcpdash"]
CMD ["--help"]

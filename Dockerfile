# One image for every role: a department's node, the one-shot deployment, and (for development) the chain.
# No secret goes in: keys, passphrases and tokens come at run time, into volumes and variables.
#
# BASE_IMAGE and NODE_IMAGE may be replaced where no image registry can be reached (scripts/build-base-image).
ARG BASE_IMAGE=python:3.11-slim-bookworm
ARG NODE_IMAGE=node:20-bookworm-slim

# -- anvil, from the lock of contracts/ ----------------------------------------------------------------
FROM ${NODE_IMAGE} AS foundry
WORKDIR /foundry
COPY contracts/package.json contracts/package-lock.json contracts/.npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error \
 && cp -L node_modules/.bin/anvil /usr/local/bin/anvil \
 && rm -rf node_modules

# -- the Python environment, from the locks; every hash is checked -------------------------------------
FROM ${BASE_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
RUN python3 -m venv /opt/xinlian && python3 -m venv /opt/backend
COPY requirements.lock requirements-build.lock ./
RUN /opt/xinlian/bin/pip install --quiet --no-deps --require-hashes -r requirements.lock \
 && /opt/backend/bin/pip install --quiet --no-deps --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN /opt/backend/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /build/wheels . \
 && /opt/xinlian/bin/pip install --quiet --no-deps --no-index /build/wheels/*.whl \
 && /opt/xinlian/bin/pip uninstall --quiet --yes pip setuptools

# -- what runs -----------------------------------------------------------------------------------------
FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="xinlian" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=foundry /usr/local/bin/anvil /usr/local/bin/anvil
COPY --from=build /opt/xinlian /opt/xinlian
COPY docker/ /opt/xinlian/docker/
# volumes take owner and mode of these folders when they are first used
RUN groupadd --gid 10001 xinlian \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/xinlian --shell /usr/sbin/nologin xinlian \
 && install -d -o xinlian -g xinlian -m 0700 /var/lib/xinlian /var/lib/chain \
 && install -d -o xinlian -g xinlian -m 0755 /var/lib/deployment /var/lib/requests
ENV PATH=/opt/xinlian/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    XINLIAN_DATA_DIR=/var/lib/xinlian XINLIAN_DEPLOYMENT=/var/lib/deployment/deployment.json \
    XINLIAN_LISTEN_HOST=0.0.0.0 XINLIAN_LISTEN_PORT=8700 XINLIAN_URL=http://127.0.0.1:8700
USER 10001:10001
WORKDIR /var/lib/xinlian
EXPOSE 8700
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=6 CMD ["/opt/xinlian/docker/healthy"]
ENTRYPOINT []
CMD ["xinlian", "node", "serve"]

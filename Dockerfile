# The operator's image: a virtual environment from the locked, hashed requirements, and nothing that builds anything.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/hotfix
COPY requirements.lock ./
RUN /opt/hotfix/bin/pip install --no-deps --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator ./operator
RUN /opt/hotfix/bin/pip install --no-deps . \
    && /opt/hotfix/bin/python -m compileall -q /opt/hotfix/lib \
    && /opt/hotfix/bin/pip uninstall --yes --quiet pip

FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="hotfix-operator" \
      org.opencontainers.image.description="Ships a hotfix into a burning production system safely" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/hotfix /opt/hotfix
ENV PATH=/opt/hotfix/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["hotfix-operator"]

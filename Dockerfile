# The operator's image: a Python, the locked and hashed requirements, the operator; nothing in it installs or builds.
# BASE_IMAGE is the Python that it runs on; one without shell and pip (distroless) is built on with a BUILD_IMAGE that has
# them and the same minor version of Python.
ARG BASE_IMAGE=python:3.13-slim
ARG BUILD_IMAGE=${BASE_IMAGE}

FROM ${BUILD_IMAGE} AS build
ARG VERSION=0.1.0
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.lock /build/
RUN pip install --no-deps --require-hashes --only-binary :all: --no-compile --target /opt/hotfix -r /build/requirements.lock \
    && rm -rf /opt/hotfix/bin
COPY operator/hotfix /opt/hotfix/hotfix
# what `pip install .` would write: --version reads it, and a build backend is not among what is locked
RUN mkdir /opt/hotfix/hotfix_operator-${VERSION}.dist-info \
    && printf 'Metadata-Version: 2.1\nName: hotfix-operator\nVersion: %s\n' ${VERSION} \
        > /opt/hotfix/hotfix_operator-${VERSION}.dist-info/METADATA \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/hotfix

# The base without what installs packages. In the form that needs no shell: the base may have none.
FROM ${BASE_IMAGE} AS base
COPY deploy/trim.py /trim.py
RUN ["python3", "/trim.py"]

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="hotfix-operator" \
      org.opencontainers.image.description="Ships a hotfix into a burning production system safely" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=base / /
COPY --from=build /opt/hotfix /opt/hotfix
ENV PATH=/usr/local/bin:/usr/bin:/bin PYTHONPATH=/opt/hotfix PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["python3", "-m", "hotfix"]

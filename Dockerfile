# What each node of a cluster runs: Ray, turnwise, ffmpeg; the target cuda has vLLM too.
#
#   docker build --target cpu -t turnwise:cpu .
#   docker build --target cuda -t turnwise:cuda .
#
# The versions of the target cpu are those of requirements.lock. vLLM says by its own version which
# torch and which CUDA it is built for, so what the target cuda adds is resolved when it is built.
FROM python:3.11-slim-bookworm AS cpu

SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# Debian's ffmpeg, and what Ray's cluster tools and health checks call.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ffmpeg wget openssh-client rsync procps \
    && rm -rf /var/lib/apt/lists/*

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1 \
    RAY_USAGE_STATS_ENABLED=0 HF_HOME=/cache/hf

WORKDIR /opt/turnwise
COPY requirements.lock ./
RUN python -m pip install --require-hashes -r requirements.lock
COPY . .
RUN python -m pip install --no-deps --no-build-isolation . \
    && useradd --create-home --uid 1000 ray \
    && mkdir -p /cache/hf \
    && chown -R ray /cache

USER 1000
WORKDIR /home/ray
CMD ["turnwise", "--help"]

FROM cpu AS cuda
USER root
# CUDA comes with the wheels of torch; the driver comes with the machine.
RUN python -m pip install '/opt/turnwise[vllm,s3,gcs]'
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 1000

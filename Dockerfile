# The HTTP API and the command line without Lambda:
#   docker build -t clothes-classifier . && docker run -p 8000:8000 clothes-classifier
# Any image with Python 3.11 or later and pip can be the base.
ARG BASE_IMAGE=python:3.13-slim

# pip and its leftovers stay in this stage.
FROM ${BASE_IMAGE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.txt infra/packaging/pruning.py infra/packaging/stripping.py /build/
WORKDIR /build
# Pruned and stripped as for Lambda: half of what pip installs never runs.
RUN python -m pip install --quiet --target=/packages --require-hashes --requirement=requirements.txt \
    && python -c "from pathlib import Path; from pruning import prune; prune(Path('/packages'))" \
    && python -m pip install --quiet --target=/packages uvicorn==0.54.0 httptools==0.9.0 uvloop==0.23.0 \
    && python -c "from pathlib import Path; from stripping import strip_shared_objects; strip_shared_objects(Path('/packages'))"

FROM ${BASE_IMAGE}
WORKDIR /app
COPY --from=packages /packages /packages
COPY handler handler
# Another model's folder, or its run's, below runs/: --build-arg MODEL=runs/my-shop
ARG MODEL=handler/model
COPY ["${MODEL}", "model"]
ENV MODEL_DIR=/app/model PORT=8000 PYTHONPATH=/packages PYTHONUNBUFFERED=1
# The user below cannot write bytecode at run time.
RUN python -m compileall -q handler

# A number needs no entry in the base image's /etc/passwd, and Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health', timeout=4)"]
ENTRYPOINT ["python", "-m", "handler"]
CMD ["serve", "--host", "0.0.0.0"]

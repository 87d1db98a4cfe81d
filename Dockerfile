# Skymill in a container; docs/containers.md says how it is built, run and tested.
# Of its base it wants Python 3.11 (with venv) on glibc, x86-64.
ARG BASE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${BASE} AS build
# Where a site has an index of its own.
ARG PIP_INDEX_URL
ARG UV_DEFAULT_INDEX
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
WORKDIR /build
COPY requirements.lock pyproject.toml ./
COPY envs/locked.py envs/runtime.py envs/
# The lock holds uv itself; pip installs that one line, uv what running needs, every file by its hash.
RUN python3 -m venv tools \
    && awk '/^[a-z]/ {keep = /^uv==/} keep' requirements.lock > uv.lock \
    && tools/bin/pip install --quiet --no-cache-dir --require-hashes -r uv.lock \
    && python3 envs/runtime.py slurm > runtime.lock \
    && python3 -m venv --without-pip /opt/venv \
    && tools/bin/uv pip sync --quiet --no-cache --link-mode copy \
        --python /opt/venv/bin/python --require-hashes runtime.lock
# Left out: the large packages' tests, headers, and solvers for other machines.
RUN cd /opt/venv/lib/python3.11/site-packages \
    && find matplotlib numba numpy pandas pyarrow scipy sklearn -type d -name tests -prune \
        -exec rm -rf {} + \
    && rm -rf pyarrow/include pulp/solverdir/cbc/osx pulp/solverdir/cbc/win \
        pulp/solverdir/cbc/linux/arm64 pulp/solverdir/cbc/linux/i32
COPY LICENSE README.md Snakefile /opt/skymill/
COPY config /opt/skymill/config
COPY envs /opt/skymill/envs
COPY resources /opt/skymill/resources
COPY workflow /opt/skymill/workflow
# Bytecode is part of the image: nobody can add it later, and without it each job would compile all
# that it imports anew. It doesn't ask for the source's time, so it is the same in every build.
RUN chmod -R a+rX /opt/skymill \
    && ln -s workflow/profiles /opt/skymill/profiles \
    && echo /opt/skymill/workflow > /opt/venv/lib/python3.11/site-packages/skymill.pth \
    && printf '#!/bin/sh\nexec python -m skymill "$@"\n' > /opt/venv/bin/skymill \
    && chmod 755 /opt/venv/bin/skymill \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        /opt/venv/lib /opt/skymill/workflow

FROM ${BASE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Skymill" \
      org.opencontainers.image.description="Mills the raw frames of a wide-field survey into a published data release" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.source="https://github.com/skymill/skymill" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt /opt
# The pin (skymill.pin): the same bytes on every CPU.
ENV GLIBC_TUNABLES="glibc.cpu.hwcaps=-AVX512F:glibc.malloc.mmap_threshold=67108864:glibc.malloc.trim_threshold=268435456" \
    OPENBLAS_CORETYPE="Haswell" \
    OPENBLAS_NUM_THREADS="1" \
    OMP_NUM_THREADS="1" \
    NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL AVX512_SPR" \
    NUMBA_CPU_NAME="haswell" \
    NUMBA_CPU_FEATURES="+avx,+avx2,+fma,+bmi,+bmi2" \
    NUMBA_NUM_THREADS="1" \
    MPLBACKEND="Agg" \
    PYTHONHASHSEED="0" \
    TZ="UTC" \
    LC_ALL="C.UTF-8"
# Everything that is written lies in /release; any user may be given, known to the image or not.
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin HOME=/release USER=skymill
RUN mkdir /release && chown 1000:1000 /release
WORKDIR /release
USER 1000:1000
ENTRYPOINT ["snakemake", "--snakefile", "/opt/skymill/Snakefile"]
CMD ["--help"]

"""The pin: the environment in which every CPU gives the same bytes.

Unpinned, NumPy, OpenBLAS and numba choose instructions by the CPU they meet, and the last bits of
their results follow. Pinned to AVX2 + FMA (Haswell, 2013), they agree on every x86-64 CPU that has
these. glibc reads its part before Python starts, so a process that finds itself unpinned has to
start again: `ensure` does so.
"""

import os
import sys

PIN = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+bmi,+bmi2",
    "NUMBA_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
}


def is_pinned() -> bool:
    """Whether this process runs under the whole pin."""
    return all(os.environ.get(key) == value for key, value in PIN.items())


def ensure() -> None:
    """Start this very command again under the pin, unless it runs under it already."""
    if not is_pinned():
        os.environ.update(PIN)
        os.execv(sys.executable, [sys.executable, "-m", "skymill", *sys.argv[1:]])

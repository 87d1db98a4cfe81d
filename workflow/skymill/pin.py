"""The pin: the environment in which every CPU gives the same bytes.

Unpinned, NumPy, OpenBLAS and numba choose instructions by the CPU they meet, and the last bits of
their results follow. Pinned to AVX2 + FMA (Haswell, 2013), they agree on every x86-64 CPU that has
these. glibc reads its part before Python starts, so a process that finds itself unpinned has to
start again: `ensure` does so. The pin stands here and nowhere else: the workflow and its profiles
give it to their jobs (`environment`), an image or a shell takes it from ``python -m skymill.pin``.

A job runs unpinned where the machine can't be pinned, or where ``SKYMILL_UNPINNED=1`` says so; its
receipt and the release's manifest then say so too.
"""

import os
import platform
import shlex
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

MEMORY = "glibc.malloc.mmap_threshold=67108864:glibc.malloc.trim_threshold=268435456"
"""No bytes depend on it: arrays up to 64 MiB come from memory that was used before. As glibc does
it by itself, every second array of a sub-tile is mapped anew, and a fifth of a step's CPU time is
the kernel's, which clears pages."""
PIN = {
    "GLIBC_TUNABLES": f"glibc.cpu.hwcaps=-AVX512F:{MEMORY}",
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
UNPINNED = "SKYMILL_UNPINNED"
"""Environment variable; 1 lets jobs run unpinned."""
NEEDED = ("avx2", "fma", "bmi1", "bmi2")
"""CPU features that the pin asks for, as Linux names them."""
CPU_FACTS = Path("/proc/cpuinfo")


def is_pinned() -> bool:
    """Whether this process runs under the whole pin."""
    return not obstacle() and all(os.environ.get(key) == value for key, value in PIN.items())


def obstacle() -> str:
    """Why a process here can't be pinned; empty if it can."""
    if os.environ.get(UNPINNED, "0") not in ("", "0"):
        return f"{UNPINNED} is set"
    return _machine_obstacle(platform.machine(), CPU_FACTS)


@cache
def _machine_obstacle(machine: str, facts: Path) -> str:
    if machine.lower() not in ("x86_64", "amd64"):
        return f"the pin is for x86-64 CPUs, this one is {machine}"
    try:
        with facts.open() as stream:
            flags = next(line for line in stream if line.startswith("flags")).split()
    except (OSError, StopIteration):
        return ""  # not Linux: nothing is known against it
    missing = [feature for feature in NEEDED if feature not in flags]
    return f"the CPU lacks {', '.join(missing)}" if missing else ""


def environment() -> Mapping[str, str]:
    """What a job's environment has to hold: the pin, or nothing where it can't be pinned."""
    return {} if obstacle() else PIN


def ensure() -> None:
    """Start this very command again under the pin, unless it runs under it or can't be pinned."""
    if not is_pinned() and not obstacle():
        os.environ.update(PIN)
        os.execv(sys.executable, [sys.executable, "-m", "skymill", *sys.argv[1:]])


if __name__ == "__main__":
    # For a shell (eval "$(python -m skymill.pin)") and for what builds an image.
    for key, value in PIN.items():
        print(f"export {key}={shlex.quote(value)}")

"""Another CPU: one exposure, its stack and that stack's sources on an emulated Haswell.

Emulation takes about twenty times as long, so the other jobs run as usual. Jobs call ``python``; a
function of that name, which their shell reads at its start (BASH_ENV), sends the chosen commands
through QEMU and notes them. QEMU 7.2 (Debian 12) emulates AVX2's gathers wrongly: NumPy's argsort
then sorts wrongly or crashes; 10.0 (in Debian 12's backports) is right. Which one is tried first.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from ..site import BuildError, Site

SUMMARY = "a tile and band from a raw frame to its catalogue on an emulated Haswell CPU"
NAMES = ("qemu-x86_64-static", "qemu-x86_64")
CHOSEN = "SKYMILL_QEMU"
"""Environment variable that names another emulator."""
CPU = "Haswell"
EXPOSURE, BAND = (
    {"micro": "kmtc.20250920.061023", "mini": "kmtc.20250920.061021"},
    {"micro": "I", "mini": "B"},
)
COMMANDS = 7
"""Commands of that chain: pixels, calibrate; combine; extract, maps, homogenise; finish."""
FUNCTION = """python() {{
    case " $* " in
        *" frames "*" --exposure {exposure} "* | *" tiles combine "*" --band {band} "* | \\
        *" sources "*" --band {band} "* | *" sources finish "*)
            {qemu} -cpu {cpu} {python} "$@" && echo "$3 $4" >> {log} ;;
        *) {python} "$@" ;;
    esac
}}
"""


PROBE = """
import numpy as np
from numpy._core._multiarray_umath import __cpu_features__ as found
values = np.random.default_rng(1).normal(size=(50, 3))
order = np.argsort(values, axis=0)
right = (np.diff(np.take_along_axis(values, order, axis=0), axis=0) >= 0).all()
print(found["AVX2"], found["AVX512F"], right)
"""


def emulator() -> str | None:
    """The emulator's path; None if there is none."""
    named = os.environ.get(CHOSEN)
    found = [named] if named else [shutil.which(name) for name in NAMES]
    return next((path for path in found if path), None)


def obstacle() -> str:
    """The emulator."""
    return "" if emulator() else f"needs {NAMES[0]} (package qemu-user-static, 10.0 or newer)"


def run(site: Site) -> Path:
    """Build it with the function in place; check that the chain went through QEMU."""
    log, script = site.folder / "emulated.txt", site.folder / "functions.sh"
    script.write_text(
        FUNCTION.format(
            exposure=EXPOSURE[site.release],
            band=BAND[site.release],
            qemu=shlex.quote(str(emulator())),
            cpu=CPU,
            python=shlex.quote(sys.executable),
            log=shlex.quote(str(log)),
        )
    )
    _check_emulation()
    folder = site.build(environment={"BASH_ENV": str(script)})
    done = log.read_text().splitlines() if log.is_file() else []
    if len(done) < COMMANDS:
        raise BuildError(f"expected {COMMANDS} commands or more on the emulated CPU, got {done}")
    return folder


def _check_emulation() -> None:
    """The emulated CPU has AVX2, which works, and no AVX-512, whatever this one has."""
    words = [str(emulator()), "-cpu", CPU, sys.executable, "-c", PROBE]
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    if found.stdout.split() != ["True", "False", "True"]:
        raise BuildError(
            f"{words[0]} -cpu {CPU}: expected AVX2, no AVX-512, sorting (True False True), got "
            f"{found.stdout.strip() or found.stderr[-300:]}. Install a newer QEMU (Debian 12: from "
            f"bookworm-backports), or name one with {CHOSEN}."
        )

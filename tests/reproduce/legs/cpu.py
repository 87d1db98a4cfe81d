"""Another CPU: one exposure, its stack and that stack's sources on an emulated Haswell.

Emulation takes about twenty times as long, so the other jobs run as usual. Jobs call ``python``; a
function of that name, which their shell reads at its start (BASH_ENV), sends the chosen commands
through QEMU and notes them.
"""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from ..site import BuildError, Site

SUMMARY = "a tile and band from a raw frame to its catalogue on an emulated Haswell CPU"
QEMU = "qemu-x86_64-static"
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


def obstacle() -> str:
    """The emulator."""
    return "" if shutil.which(QEMU) else f"needs {QEMU} (package qemu-user-static)"


def run(site: Site) -> Path:
    """Build it with the function in place; check that the chain went through QEMU."""
    log, script = site.folder / "emulated.txt", site.folder / "functions.sh"
    script.write_text(
        FUNCTION.format(
            exposure=EXPOSURE[site.release],
            band=BAND[site.release],
            qemu=shutil.which(QEMU),
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
    """The emulated CPU has no AVX-512, whatever this one has."""
    code = "from numpy._core._multiarray_umath import __cpu_features__ as found\n"
    code += "print(found['AVX512F'], found['AVX2'])"
    words = [shutil.which(QEMU), "-cpu", CPU, sys.executable, "-c", code]
    found = subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()
    if found != ["False", "True"]:
        raise BuildError(f"{QEMU} -cpu {CPU}: expected AVX2 without AVX-512, got {found}")

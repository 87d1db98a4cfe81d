"""Run the commands of a Markdown file: every ```bash block, in order, as one shell script each.

usage: python3 .ci/readme.py README.md
"""

import re
import subprocess
import sys
import time
from pathlib import Path


def blocks(text: str) -> list[str]:
    """The contents of the bash blocks, in order."""
    return re.findall(r"^```bash\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def main() -> int:
    """Run the blocks; stop at the first that fails."""
    for block in blocks(Path(sys.argv[1]).read_text()):
        print(f"::: {block.strip()}", flush=True)
        start = time.monotonic()
        if subprocess.run(["bash", "-euo", "pipefail", "-c", block], check=False).returncode:
            print(f"::: failed: {block.strip()}", flush=True)
            return 1
        print(f"::: {time.monotonic() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

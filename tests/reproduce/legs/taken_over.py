"""Frames taken over from an earlier release, every job verified against a published manifest.

The earlier and the published release are both the usual build (leg ``one_core``, run before).
"""

import shutil
from pathlib import Path

from ..site import BuildError, Site

SUMMARY = "frames of an earlier release, verified against a published manifest"
EARLIER = "results/earlier"


def obstacle() -> str:
    """None."""
    return ""


def run(site: Site) -> Path:
    """Build it beside the earlier release; check that no frame was made anew."""
    usual = site.folder.parent / "one_core/results" / site.release
    if not (usual / "manifest.json").is_file():
        raise BuildError(f"{usual}: needs the leg one_core, run before and left in its place")
    shutil.copytree(usual, site.folder / EARLIER)
    how = f"build={{frames_from: {EARLIER}, verify: {EARLIER}/manifest.parquet}}"
    folder = site.build(options=["--config", how])
    made = [path for path in (folder / "frames").iterdir() if not path.is_symlink()]
    if made:
        raise BuildError(f"expected every frame to be taken over, got {made} made anew")
    return folder

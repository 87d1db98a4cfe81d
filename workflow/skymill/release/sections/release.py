"""release: the archives, and how to verify what was received."""

from ..blocks import Code, Grid, Notice, Row, Section, megabytes
from ..products import Products

LEAD = (
    "The archives as they are published. The manifest lists every file of the release with its "
    "checksum and what it was made from, back to the raw frames."
)
CONTENT = {
    "AstroCalibNumStars_Maps": "stars behind each bin of the alignment maps",
    "Astrometry_Maps": "alignment maps: median separation from Gaia, arcsec",
    "AstrometryError_Maps": "their scatter, arcsec",
    "PhotCalibNumStars_Maps": "stars behind each bin of the zero-point maps",
    "ZeroPoint_Maps": "zero-point maps, mag",
    "ZeroPointError_Maps": "their errors, mag",
    "idual_master": "objects detected in I, measured in all bands (HATS)",
    "single_master": "objects detected in each band, merged (HATS)",
    "detections": "detections on single exposures (HATS)",
    "gaia": "single_master matched with Gaia DR3 (HATS)",
}


def measure(products: Products) -> dict[str, tuple[str, int]]:
    """Name → file name and bytes of each archive that is there."""
    found = {}
    for name, path in products.archives().items():
        archive = products.find(path)
        if archive is not None:
            found[name] = (archive.name, archive.stat().st_size)
    return found


def figures(archives: dict[str, tuple[str, int]]) -> dict[str, object]:
    """Number and size of the archives."""
    return {
        "archives": len(archives),
        "archive_bytes": sum(size for _, size in archives.values()),
    }


def show(archives: dict[str, tuple[str, int]], products: Products) -> Section:
    """The section of the page."""
    blocks: list = []
    rows = [
        Row((file, CONTENT.get(name, ""), megabytes(size)))
        for name, (file, size) in archives.items()
    ]
    columns = (("archive", ""), ("content", ""), ("size", ""))
    if rows:
        blocks.append(Grid(f"Archives ({len(rows)}).", columns, rows, words=(0, 1)))
    else:
        blocks.append(Notice("No archive has been made."))
    blocks.append(
        Code(
            "To verify a copy: hash every file, and the tiles of the sky maps, against the "
            "manifest. The manifest's root hash stands for the whole release; a rebuild from the "
            "same frames gives the same one.",
            "python -m skymill release verify --config <the release's configuration>",
        )
    )
    return Section("release", "Release", LEAD, blocks)

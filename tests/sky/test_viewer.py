import re
import shutil
import subprocess

import healpy
import numpy as np
import pytest
from astropy.wcs import WCS

from skymill.errors import InputError
from skymill.geometry import tile_cards
from skymill.io.fits import make_header
from skymill.paths import RESOURCES
from skymill.sky.viewer import facts_of, page

RELEASE = {"name": "mini", "title": "A </script> release", "date": "2026-11-20", "creator": "x"}
PROPERTIES = {
    "hips_initial_ra": "359.99",
    "hips_initial_dec": "-41.5",
    "hips_initial_fov": "0.9",
    "hips_order": "10",
    "obs_title": "colour",
}
TEMPLATE = (RESOURCES / "viewer" / "index.html").read_text()


@pytest.fixture
def html(settings):
    return page(TEMPLATE, facts_of(RELEASE, settings, {"R": PROPERTIES, "color": PROPERTIES}))


def test_a_title_cannot_break_the_page(html):
    assert "A </script> release" not in html
    assert html.count("</script>") == TEMPLATE.count("</script>")


def test_properties_without_a_start_position_are_an_error(settings):
    with pytest.raises(InputError, match="hips_initial_ra"):
        facts_of(RELEASE, settings, {"color": {}})


def test_without_a_network_the_page_puts_tiles_where_they_lie_on_the_sky(html, tmp_path):
    """Each picture's matrix is its tile's corners in a tangent plane; here near HEALPix's kink."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs the Debian package chromium")
    path = tmp_path / "www" / "index.html"
    path.parent.mkdir()
    path.write_text(html)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    options += ["--disable-dev-shm-usage", "--virtual-time-budget=2000", "--dump-dom"]
    for attempt in range(3):  # on a busy machine it may end without having drawn a page
        profile = f"--user-data-dir={tmp_path / str(attempt)}"
        command = [chromium, *options, profile, path.as_uri()]
        try:
            dom = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
        except subprocess.TimeoutExpired:
            dom = ""
        if "<img" in dom:
            break
    found = []
    for tag in re.findall(r"<img[^>]*>", dom):
        ((order, npix),) = re.findall(r"/hips/color/Norder(\d+)/Dir\d+/Npix(\d+)\.png", tag)
        (matrix,) = re.findall(r"matrix\(([^)]*)\)", tag)
        found.append((matrix, int(order), int(npix)))
    assert {order for _, order, _ in found} == {4, 6}
    assert len(found) > 6
    wcs = WCS(make_header(tile_cards(359.99, -41.5, 1, 3600.0)))
    sky, screen = [], []
    for matrix, order, npix in found:
        a, b, c, d, e, f = (float(v) for v in matrix.split(","))
        # Corners of a cell: north, west, south, east; the picture's top left is its south corner.
        _, west, south, east = healpy.boundaries(1 << order, npix, nest=True).T
        for corner, (u, v) in ((south, (0, 0)), (west, (512, 0)), (east, (0, 512))):
            lon, lat = healpy.vec2ang(corner, lonlat=True)
            sky.append(np.ravel(wcs.wcs_world2pix(lon, lat, 0)))
            grown = 512 / 513
            screen.append((e + (a * u + c * v) * grown, f + (b * u + d * v) * grown))
    (x, y), (u, v) = np.array(sky).T, np.array(screen).T
    scale, u0 = np.polyfit(x, u, 1)
    scale_y, v0 = np.polyfit(y, v, 1)
    assert scale == pytest.approx(-scale_y, rel=1e-4)
    assert scale > 0
    assert np.abs(u - u0 - scale * x).max() < 0.05
    assert np.abs(v - v0 - scale_y * y).max() < 0.05

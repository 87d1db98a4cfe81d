"""The published calibration maps in users' hands: a map's value at a position, or in a column.

For example:

    from skymill.maps import load_map, look_up
    zp = load_map("KS4_DR1_ZeroPoint_Maps.tar.gz", "zp_map_0698.005-30_V_Idual_APER5.npy")
    mag = instrumental + look_up(zp, x_image, y_image, 22000)
"""

from ..sources.map_lookup import look_up
from .archive import load_map

__all__ = ["load_map", "look_up"]

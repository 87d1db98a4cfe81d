"""E(B−V) of Schlegel, Finkbeiner & Davis (1998), from their maps on disk."""

import warnings
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..references.dust_maps import check_maps


def map_files(folder: Path | str) -> list[Path]:
    """The two maps, north and south, as `dustmaps` names them."""
    return [Path(folder) / f"SFD_dust_4096_{pole}.fits" for pole in ("ngp", "sgp")]


def reddening(glon: np.ndarray, glat: np.ndarray, folder: Path | str) -> np.ndarray:
    """E(B−V) by linear interpolation in the SFD maps (`dustmaps`, Green 2018).

    The raw SFD value, as in KS4 DR1; the recalibration of Schlafly & Finkbeiner (2011), a factor
    of 0.86, isn't applied.

    Parameters
    ----------
    glon, glat : ndarray, shape (n,)
        Galactic coordinates, degrees.
    folder : Path or str
        Where the two maps lie; nothing is downloaded.

    Returns
    -------
    ndarray of float32, shape (n,)
        E(B−V), mag.

    Raises
    ------
    InputError
        If a map is missing, isn't a FITS image with a WCS, or isn't what was imported.
    """
    for path in map_files(folder):
        if not path.is_file():
            raise InputError(
                f"{path}: missing; expected the SFD dust maps of doi:10.7910/DVN/EWCNL5 there."
            )
    check_maps(folder)
    with warnings.catch_warnings():
        # dustmaps warns that it has no configuration file; the folder is given here instead.
        warnings.simplefilter("ignore")
        from dustmaps.sfd import SFDQuery
    from astropy.coordinates import SkyCoord

    if np.size(glon) == 0:
        return np.empty(0, np.float32)
    try:
        query = SFDQuery(map_dir=str(folder))
        return query(SkyCoord(glon, glat, unit="deg", frame="galactic"))
    except (OSError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{folder}: expected the two SFD dust maps ({error}).") from error

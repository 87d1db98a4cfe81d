"""Read calibration frames: those that can't be used are left out, with the reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..camera import Camera
from ..errors import InputError
from ..frames.raw import RawFrame, number, read_raw
from ..io.fits import Card


@dataclass(frozen=True)
class CalibrationSet:
    """The calibration frames of one kind, site and run.

    Attributes
    ----------
    frames : list of RawFrame
        Those that can be used, in the order of their file names.
    dropped : list of str
        A sentence for each that can't.
    """

    frames: list[RawFrame]
    dropped: list[str]

    def exptimes(self) -> list[float]:
        """Exposure time of each frame, s."""
        return [number(frame.header, "EXPTIME") for frame in self.frames]

    def cards(self, kind: str, site: str) -> list[Card]:
        """FITS cards that tell what went into a master."""
        return [
            ("IMAGETYP", f"master {kind}", "kind of calibration"),
            ("OBSERVAT", site, "observatory"),
            ("NFRAMES", len(self.frames), "frames combined"),
            ("NDROPPED", len(self.dropped), "frames left out"),
            *((f"DROP{n:04d}", text, "") for n, text in enumerate(self.dropped, 1)),
        ]


def read_set(
    paths: Sequence[Path],
    camera: Camera,
    site: str,
    least: int,
    check: Callable[[RawFrame], None] | None = None,
) -> CalibrationSet:
    """Read calibration frames.

    Parameters
    ----------
    paths : sequence of Path
        Raw MEF files.
    camera : Camera
    site : str
        Whose frames they must be.
    least : int
        Usable frames that there must be.
    check : callable, optional
        A further test of a frame; raises InputError if it can't be used.

    Raises
    ------
    InputError
        If fewer than `least` frames can be used; the message gives each one's reason.
    """
    frames, dropped = [], []
    for path in sorted(paths):
        try:
            frame = read_raw(path, camera)
            _check_site(frame, site)
            _check_read_out(frame)
            if check is not None:
                check(frame)
        except InputError as error:
            text = str(error)
            dropped.append(text if Path(path).name in text else f"{Path(path).name}: {text}")
        else:
            frames.append(frame)
    if len(frames) < least:
        raise InputError(
            f"{len(frames)} of {len(paths)} calibration frames of site {site} can be used, "
            f"at least {least} are needed; add frames to the calibration table.\n"
            + "\n".join(dropped)
        )
    return CalibrationSet(frames, dropped)


def _check_site(frame: RawFrame, site: str) -> None:
    found = str(frame.header.get("OBSERVAT", "")).strip()
    if found != site:
        raise InputError(f"OBSERVAT is {found!r}, expected {site!r}.")


def _check_read_out(frame: RawFrame) -> None:
    if frame.reduced:
        raise InputError("It is reduced (it has no overscan); masters need frames as read out.")


def check_exptime(frame: RawFrame) -> None:
    """InputError unless the frame was exposed for a while."""
    if "EXPTIME" not in frame.header or number(frame.header, "EXPTIME") <= 0:
        raise InputError("EXPTIME is missing or not above 0.")

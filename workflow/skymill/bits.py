"""The bits of Skymill's masks and catalogue flags, defined once and written from here."""

from enum import IntFlag


class MaskBit(IntFlag):
    """Bits of every mask image and of ``imaflags_iso``.

    The first four are the plan of KS4 DR1 (Paper III, §5.4), which has no others. Layers are
    combined with bitwise OR; 0 is a good pixel.
    """

    CROSSTALK = 1
    BLEED = 2
    DEFECT = 4
    AMPLIFIER = 8
    TRAIL = 16
    SATURATED = 32


MASK_MEANING = {
    MaskBit.CROSSTALK: "cosmic ray or crosstalk victim",
    MaskBit.BLEED: "bleed trail, and the saturated pixels where it begins",
    MaskBit.DEFECT: "defect of the detector",
    MaskBit.AMPLIFIER: "bad amplifier",
    MaskBit.TRAIL: "trail of a satellite or aircraft",
    MaskBit.SATURATED: "saturated pixel",
}

COSMIC_RAY = MaskBit.CROSSTALK
"""KS4 DR1 gives cosmic rays and crosstalk victims one bit (Paper III)."""

FULL_WELL = MaskBit.SATURATED | MaskBit.BLEED
"""A saturated pixel has KS4's bit too, so that the first four mean what they mean in KS4 DR1."""


class Flag(IntFlag):
    """Bits of a source's ``flags``: source-extractor's eight, with its meanings."""

    NEIGHBOURS = 1
    BLENDED = 2
    SATURATED = 4
    TRUNCATED = 8
    APERTURE_INCOMPLETE = 16
    ISOPHOTAL_INCOMPLETE = 32
    DEBLEND_OVERFLOW = 64
    EXTRACTION_OVERFLOW = 128


FLAG_MEANING = {
    Flag.NEIGHBOURS: "neighbours or masked pixels cover more than 10 % of the AUTO aperture",
    Flag.BLENDED: "blended with another source",
    Flag.SATURATED: "a pixel is saturated",
    Flag.TRUNCATED: "too close to an image boundary",
    Flag.APERTURE_INCOMPLETE: "an aperture holds pixels without data",
    Flag.ISOPHOTAL_INCOMPLETE: "the isophote holds pixels without data",
    Flag.DEBLEND_OVERFLOW: "deblending overflowed",
    Flag.EXTRACTION_OVERFLOW: "extraction overflowed",
}


class Reason(IntFlag):
    """Bits of a verdict's ``reason_bits``: why an exposure is excluded."""

    BROKEN = 1
    CATALOGUE = 2
    MISSING = 4
    SKY = 8
    SOURCES = 16
    SEEING = 32
    ELONGATION = 64
    ASTROMETRY = 128
    SECTIONS = 256
    BAD_AMPLIFIERS = 512
    DEPTH = 1024


REASON_MEANING = {
    Reason.BROKEN: "the frame can't be used: damaged, another exposure's, or beyond measuring",
    Reason.CATALOGUE: "a reference catalogue doesn't reach the field",
    Reason.MISSING: "pixels without value",
    Reason.SKY: "a dead chip: no sky",
    Reason.SOURCES: "too few sources",
    Reason.SEEING: "seeing",
    Reason.ELONGATION: "trailed",
    Reason.ASTROMETRY: "residuals of the astrometry",
    Reason.SECTIONS: "sections without good astrometry",
    Reason.BAD_AMPLIFIERS: "bad amplifiers",
    Reason.DEPTH: "too shallow",
}


LEGENDS = {"mask": MASK_MEANING, "flags": FLAG_MEANING, "reasons": REASON_MEANING}
"""The bits that a table's column may hold, by the name that its schema gives them."""

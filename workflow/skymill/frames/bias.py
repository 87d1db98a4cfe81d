"""Bias: the pattern that read-out leaves above the overscan."""

from collections.abc import Mapping

from .chip_frame import ChipFrame, Masters


def subtract_bias(frame: ChipFrame, masters: Masters, settings: Mapping) -> None:
    """Subtract the master bias (ADU above the overscan), where there is one."""
    if masters.bias is not None:
        frame.data -= masters.bias

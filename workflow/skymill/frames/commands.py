"""The frames room's commands."""

import argparse


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the room's steps, in the order of the data's road."""
    from . import calibrate, ingest, pixels, share

    pixels.register(steps)
    calibrate.register(steps)
    ingest.register(steps)
    share.register(steps)

"""The sources room's commands."""

import argparse

from . import extract, finish, forced, homogenise, inject, maps, plot, stack_table, train


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the room's steps, in the order of the data's road."""
    for step in (extract, maps, homogenise, stack_table, forced, finish, inject, plot, train):
        step.register(steps)

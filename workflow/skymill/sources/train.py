"""``skymill sources train``: make the network behind CLASS_STAR from simulated stacks."""

import argparse
from pathlib import Path

from ..command import add_step


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step to the room's parser."""
    parser = add_step(
        steps,
        "train",
        run,
        "train the network behind CLASS_STAR on simulated stacks",
        "--training resources/stellarity/training.yaml "
        "--out resources/stellarity/stellarity_model.yaml",
    )
    parser.add_argument("--training", type=Path, required=True, help="the training settings")
    parser.add_argument("--out", type=Path, required=True, help="the model to write")


def run(options: argparse.Namespace) -> None:
    """Simulate, measure, fit, write; the measurements are those of the release's settings."""
    from ..config import load_config
    from ..io.atomic import write_bytes
    from ..io.provenance import recording
    from .stellarity_model import digest
    from .stellarity_training import as_yaml, read_training, train

    extraction = load_config(options.config)["sources"]["extraction"]
    written, training = read_training(options.training)
    used = {"training": written, "extraction": extraction}
    with recording("sources train", used, [options.training], options.receipt) as record:
        model = train(training, extraction, digest(written))
        write_bytes(options.out, as_yaml(model, written).encode())
        record.wrote(options.out)

"""The errors a user can meet: each says what was expected, what came, where, and what to do."""


class SkymillError(Exception):
    """Base of every error that Skymill reports as one message, without a traceback."""


class ConfigError(SkymillError):
    """The configuration, a camera file or one of the survey's tables breaks its schema."""


class InputError(SkymillError):
    """An input file is missing, truncated, or not what the step expects."""


class DataError(SkymillError):
    """The input is well formed, but a result can't be measured from it."""


class OwnerError(SkymillError):
    """Another run builds the release."""


HOW_TO_BUILD = "Build it: snakemake --cores all, and but for mini: --configfile <its configuration>"
"""What to do where a release isn't there."""

"""check: a simulated release against its truth, measured after the report was written."""

from ..blocks import Embedded, Section
from ..products import Products

LEAD = (
    "This release is simulated, so its truth is known. No step that makes a product may read it: "
    "the check comes last, and is no product itself."
)


def show(products: Products) -> list[Section]:
    """The section of the page; none where there is no truth."""
    if "simulate" not in products.settings:
        return []
    name = products.settings["release"]["name"]
    block = Embedded(
        "../run/check.html",
        f"Not checked yet, or this page was moved away from its release. Run: skymill check {name}",
    )
    return [Section("check", "Check against truth", LEAD, [block])]

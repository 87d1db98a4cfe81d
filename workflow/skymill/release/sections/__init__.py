"""The report's sections, one per room: each measures, gives its figures and shows them."""

"""Why a product or a catalogue row is what it is: the tree back to the raw frames."""

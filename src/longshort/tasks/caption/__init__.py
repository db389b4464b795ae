"""From images to sentences: features of a frozen network, attention, and a decoder."""

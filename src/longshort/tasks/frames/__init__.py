"""The next frames of a moving picture, by recurrent layers over maps."""

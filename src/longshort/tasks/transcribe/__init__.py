"""Speech recognition: from recordings, or features of them, to text."""

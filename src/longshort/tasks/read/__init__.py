"""Reading: pictures of lines to text, pen strokes to symbols."""

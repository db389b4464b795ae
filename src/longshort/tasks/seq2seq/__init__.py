"""From one text to another: translation and summarisation by an encoder, attention, a decoder."""

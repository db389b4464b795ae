"""A network's functions as loops over float32 numbers, written as C99 and as WebAssembly."""

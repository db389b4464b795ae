"""Applications, one package each: what is encoded, built, lost, decoded and measured."""

"""longshort: sequence modelling with LSTM, from the principle to production."""

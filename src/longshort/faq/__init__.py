"""Questions of people who use an LSTM, and the commands that answer them on their own data."""

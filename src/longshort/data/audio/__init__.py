"""Recordings of sound: files, features of the short-time spectrum, and their variation."""

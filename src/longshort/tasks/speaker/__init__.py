"""The task of speakers: who speaks, and whether two recordings are of the same person."""

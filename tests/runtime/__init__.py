"""Tests of networks that run without torch."""

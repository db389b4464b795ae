"""Conversion of weights from and to other libraries; torch needs none, since names are the same."""

"""Diagnosis of training: experiments that separate causes, and rules that read them."""

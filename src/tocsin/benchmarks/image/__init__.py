"""Benchmarks of models that make images: one file each."""

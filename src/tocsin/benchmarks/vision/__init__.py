"""Benchmarks of models that read images: one file each."""

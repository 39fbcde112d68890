"""Attacks that put part of a request into an image."""

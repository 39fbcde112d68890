"""Attacks on models that make images: what they meet are cases that ask for one."""

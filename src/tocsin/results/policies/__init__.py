"""The policies that ship with tocsin, as data."""

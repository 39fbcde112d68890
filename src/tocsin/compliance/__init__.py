"""Compliance: frameworks as data, the items written for them, and how further items are made from a regulation's text."""

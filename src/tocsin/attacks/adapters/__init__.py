"""Attacks of other tools under their own names, through extras: ``pyrit/NAME`` and ``garak/NAME``."""

"""The languages tocsin knows: BCP 47 code → name, native name, script, direction, resource level."""

"""Frameworks: regulations, standards and taxonomies as versioned data, one YAML file each."""

"""The mail settings of another system, read from what it has them in, and our allegra.toml made of them."""

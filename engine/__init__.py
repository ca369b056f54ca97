"""The mail engine: it reads mail and turns it into work items."""

__version__ = "0.1.0"

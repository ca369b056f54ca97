"""The stages of the decision, one file each; their order stands in `engine/decision/pipeline.py`."""

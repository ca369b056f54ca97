"""What another system leaves behind, read: its settings, the markers in its mail, its people."""

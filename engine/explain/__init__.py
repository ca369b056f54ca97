"""What became of a mail and why, told from its trace."""

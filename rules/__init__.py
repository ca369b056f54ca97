"""The rule language: it knows files, conditions and actions, and has never heard of mail."""

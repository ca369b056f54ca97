"""What people and the mail server do, ready for faces beside the command line."""

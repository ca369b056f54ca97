"""What people and the mail server do, for every face: command line, console, library, connector."""

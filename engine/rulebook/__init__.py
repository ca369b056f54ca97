"""What rules can see and do, and the rules in force."""

"""The pages, a file a noun: each reads what was asked, calls the desk once, and says which template shows it."""

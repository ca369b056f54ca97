"""Items: their fields, the words for them, values, and what a mail says about them."""

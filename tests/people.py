"""Who works at a desk and who writes to it, beside Anna, who is in the data of every desk. Not here: how they write."""

JANE, KARL = "Jane Doe <jane@big.example>", "Karl Roe <karl@big.example>"

BOB = """
[[users]]
login  = "bob"
name   = "Bob Lund"
emails = ["bob@example.com"]
groups = ["staff"]
"""

CARL = """
[[users]]
login  = "carl"
name   = "Carl Ek"
emails = ["carl@example.com"]
"""
"""He is no member of anything."""

LOLA = """
[[users]]
login  = "lola"
emails = ["lola@example.com"]
status = "locked"
"""

PEOPLE = f"""{BOB}
[[users]]
login  = "jane"
name   = "Jane Doe"
emails = ["jane@big.example"]
[[users]]
login  = "karl"
name   = "Karl Roe"
emails = ["karl@big.example"]
"""

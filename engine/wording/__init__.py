"""What notes say in words: a table of templates a language, and how a sentence is made of one."""

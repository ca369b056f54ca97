"""One pass: mailboxes one after the other, mails decided and committed."""

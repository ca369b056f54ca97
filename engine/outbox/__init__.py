"""What leaves the building: outgoing mail and webhooks, from rows in the outbox.

Here: composing, templates, signed tokens, delivery, and whether an automatic answer may be sent at all.
Not here: what is to be sent (an effect of a decision) and the rows themselves (`store/`).
Invariant: nothing is sent that is not a committed row; automatic mail is sent at most once, the rest at least once.
"""

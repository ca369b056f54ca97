"""From a mail to a plan: facts, the stages in order, the seal."""

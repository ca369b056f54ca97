"""The names that a template may use: one table.

Here: each name with what it holds where there is nothing, a sample, and what it means. Not here: the values of one mail
(`values.py`), the templates (`templates.py`). Invariant: these names stand in every mail and no other; what is there
never changes its kind, so a template that renders with the samples renders with any mail.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Name(Struct, frozen=True):
    """A name: `empty` where there is nothing, `sample` to try templates with, `about` for people."""

    name: str
    empty: object
    sample: object
    about: str


NAMES: tuple[Name, ...] = (
    Name("instance", "", "Example help desk", "`instance.name`"),
    Name("base_url", "", "https://desk.example.com", "`instance.base_url`"),
    Name("workspace", "", "Support", "the name of the workspace"),
    Name("signature", "", "Your Example help desk",
         "of an answer the signature of who wrote it, else `replies.signature`"),
    Name("reply_line", "", "--- Reply above this line ---", "the first line of answers and notices, in their language"),
    Name("item", 0, 4711, "the number of the item or topic; 0: none"),
    Name("marker", "", "[#4711]", "`[#12]`, of a topic `[msg12]`"),
    Name("title", "", "Printer does not print", "the title of the item or topic"),
    Name("into", "", "[#4712]", "where the item leads that was merged into another one"),
    Name("url", "", "https://desk.example.com/items/4711", "its page, with `replies.links`"),
    Name("type", "", "Task", "a fact of the item, for people inside"),
    Name("status", "", "In progress", "the same"),
    Name("priority", "", "Normal", "the same"),
    Name("assignee", "", "anna", "the same: whom it is assigned to"),
    Name("requester", "", "Jane Doe <jane@example.org>", "the same: who asked, with the address"),
    Name("opened", "", "2026-11-02 09:15", "the same: when it was made"),
    Name("person", "", "Anna Example", "who gets the mail"),
    Name("roles", (), ("assignee",), "list: what the person has to do with it, the nearest first"),
    Name("why", "", "you are assigned to it", "the first of them in words, for people inside"),
    Name("actor", "", "Jane Doe", "who did it; empty: a rule or the engine"),
    Name("actor_inside", False, False, "yes or no: whether that is somebody inside"),
    Name("author", "", "Jane Doe", "who wrote the words that the actor made public; empty: the actor"),
    Name("comment", 0, 31, "the number of the comment or note; 0: none"),
    Name("sender", "", "jane@example.org", "the address that the mail came from; for its sender and people inside"),
    Name("event", "", "item.commented", "what happened, by its name"),
    Name("sentence", "", "Jane Doe wrote about [#4711] Printer does not print.", "what happened, in words"),
    Name("text", "", "The printer on the second floor.", "the new words; of automatic mail those of the rule"),
    Name("quote", "", "Jane Doe wrote on 2026-11-02 09:30:\n> Which printer?", "the last words of who gets an answer"),
    Name("changes", (), ({"name": "Status", "before": "New", "after": "In progress"},),
         "list of `name` `before` `after`; for outside people the status only"),
    Name("files", (), ({"name": "photo.jpg", "size": "1.2 MB", "attached": True},),
         "list of `name` `size` `attached` (yes or no): what came with the words"),
    Name("reply_reaches", (), ("Jane Doe <jane@example.org>",), "list: whom a reply goes to"),
    Name("note_address", "", "help+n4711-7.abcdefghijklmnop@example.com", "where an internal note goes"),
    Name("unsubscribe", "", "help+u812.abcdefghijklmnop@example.com", "a mail to it ends mail of this kind"),
    Name("reason", "", "The mail is bigger than gates.maximum_email_size.", "why a mail was refused, held or reported"),
    Name("code", "", "limits.too_big", "the same as a [reason code](stages.md#reason-codes)"),
    Name("subject", "", "Printer does not print",
         "the subject of the mail, or `gates.default_title`; for its sender and people inside"),
    Name("what_to_do", "", "Send it again with smaller files.", "advice for its sender, where the code has one"),
    Name("account", False, True, "yes or no: an account was made for the sender"),
    Name("again_suppressed", False, True, "yes or no: more of the same today will not be answered"),
    Name("mail", "", "m-4f2a91", "the id of the mail that a report is about"),
    Name("mails", (), ({"id": "m-4f2a91", "sender": "max@example.org", "subject": "Can you help me?",
                        "code": "gate.unknown_sender", "reason": "max@example.org is not known here",
                        "since": "3 hours"},),
         "list of `id` `sender` `subject` `code` `reason` `since`: mail that waits for a person, the oldest first; "
         "of a report mails for the same reason"),
    Name("entries", (), ({"at": "2026-11-02 09:30", "marker": "[#4711]", "title": "Printer does not print",
                          "sentence": "Jane Doe wrote about [#4711] Printer does not print.",
                          "text": "The printer on the second floor.", "changes": "Status: New → In progress",
                          "url": "https://desk.example.com/items/4711"},),
         "list of `at` `marker` `title` `sentence` `text` `changes` `url`: what happened, item by item; of a digest"),
    Name("number", 0, 4, "how many there are"),
    Name("more", 0, 3, "how many of them are not in the list"),
    Name("mailbox", "", "support (imap.example.com)", "the mailbox, or the server to send by, that is away"),
    Name("since", "", "2026-11-02 09:15", "since when it is"),
    Name("trace", "", "route: rule 2", "why it was decided so; of a report"),
)  # fmt: skip
"""Every name; docs/config.md shows them."""

EMPTY: Mapping[str, object] = {each.name: each.empty for each in NAMES}

SAMPLE: Mapping[str, object] = {each.name: each.sample for each in NAMES}

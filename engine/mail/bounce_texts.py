"""What stands in a mail that a server returned: sentences, copies, further originators. Data only.

Not here: by what a mail is suspected (`bounce_phrases.py`). Loaded with the first mail that is.
"""

# ruff: noqa: E501  (tables)

from __future__ import annotations

import re
from typing import Final

AUTOMATIC: Final = re.compile(
    r"no-?_?reply|daemon|deliver|bounce|admin|system|\bmta\b|gateway|mailgate|notification|postfix|exim|qmail|robot|mailer|"
    r"root|nobody|support-bounces|amavis|mimecast|barracuda|proofpoint|messagelabs|symantec|ironport|security|autoresponder"
)
"""Originators that may send a bounce under a name of their own; never a sign alone."""

EVIDENCE: Final = re.compile(
    r"""this\ is\ (?:the|an?)\ (?:mail\ (?:system|delivery|server)|qmail|postfix|exim|automatically\ generated\ (?:delivery|bounce|message))
    |qmail-send\ program|this\ message\ was\ created\ automatically\ by\ (?:the\ )?(?:mail|smtp)|delivery\ to\ the\ following\ (?:recipient|address)
    |(?:could|can)(?:\ ?not|n[o'’]t)\ be\ delivered|permanent\ (?:fatal\ )?errors?|the\ following\ (?:address(?:es)?|recipient(?:s)?|destination).{0,40}(?:failed|had|could|were|have|was|unreach|reject)
    |undeliver(?:able|ed)|returned\ (?:to\ (?:the\ )?sender|mail)|user\ (?:is\ )?(?:unknown|not\ found|doesn['’]?t\ (?:exist|have))|unknown\ (?:user|recipient|address|local\ part)
    |no\ such\ (?:user|mailbox|recipient|address|person|domain)|mailbox\ (?:is\ )?(?:full|unavailable|not\ found|disabled|unknown|does\ not|quota|size|over)
    |(?:over|exceed(?:s|ed)?)\ (?:the\ |his\ |its\ |their\ )?(?:disk\ |mail(?:box)?\ |storage\ )?quota|recipient\ (?:address\ )?(?:rejected|unknown|not\ found)|address\ rejected
    |unrouteable\ address|host\ (?:unknown|not\ found|or\ domain)|(?:your|the)\ (?:message|e-?mail|mail)\ (?:to\ .{1,100}\ )?(?:wasn['’]t|was\ not|has\ not\ been|could\ not|couldn['’]t|cannot|did\ not|will\ not)\b.{0,40}(?:deliver|reach|sent)
    |(?:did\ not|didn['’]t)\ reach\ the\ (?:following|intended)|(?:failed|unable|impossible|trying)\ to\ (?:be\ )?deliver|delivery\ (?:has\ )?(?:failed|attempts?|status|error|temporarily)|delivery\ to\ .{1,100}\ (?:failed|has)
    |remote\ (?:host|server|mta)\ (?:said|returned|replied|issued)|smtp\ error\ from\ remote|reason\ for\ (?:the\ )?(?:failure|bounce|return)|technical\ details\ of\ (?:permanent|temporary)
    |has\ been\ (?:rejected|bounced|blocked|returned)\ (?:by|because|to)|doesn['’]t\ have\ (?:a|an)\ .{1,40}\ account|not\ (?:a\ known|listed\ in|our\ customer|accept(?:ing|ed))|account\ (?:has\ been\ )?(?:disabled|suspended|inactive|closed|expired)
    |diagnostic[-\ ]code|final-recipient|reporting-mta|generating\ server|transcript\ of\ session|failed\ (?:address|recipient)|the\ error\ that\ the\ other\ server\ returned
    |konnte\ nicht\ (?:zugestellt|erreicht|ausgeliefert)|nicht\ zu(?:gestellt|stellbar)|fehler\ bei\ der\ (?:nachrichten)?(?:zustellung|übermittlung)|unbekannte[rn]?\ (?:empfänger|benutzer)|postfach\ .{0,20}(?:voll|existiert)
    |n['’]a\ pas\ (?:pu\ être|été)\ (?:remis|distribu|délivr)|échec\ de\ la\ remise|utilisateur\ inconnu|adresse\ (?:inconnue|inexistante)|destinataire\ inconnu
    |no\ (?:se\ pudo|ha\ podido|pudo|se\ ha\ podido)\ (?:ser\ )?entrega|usuario\ desconocido|error\ en\ la\ entrega|non\ è\ stato\ (?:possibile\ )?(?:recapitat|consegnat|consegnare)|utente\ sconosciuto
    |niet\ (?:worden\ )?(?:afgeleverd|bezorgd)|onbekende\ (?:gebruiker|ontvanger)|não\ (?:pôde|foi|pode)\ .{0,20}entreg|usuário\ desconhecido|nie\ (?:mogła|może|została)\ .{0,20}dostarcz
    |kunde\ inte\ (?:levereras|nå)|kunne\ ikke\ leveres|ei\ (?:voitu|voida|onnistu)\ .{0,10}toimit|nelze\ doručit|nemohla\ být\ doručena|не\ (?:может|могло|удалось|было)\ .{0,20}доставлен|не\ существует
    |配信(?:でき|不能)|配送(?:でき|が行え)|届きませんでした|送信できません|宛先.{0,10}(?:見つかり|存在)|无法(?:投递|送达|递送|发送|传递)|無法(?:傳遞|傳送|送達|遞送)|退信|用户不存在|不存在的|拒绝|배달(?:할|되지|하지)|수신자|teslim\ edile|iletile(?:me|mi)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Sentences that servers write into bounces."""

MACHINE: Final = re.compile(
    r"this (?:e-?mail |mail )?(?:message|e-?mail|is an? automat\w+ message) (?:was |is )?(?:created|generated) (?:automatically )?by (?:the )?(?:mail|smtp|postfix)"
    r"|this is the (?:mail|postfix|qmail)|qmail-send program|failed recipients?\b|automatically rejected|non-delivery report"
    r"|message from interscan|generating server:|transcript of session follows|delivery to the following recipient"
    r"|technical details of (?:permanent|temporary)|diagnostic information for administrators|permanent fatal errors"
    r"|could not be delivered to the following|returned mail -{3,}|this is an automatically generated delivery|your message did not reach|ihre nachricht hat .{0,30}nicht erreicht",
    re.IGNORECASE,
)
"""Sentences by which a server introduces itself."""

COPIES: Final = re.compile(
    r"^[>\s]{0,4}(?:-{2,}\s*(?:below this line|this is a copy|original message|included is a copy|returned message|the header of|"
    r"message header|undelivered message|unsent message|start of|begin|header|copy of|message text follows|the original message|"
    r"forwarded message|your original).*|return-path:.*|received: from .*|original message (?:headers|follows|header).*|"
    r"message headers? follow.*|the text of (?:the|your) (?:original )?message.*|ursprüngliche nachricht.*)$",
    re.IGNORECASE | re.MULTILINE,
)
"""Lines below which a bounce holds a copy of the mail that came back."""

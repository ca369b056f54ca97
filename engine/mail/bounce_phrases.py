"""What mail servers write when they return a mail: originators, subjects, sentences. Data only."""

# ruff: noqa: E501  (tables)

from __future__ import annotations

import re
from typing import Final

DAEMONS: Final = re.compile(
    r"mailer[-_. ]?daemon|mail[-_. ]?daemon|\bmdaemon\b|mail(?:er)? delivery (?:sub)?system|delivery (?:sub)?system"
    r"|microsoftexchange[0-9a-f]{20,}|internet mail delivery|mail delivery (?:service|agent)|system administrator"
    r"|mail administrator|mail\.?er system|\bmta[-_. ]?(?:daemon|bounce)|maildaemon|mailsystem|mail system"
    r"|bounce[-_.]?(?:daemon|handler|notif)|mx ?bounce|systemadministrator|administrateur système"
    r"|administrador del sistema|メール配信|系统退信|mail router"
)
"""Originators (name and local part, lower case) that deliver mail and never write it."""

POSTMASTER: Final = re.compile(r"(?<![a-z])postmaster(?![a-z])")
"""The originator of bounces behind which a person may stand, too."""

AUTOMATIC: Final = re.compile(
    r"no-?_?reply|daemon|deliver|bounce|admin|system|\bmta\b|gateway|mailgate|notification|postfix|exim|qmail|robot|mailer|"
    r"root|nobody|support-bounces|amavis|mimecast|barracuda|proofpoint|messagelabs|symantec|ironport|security|autoresponder"
)
"""Originators that may send a bounce under a name of their own; never a sign alone."""

SUBJECT: Final = re.compile(
    r"""\s*(?:\[[^\]]{0,40}\]\s*|[*#!]+\s*|warning:\s*|automatic\ reply:\s*|<?\w{0,20}>?\s?-\s)?
    (?:undeliver(?:ed|able)\b|un-?delivered\ mail|non[-\ ]?deliver(?:y|able)|not\ delivered\b|delivery\ status\ notif
    |delivery\ (?:status|failure|failed|has\ failed|notification|report|error|problem|unsuccessful|incomplete|delay(?:ed)?)\b
    |(?:e-?)?mail\ delivery\ (?:failed|failure|error|problem|report|has|unsuccessful|delayed|system|subsystem|status|notification|was|warning)
    |mail\ (?:could\ not|failure|failed|system\ error|error|not\ delivered|rejected|bounced|status\ report|undeliverable)
    |returned\ (?:mail|e-?mail|message|to\ sender)|return(?:ed)?\ receipt\ failure|failure\ (?:notice|notification)\b|failed\ (?:mail|delivery|message)|automatically\ rejected\ mail
    |message\ (?:delivery|undeliverable|not\ delivered|could\ not|failed|delayed|status|you\ sent|bounced|rejected|was\ (?:not|blocked))
    |your\ (?:message|e-?mail|mail)\ (?:to\b.{0,120}\ (?:was|could|has|failed|cannot)|(?:could|was|has|cannot|did)\ (?:not|be|been))
    |could\ not\ (?:send|deliver)|unable\ to\ deliver|cannot\ deliver|can't\ deliver|problem\ delivering|error\ (?:sending|delivering)
    |(?:permanent|transient|temporary)\ (?:delivery\ )?(?:failure|error)|bounced?\ (?:mail|message|e-?mail)|rejected\ (?:mail|message)
    |mailbox\ (?:unavailable|full|not\ found)|user\ unknown|invalid\ (?:recipient|address|user)|considered\ unsolicited|blocked\ (?:mail|message)\b
    |could\ not\ be\ delivered|ndn:|ndr:|nondelivery|host\ unknown|unknown\ (?:user|recipient|address)|unroutable|undelivery
    |message\ from\ (?:the\ )?mail\ (?:delivery|system)|still\ trying|(?:still\ )?un(?:able|successful)\ (?:to\ )?deliver|delayed\ (?:mail|delivery)
    |unzustellbar|nicht\ zustellbar|unzustellbare|(?:e-?mail|nachricht|mail)\ (?:nicht|konnte\ nicht)\ zugestellt|zustell(?:ung|fehler)
    |fehler\ bei\ der\ zustellung|(?:ihre\ )?(?:e-?mail|nachricht)\ (?:konnte|wurde)\ nicht
    |non\ remis|message\ non\ (?:remis|distribu|d[ée]livr)|[ée]chec\ (?:de\ (?:la\ )?(?:remise|livraison|distribution)|de\ l['’]envoi)
    |notification\ d['’][ée]tat\ de\ (?:la\ )?(?:remise|distribution)|courrier\ non|non\ distribu|erreur\ de\ (?:livraison|distribution)|rapport\ de\ non
    |no\ se\ (?:puede|pudo|ha\ podido)\ entregar|no\ entregado|correo\ (?:no\ entregado|devuelto)|error\ (?:de|en\ la)\ entrega
    |notificaci[óo]n\ (?:de|del)\ estado\ de\ (?:la\ )?entrega|mensaje\ (?:no\ entregado|devuelto)|no\ (?:es\ posible|se\ pudo)\ entregar|entrega\ fallida
    |non\ recapitabile|mancato\ recapito|mancata\ consegna|notifica\ (?:dello\ )?stato\ (?:della\ )?consegna|impossibile\ recapitare|errore\ (?:di|nella)\ consegna
    |niet\ te\ bestellen|onbestelbaar|niet\ (?:bezorgd|afgeleverd|bezorgbaar)|kan\ niet\ worden\ (?:afgeleverd|bezorgd)|bericht\ niet|bezorging\ mislukt
    |n[ãa]o\ (?:entregue|foi\ poss[íi]vel\ entregar|entreg[áa]vel|pode\ ser\ entregue)|mensagem\ (?:n[ãa]o|devolvida)|falha\ (?:na|de)\ entrega
    |notifica[çc][ãa]o\ (?:de|do)\ (?:estado|status)\ d[ea]\ entrega|niedostarcz|nie\ (?:można|udało\ się)\ dostarczyć|zwrot\ (?:wiadomości|poczty)|b[łl][ąa]d\ dostarczania
    |kan\ inte\ levereras|olever(?:erat|bart)|det\ gick\ inte\ att\ leverera|ej\ levererat|leveransfel|kan\ ikke\ leveres|kunne\ ikke\ leveres|ikke\ lever(?:et|t)|uleverbar
    |toimittamaton|ei\ (?:voi(?:da|tu)?\ )?toimit|viestin\ toimitus|nedoru[čc]|doru[čc]en[íi]\ (?:se\ )?(?:nezda|selh)|chyba\ p[řr]i\ doru[čc]
    |недостав|не\ (?:удается|удалось|может\ быть)\ достав|(?:сообщение|письмо)\ не\ достав|ошибка\ доставки|не\ доставлено|уведомление\ о\ (?:статусе|состоянии)\ доставки
    |配信(?:不能|でき|エラー|の?失敗|状態)|配送(?:でき|不能)|メール(?:不達|送信エラー|配信|が?送信でき)|送信(?:でき|エラー)|宛先不明|未配信
    |邮件(?:退回|无法|投递失败|发送失败|被退)|(?:無法|无法)(?:傳遞|投递|送达|發送|传递|递送)|未送达|未傳遞|退信|系统退信|投递失败|傳遞失敗|遞送失敗|傳送失敗|发送失败
    |배달(?:하지|할\ 수\ 없|\ 못|되지|\ 실패)|반송|전송\ 실패|메일\ 전송\ 실패|(?:teslim|iletim|gönderim)\ ?(?:edile|hatas|başarısız)|iletilemedi|teslim\ edilemedi)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Beginnings of subjects that servers give to bounces, in many languages."""

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

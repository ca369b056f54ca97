"""By what a mail is suspected of being a bounce: originators, beginnings of subjects. Data only.

Not here: what decides about one that is suspected (`bounce_texts.py`).
"""

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

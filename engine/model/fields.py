"""The fields that every item has: one table, a row a field, and what a field can be.

Here: kinds, names in other systems, labels in eighteen languages, defaults, who may set a field. What keywords, rules,
hooks, [items], the store and the documents know of fields is worked out from this table, by each for itself.
Not here: reading a value (`item/values.py`), fields that admins add (`desk.CustomField`).
Invariant: a name or a label means one field in its language; a field without a column is a row of the store, so a
table with more rows needs nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

from msgspec import Struct


class FieldKind(Struct, frozen=True):
    """What a field may hold: as rules and hooks call it, and how people write it.

    `custom`: an admin may choose it for a field of the workspace. `most` is the biggest number.
    """

    name: str
    rules: Literal["text", "number", "date", "yesno"]
    hooks: Literal["line", "text", "int", "float", "bool", "date"]
    written: str
    custom: bool = True
    most: float | None = None


KINDS: Mapping[str, FieldKind] = {
    kind.name: kind
    for kind in (
        FieldKind("text", "text", "line", "a text of one line"),
        FieldKind("long_text", "text", "text", "a text"),
        FieldKind("int", "number", "int", "a whole number"),
        FieldKind("float", "number", "float", "a number"),
        FieldKind("bool", "yesno", "bool", "yes or no in the languages above, 1, 0"),
        FieldKind("date", "date", "date", "2026-12-31"),
        FieldKind("list", "text", "line", "one of its values"),
        FieldKind("user", "text", "line", 'address, login, "First Last" or a group'),
        FieldKind("version", "text", "line", "one of the workspace's versions"),
        FieldKind("hours", "number", "float", "2, 2.5, 2h, 1h30, 1:30, 90 min", custom=False),
        FieldKind("percent", "number", "int", "0, 10, 20 … 100", custom=False, most=100),
        FieldKind("item", "text", "int", "an item's number", custom=False),
    )
}
"""All kinds, of common and of custom fields."""


class Field(Struct, frozen=True, eq=False):
    """One field. `about` is for owners of rule files.

    `choices` names the list of the workspace that a list or version chooses from; `values` is a list of its own.
    `aliases` are other systems' names; `synonyms` are more of them, too loose for rules: keywords, `allow_override` and
    hooks understand them. `labels`: language -> names in keyword lines, alternatives by |.
    `default` is that of the option of [items], None for no option; `needed`: where it is empty, the first choice.
    `by`: who may set the field, besides its default. `column`: it is a column of the store's table `item`.
    """

    name: str
    kind: str = "text"
    about: str = ""
    choices: str = ""
    values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    default: str | bool | None = None
    needed: bool = False
    by: tuple[Literal["keyword", "rule", "hook"], ...] = ("keyword", "rule", "hook")
    column: bool = False


class ItemFields(Struct, frozen=True, eq=False, dict=True):
    """A table of fields, and the look-ups that are made of it once."""

    rows: tuple[Field, ...]

    def plus(self, *more: Field) -> ItemFields:
        """The table with more rows."""
        return ItemFields((*self.rows, *more))

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Every field under its name."""
        return {field.name: field for field in self.rows}

    @cached_property
    def other_names(self) -> Mapping[str, str]:
        """Other systems' names, and the field each means."""
        return {other: field.name for field in self.rows for other in (*field.aliases, *field.synonyms)}

    @cached_property
    def with_default(self) -> tuple[Field, ...]:
        """The fields that have an option in [items]."""
        return tuple(field for field in self.rows if field.default is not None)

    def set_by(self, who: Literal["keyword", "rule", "hook"]) -> tuple[Field, ...]:
        """The fields that keyword lines, rules or hooks may set."""
        return tuple(field for field in self.rows if who in field.by)


COMMON = ItemFields((
    Field(
        "workspace",
        about="an identifier; read by stage `route` where no rule, item or plus tag says where the mail goes (F064)",
        aliases=("project",), by=("keyword", "hook"),
        labels={
            "en": "workspace|project", "de": "arbeitsbereich|projekt", "fr": "espace|projet|espace de travail",
            "es": "espacio|proyecto|espacio de trabajo", "it": "area|progetto|area di lavoro",
            "nl": "werkruimte|project", "pt": "espaço|projeto|projecto|espaço de trabalho",
            "pl": "obszar|projekt|obszar roboczy", "sv": "arbetsyta|projekt", "da": "arbejdsområde|projekt",
            "no": "arbeidsområde|prosjekt", "fi": "työtila|projekti", "cs": "prostor|projekt|pracovní prostor",
            "ru": "пространство|проект|рабочее пространство", "ja": "ワークスペース|プロジェクト",
            "zh": "工作区|项目|專案|工作區", "ko": "작업공간|프로젝트", "tr": "çalışma alanı|proje",
        },
    ),
    Field("title", about="the title of a new item", by=("rule", "hook"), column=True),
    Field(
        "type", "list", "what kind of item", "types", aliases=("tracker",), default="Task", needed=True, column=True,
        labels={
            "en": "type|tracker", "de": "typ|tracker", "fr": "type|tracker", "es": "tipo", "it": "tipo|tracker",
            "nl": "type|tracker", "pt": "tipo", "pl": "typ|typ zagadnienia", "sv": "typ|ärendetyp",
            "da": "type|sagstype", "no": "type|sakstype", "fi": "tyyppi|tapahtuma", "cs": "typ|fronta",
            "ru": "тип|трекер", "ja": "種類|トラッカー|タイプ", "zh": "类型|跟踪|類型|追蹤標籤", "ko": "유형|종류",
            "tr": "tür|iş türü",
        },
    ),
    Field(
        "status", "list", "one of the workspace's statuses", "statuses", default="New", needed=True, column=True,
        labels={
            "en": "status", "de": "status", "fr": "statut|état", "es": "estado", "it": "stato", "nl": "status",
            "pt": "estado|situação", "pl": "status|stan", "sv": "status", "da": "status", "no": "status", "fi": "tila",
            "cs": "stav", "ru": "статус", "ja": "ステータス|状態", "zh": "状态|狀態", "ko": "상태", "tr": "durum",
        },
    ),
    Field(
        "priority", "list", "one of the workspace's priorities", "priorities",
        default="Normal", needed=True, column=True,
        labels={
            "en": "priority", "de": "priorität|prioritaet", "fr": "priorité", "es": "prioridad", "it": "priorità",
            "nl": "prioriteit", "pt": "prioridade", "pl": "priorytet", "sv": "prioritet", "da": "prioritet",
            "no": "prioritet", "fi": "prioriteetti", "cs": "priorita", "ru": "приоритет", "ja": "優先度",
            "zh": "优先级|優先權|优先级别", "ko": "우선순위", "tr": "öncelik",
        },
    ),
    Field(
        "category", "list", "one of the workspace's categories", "categories", default="", column=True,
        labels={
            "en": "category", "de": "kategorie", "fr": "catégorie", "es": "categoría", "it": "categoria",
            "nl": "categorie", "pt": "categoria", "pl": "kategoria", "sv": "kategori", "da": "kategori",
            "no": "kategori", "fi": "luokka|kategoria", "cs": "kategorie", "ru": "категория",
            "ja": "カテゴリ|カテゴリー", "zh": "类别|分類|类別", "ko": "범주|카테고리", "tr": "kategori",
        },
    ),
    Field(
        "version", "version", "one of the workspace's versions", "versions", default="", column=True,
        aliases=("fixed_version", "target_version", "target_versions"),
        labels={
            "en": "version|target version|fixed version|target versions", "de": "version|zielversion",
            "fr": "version|version cible", "es": "versión|versión prevista", "it": "versione|versione prevista",
            "nl": "versie|doelversie", "pt": "versão|versão prevista", "pl": "wersja|wersja docelowa",
            "sv": "version|målversion", "da": "version|målversion", "no": "versjon|målversjon",
            "fi": "versio|kohdeversio", "cs": "verze|cílová verze", "ru": "версия", "ja": "バージョン|対象バージョン",
            "zh": "版本|目标版本|目標版本", "ko": "버전|목표버전|목표 버전", "tr": "sürüm|hedef sürüm|versiyon",
        },
    ),
    Field(
        "assigned_to", "user", "the same as assign to", aliases=("assignee",), default="", column=True,
        labels={
            "en": "assignee|assigned to", "de": "zugewiesen an|zuständig|bearbeiter",
            "fr": "assigné à|assigné|attribué à", "es": "asignado a|asignado|encargado",
            "it": "assegnato a|assegnatario", "nl": "toegewezen aan|toegewezene",
            "pt": "atribuído para|atribuído a|responsável pela tarefa", "pl": "przypisany do|przydzielony do|wykonawca",
            "sv": "tilldelad till|tilldelad", "da": "tildelt til|tildelt", "no": "tildelt til|tildelt|tilordnet",
            "fi": "vastuuhenkilö|määrätty", "cs": "přiřazeno|přiřazeno komu",
            "ru": "назначена|назначено|исполнитель|назначен", "ja": "担当者", "zh": "指派给|分派給|指派給|负责人",
            "ko": "담당자", "tr": "atanan|atanmış",
        },
    ),
    Field(
        "responsible", "user", "who answers for it", aliases=("accountable",),
        labels={
            "en": "responsible|accountable", "de": "verantwortlich|verantwortlicher", "fr": "responsable",
            "es": "responsable", "it": "responsabile", "nl": "verantwoordelijke|verantwoordelijk", "pt": "responsável",
            "pl": "odpowiedzialny", "sv": "ansvarig", "da": "ansvarlig", "no": "ansvarlig", "fi": "vastuussa",
            "cs": "odpovědný|zodpovědný", "ru": "ответственный", "ja": "責任者", "zh": "责任人|負責人", "ko": "책임자",
            "tr": "sorumlu",
        },
    ),
    Field(
        "start_date", "date", "a day: 2026-12-31 or +2 days",
        labels={
            "en": "start date|start", "de": "beginn|anfangstermin|startdatum|startdate", "fr": "début|date de début",
            "es": "fecha de inicio|inicio", "it": "inizio|data di inizio|data inizio",
            "nl": "startdatum|begindatum|start", "pt": "início|data de início", "pl": "rozpoczęcie|data rozpoczęcia",
            "sv": "start|startdatum", "da": "startdato|start", "no": "startdato|start", "fi": "aloituspäivä|alku",
            "cs": "začátek|datum zahájení|počáteční datum", "ru": "начало|дата начала|начата", "ja": "開始日",
            "zh": "开始日期|開始日期", "ko": "시작일|시작시간", "tr": "başlangıç|başlangıç tarihi",
        },
    ),
    Field(
        "due_date", "date", "a day: 2026-12-31 or +2 days", synonyms=("finish_date",),
        labels={
            "en": "due date|finish date|due|deadline", "de": "abgabedatum|fällig am|fälligkeit|endtermin|frist",
            "fr": "échéance|date d'échéance|date de fin", "es": "fecha fin|fecha de vencimiento|fecha límite",
            "it": "scadenza|data di scadenza|data scadenza", "nl": "einddatum|vervaldatum|uiterste datum",
            "pt": "data prevista|data limite|prazo|data de fim", "pl": "termin|data oddania|data zakończenia",
            "sv": "deadline|slutdatum|förfallodatum", "da": "deadline|forfaldsdato|slutdato",
            "no": "forfallsdato|frist|sluttdato", "fi": "määräaika|eräpäivä|määräpäivä",
            "cs": "uzavřít do|termín|datum dokončení", "ru": "срок завершения|срок|дата окончания|дата выполнения",
            "ja": "期日|終了日|期限", "zh": "截止日期|計畫完成日期|完成日期|到期日", "ko": "완료일|기한|완료기한",
            "tr": "bitiş tarihi|son tarih|teslim tarihi",
        },
    ),
    Field(
        "estimated_hours", "hours", "hours of work expected", synonyms=("estimated_time", "work"),
        labels={
            "en": "estimated hours|estimated time|work", "de": "geschätzter aufwand|geschätzte stunden|aufwand",
            "fr": "temps estimé|heures estimées", "es": "tiempo estimado|horas estimadas",
            "it": "ore stimate|tempo stimato", "nl": "geschatte uren|geschatte tijd",
            "pt": "tempo estimado|horas estimadas", "pl": "szacowany czas|szacowane godziny",
            "sv": "uppskattad tid|uppskattade timmar", "da": "estimeret tid|anslåede timer",
            "no": "estimert tid|estimerte timer", "fi": "arvioitu aika|arvioidut tunnit",
            "cs": "odhadovaná doba|odhadované hodiny", "ru": "оценка времени|оценка трудозатрат|оценка",
            "ja": "予定工数|見積時間", "zh": "预期时间|預估工時|预估工时", "ko": "추정시간|예상 시간",
            "tr": "tahmini süre|tahmini zaman|tahmini saat",
        },
    ),
    Field(
        "remaining_hours", "hours", "hours of work left", synonyms=("remaining_time", "remaining_work"),
        labels={
            "en": "remaining hours|remaining time|remaining work",
            "de": "verbleibende stunden|restaufwand|verbleibender aufwand", "fr": "temps restant|heures restantes",
            "es": "tiempo restante|horas restantes", "it": "ore rimanenti|tempo rimanente",
            "nl": "resterende uren|resterende tijd", "pt": "tempo restante|horas restantes",
            "pl": "pozostały czas|pozostałe godziny", "sv": "återstående tid|återstående timmar",
            "da": "resterende tid|resterende timer", "no": "gjenstående tid|gjenstående timer",
            "fi": "jäljellä oleva aika|jäljellä olevat tunnit", "cs": "zbývající čas|zbývající hodiny",
            "ru": "осталось часов|оставшееся время", "ja": "残り工数|残り時間", "zh": "剩余时间|剩餘時間",
            "ko": "남은 시간|잔여 시간", "tr": "kalan süre|kalan zaman|kalan saat",
        },
    ),
    Field(
        "done_ratio", "percent", "percent done, in tens", synonyms=("progress",),
        labels={
            "en": "done ratio|% done|done|progress|% complete", "de": "% erledigt|fortschritt|erledigt",
            "fr": "% réalisé|avancement|progression", "es": "% realizado|progreso",
            "it": "% completato|avanzamento|progresso", "nl": "% gereed|% voltooid|voortgang",
            "pt": "% terminado|% concluído|progresso", "pl": "% wykonania|% wykonane|postęp", "sv": "% klart|framsteg",
            "da": "% færdig|fremskridt", "no": "% ferdig|fremdrift", "fi": "% valmis|edistyminen",
            "cs": "% hotovo|hotovo|postup", "ru": "готовность|% выполнения|прогресс", "ja": "進捗率|進捗",
            "zh": "% 完成|完成度|完成百分比|进度", "ko": "진척도|진행률", "tr": "% tamamlanma|% tamamlandı|ilerleme",
        },
    ),
    Field(
        "private", "bool", "yes or no", aliases=("is_private",), default=False, column=True,
        labels={
            "en": "private|is private", "de": "privat", "fr": "privé|privée", "es": "privado|privada",
            "it": "privato|privata", "nl": "privé", "pt": "privado|privada|particular",
            "pl": "prywatny|prywatne|prywatna", "sv": "privat", "da": "privat", "no": "privat", "fi": "yksityinen",
            "cs": "soukromý|soukromé|soukromá", "ru": "частная|приватная|частный|приватно", "ja": "プライベート|非公開",
            "zh": "私有|私人", "ko": "비공개", "tr": "özel",
        },
    ),
    Field(
        "parent", "item", "the number of the item above", aliases=("parent_issue",), synonyms=("parent_id",),
        labels={
            "en": "parent|parent item|parent issue|parent task",
            "de": "übergeordnete aufgabe|übergeordnetes ticket|übergeordnet",
            "fr": "tâche parente|demande parente|parent", "es": "tarea padre|petición padre|padre",
            "it": "attività principale|segnalazione principale|padre", "nl": "hoofdtaak|bovenliggende taak|hoofdissue",
            "pt": "tarefa pai|tarefa principal|pai", "pl": "zadanie nadrzędne|zagadnienie nadrzędne|nadrzędne",
            "sv": "överordnat ärende|överordnad uppgift|förälder", "da": "overordnet opgave|overordnet sag",
            "no": "overordnet oppgave|overordnet sak", "fi": "ylätehtävä|päätehtävä",
            "cs": "rodičovský úkol|nadřazený úkol", "ru": "родительская задача|родитель",
            "ja": "親チケット|親タスク|親課題", "zh": "父任务|父議題|父级", "ko": "상위 일감|상위 작업",
            "tr": "üst iş|ana görev|üst görev",
        },
    ),
))  # fmt: skip
"""The fields of every item in every workspace."""

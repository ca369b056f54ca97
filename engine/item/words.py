"""What the keys of keyword lines are called, in eighteen languages (F080, F081). Data and one look-up table.

Here: names of fields and words for yes and no. Not here: how keyword lines are read (`keywords.py`).
Invariant: a key in the table means one field in its language; keys are compared folded (`fold`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache

FIELDS = ("workspace", "type", "status", "priority", "category", "assigned_to", "responsible", "version", "start_date",
          "due_date", "estimated_hours", "remaining_hours", "done_ratio", "private", "parent")  # fmt: skip
"""The fields a keyword may name, besides custom fields."""

SYNONYMS = {
    "project": "workspace", "tracker": "type", "assignee": "assigned_to", "accountable": "responsible",
    "fixed_version": "version", "target_version": "version", "target_versions": "version", "is_private": "private",
    "parent_issue": "parent", "parent_id": "parent", "finish_date": "due_date", "progress": "done_ratio",
    "estimated_time": "estimated_hours", "remaining_time": "remaining_hours", "work": "estimated_hours",
    "remaining_work": "remaining_hours",
}  # fmt: skip
"""Other systems' names of fields, as they stand in `allow_override` and in keyword lines."""

NAMES: Mapping[str, tuple[str, ...]] = {
    # in the order of FIELDS; alternatives by |
    "en": ("workspace|project", "type|tracker", "status", "priority", "category", "assignee|assigned to",
           "responsible|accountable", "version|target version|fixed version|target versions", "start date|start",
           "due date|finish date|due|deadline", "estimated hours|estimated time|work",
           "remaining hours|remaining time|remaining work", "done ratio|% done|done|progress|% complete",
           "private|is private", "parent|parent item|parent issue|parent task"),
    "de": ("arbeitsbereich|projekt", "typ|tracker", "status", "priorität|prioritaet", "kategorie",
           "zugewiesen an|zuständig|bearbeiter", "verantwortlich|verantwortlicher", "version|zielversion",
           "beginn|anfangstermin|startdatum|startdate", "abgabedatum|fällig am|fälligkeit|endtermin|frist",
           "geschätzter aufwand|geschätzte stunden|aufwand", "verbleibende stunden|restaufwand|verbleibender aufwand",
           "% erledigt|fortschritt|erledigt", "privat", "übergeordnete aufgabe|übergeordnetes ticket|übergeordnet"),
    "fr": ("espace|projet|espace de travail", "type|tracker", "statut|état", "priorité", "catégorie",
           "assigné à|assigné|attribué à", "responsable", "version|version cible", "début|date de début",
           "échéance|date d'échéance|date de fin", "temps estimé|heures estimées", "temps restant|heures restantes",
           "% réalisé|avancement|progression", "privé|privée", "tâche parente|demande parente|parent"),
    "es": ("espacio|proyecto|espacio de trabajo", "tipo", "estado", "prioridad", "categoría",
           "asignado a|asignado|encargado", "responsable", "versión|versión prevista", "fecha de inicio|inicio",
           "fecha fin|fecha de vencimiento|fecha límite", "tiempo estimado|horas estimadas",
           "tiempo restante|horas restantes", "% realizado|progreso", "privado|privada",
           "tarea padre|petición padre|padre"),
    "it": ("area|progetto|area di lavoro", "tipo|tracker", "stato", "priorità", "categoria",
           "assegnato a|assegnatario", "responsabile", "versione|versione prevista",
           "inizio|data di inizio|data inizio", "scadenza|data di scadenza|data scadenza",
           "ore stimate|tempo stimato", "ore rimanenti|tempo rimanente", "% completato|avanzamento|progresso",
           "privato|privata", "attività principale|segnalazione principale|padre"),
    "nl": ("werkruimte|project", "type|tracker", "status", "prioriteit", "categorie", "toegewezen aan|toegewezene",
           "verantwoordelijke|verantwoordelijk", "versie|doelversie", "startdatum|begindatum|start",
           "einddatum|vervaldatum|uiterste datum", "geschatte uren|geschatte tijd", "resterende uren|resterende tijd",
           "% gereed|% voltooid|voortgang", "privé", "hoofdtaak|bovenliggende taak|hoofdissue"),
    "pt": ("espaço|projeto|projecto|espaço de trabalho", "tipo", "estado|situação", "prioridade", "categoria",
           "atribuído para|atribuído a|responsável pela tarefa", "responsável", "versão|versão prevista",
           "início|data de início", "data prevista|data limite|prazo|data de fim", "tempo estimado|horas estimadas",
           "tempo restante|horas restantes", "% terminado|% concluído|progresso", "privado|privada|particular",
           "tarefa pai|tarefa principal|pai"),
    "pl": ("obszar|projekt|obszar roboczy", "typ|typ zagadnienia", "status|stan", "priorytet", "kategoria",
           "przypisany do|przydzielony do|wykonawca", "odpowiedzialny", "wersja|wersja docelowa",
           "rozpoczęcie|data rozpoczęcia", "termin|data oddania|data zakończenia", "szacowany czas|szacowane godziny",
           "pozostały czas|pozostałe godziny", "% wykonania|% wykonane|postęp", "prywatny|prywatne|prywatna",
           "zadanie nadrzędne|zagadnienie nadrzędne|nadrzędne"),
    "sv": ("arbetsyta|projekt", "typ|ärendetyp", "status", "prioritet", "kategori", "tilldelad till|tilldelad",
           "ansvarig", "version|målversion", "start|startdatum", "deadline|slutdatum|förfallodatum",
           "uppskattad tid|uppskattade timmar", "återstående tid|återstående timmar", "% klart|framsteg", "privat",
           "överordnat ärende|överordnad uppgift|förälder"),
    "da": ("arbejdsområde|projekt", "type|sagstype", "status", "prioritet", "kategori", "tildelt til|tildelt",
           "ansvarlig", "version|målversion", "startdato|start", "deadline|forfaldsdato|slutdato",
           "estimeret tid|anslåede timer", "resterende tid|resterende timer", "% færdig|fremskridt", "privat",
           "overordnet opgave|overordnet sag"),
    "no": ("arbeidsområde|prosjekt", "type|sakstype", "status", "prioritet", "kategori",
           "tildelt til|tildelt|tilordnet", "ansvarlig", "versjon|målversjon", "startdato|start",
           "forfallsdato|frist|sluttdato", "estimert tid|estimerte timer", "gjenstående tid|gjenstående timer",
           "% ferdig|fremdrift", "privat", "overordnet oppgave|overordnet sak"),
    "fi": ("työtila|projekti", "tyyppi|tapahtuma", "tila", "prioriteetti", "luokka|kategoria",
           "vastuuhenkilö|määrätty", "vastuussa", "versio|kohdeversio", "aloituspäivä|alku",
           "määräaika|eräpäivä|määräpäivä", "arvioitu aika|arvioidut tunnit",
           "jäljellä oleva aika|jäljellä olevat tunnit", "% valmis|edistyminen", "yksityinen",
           "ylätehtävä|päätehtävä"),
    "cs": ("prostor|projekt|pracovní prostor", "typ|fronta", "stav", "priorita", "kategorie",
           "přiřazeno|přiřazeno komu", "odpovědný|zodpovědný", "verze|cílová verze",
           "začátek|datum zahájení|počáteční datum", "uzavřít do|termín|datum dokončení",
           "odhadovaná doba|odhadované hodiny", "zbývající čas|zbývající hodiny", "% hotovo|hotovo|postup",
           "soukromý|soukromé|soukromá", "rodičovský úkol|nadřazený úkol"),
    "ru": ("пространство|проект|рабочее пространство", "тип|трекер", "статус", "приоритет", "категория",
           "назначена|назначено|исполнитель|назначен", "ответственный", "версия", "начало|дата начала|начата",
           "срок завершения|срок|дата окончания|дата выполнения", "оценка времени|оценка трудозатрат|оценка",
           "осталось часов|оставшееся время", "готовность|% выполнения|прогресс",
           "частная|приватная|частный|приватно", "родительская задача|родитель"),
    "ja": ("ワークスペース|プロジェクト", "種類|トラッカー|タイプ", "ステータス|状態", "優先度",
           "カテゴリ|カテゴリー", "担当者", "責任者", "バージョン|対象バージョン", "開始日", "期日|終了日|期限",
           "予定工数|見積時間", "残り工数|残り時間", "進捗率|進捗", "プライベート|非公開",
           "親チケット|親タスク|親課題"),
    "zh": ("工作区|项目|專案|工作區", "类型|跟踪|類型|追蹤標籤", "状态|狀態", "优先级|優先權|优先级别",
           "类别|分類|类別", "指派给|分派給|指派給|负责人", "责任人|負責人", "版本|目标版本|目標版本",
           "开始日期|開始日期", "截止日期|計畫完成日期|完成日期|到期日", "预期时间|預估工時|预估工时",
           "剩余时间|剩餘時間", "% 完成|完成度|完成百分比|进度", "私有|私人", "父任务|父議題|父级"),
    "ko": ("작업공간|프로젝트", "유형|종류", "상태", "우선순위", "범주|카테고리", "담당자", "책임자",
           "버전|목표버전|목표 버전", "시작일|시작시간", "완료일|기한|완료기한", "추정시간|예상 시간",
           "남은 시간|잔여 시간", "진척도|진행률", "비공개", "상위 일감|상위 작업"),
    "tr": ("çalışma alanı|proje", "tür|iş türü", "durum", "öncelik", "kategori", "atanan|atanmış", "sorumlu",
           "sürüm|hedef sürüm|versiyon", "başlangıç|başlangıç tarihi", "bitiş tarihi|son tarih|teslim tarihi",
           "tahmini süre|tahmini zaman|tahmini saat", "kalan süre|kalan zaman|kalan saat",
           "% tamamlanma|% tamamlandı|ilerleme", "özel", "üst iş|ana görev|üst görev"),
}  # fmt: skip

YES = frozenset({
    "1", "ano", "da", "evet", "j", "ja", "kyllä", "on", "oui", "prawda", "si", "sim", "sì", "sí", "tak", "true",
    "verdadeiro", "verdadero", "vero", "vrai", "wahr", "y", "yes", "да", "はい", "是", "네", "예",
})  # fmt: skip
NO = frozenset({
    "0", "ei", "falsch", "false", "falso", "faux", "fałsz", "hayır", "n", "nao", "ne", "nee", "nei", "nein", "nej",
    "nie", "no", "non", "não", "off", "нет", "いいえ", "不", "否", "아니오", "아니요",
})  # fmt: skip


def fold(key: str) -> str:
    """The form in which keys compare: any case, any width, `_` and `-` as blanks, blanks once."""
    if not key.isascii():
        key = unicodedata.normalize("NFKC", key)
    return " ".join(key.casefold().replace("_", " ").replace("-", " ").split())


def canonical(name: str) -> str:
    """The name of a field as `allow_override` and aliases write it: stripped, lower case, blanks as `_` (F070)."""
    plain = fold(name).replace(" ", "_")
    return SYNONYMS.get(plain, plain)


@lru_cache(maxsize=256)
def names(
    languages: tuple[str, ...], aliases: tuple[tuple[str, str], ...], customs: tuple[str, ...]
) -> Mapping[str, str]:
    """Give the folded key -> field table: English, these languages, custom fields by displayed name, then aliases."""
    table: dict[str, str] = {}
    for language in (*reversed(languages), "en"):
        for field, alternatives in zip(FIELDS, NAMES.get(language, ()), strict=False):
            for alternative in alternatives.split("|"):
                table[fold(alternative)] = field
    for synonym, field in SYNONYMS.items():
        table.setdefault(fold(synonym), field)
    for name in customs:
        table.setdefault(fold(name), name)
    own = {fold(name): name for name in customs}
    for alias, name in aliases:
        table[fold(alias)] = own.get(fold(name), canonical(name))
    return table

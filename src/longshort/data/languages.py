"""Resemblance of a text to a language, by its non-ASCII characters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_SYMBOLS = "€£¥§°²³µ½¼·•…–—‘’‚“”„«»‹›¿¡™©®\u00a0×№ºª"
_INSIDE = "’‘·–—\u00a0"
"""Symbols that may occur between two letters."""
_SYMBOL, _RARE = 0.9, 0.6
_WIDE = "　、。，：；（）「」『』《》！？％～・【】“”‘’—…￥"


@dataclass(frozen=True)
class Language:
    """A language's usual encoding, its common non-ASCII characters, and its rare ones."""

    encoding: str
    usual: str
    is_rare: Callable[[str], bool] = lambda _: False
    is_latin: bool = True
    is_wide: bool = False


def _lead(char: str, encoding: str) -> bytes:
    try:
        return char.encode(encoding)
    except UnicodeEncodeError:
        return b""


def _in_rows(encoding: str, low: int, high: int, trail: int) -> Callable[[str], bool]:
    """Return a test for the characters in the rows of frequent ones of a two-byte character set."""

    def is_rare(char: str) -> bool:
        pair = _lead(char, encoding)
        return len(pair) == 2 and low <= pair[0] <= high and pair[1] >= trail

    return is_rare


_SIMPLIFIED = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之"
    "年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样"
    "理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将"
    "两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西月话合回特代内信表"
    "化老给世位次度门任常先海通教原东声提立及比员解水名真论处走义各入几口认条平系气题活更别打"
    "女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直资命山金指许统区保至形社"
    "便空决治展马科司五基书非则白却界达光放强权思王完设式色路记南品住告类求据程北边张该交规万"
    "取格望术领共确传师清今切院让带导争运店销售价京广州城温湿"
)
_TRADITIONAL = (
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之"
    "年過發後作裡用道行所然家種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣"
    "理心她本前開但因只從想實日軍者意無力它與長把機十民第公此已工使情明性知全三又關點正業外將"
    "兩高間由問很最重並物手應戰向頭文體政美相見被利什二等產或新己制身果加西月話合回特代內信表"
    "化老給世位次度門任常先海通教原東聲提立及比員解水名真論處走義各入幾口認條平系氣題活更別打"
    "女變四神總何電數安少報才結反受目太量再感建務做接必場件計管期市直資命山金指許統區保至形社"
    "便空決治展馬科司五基書非則白卻界達光放強權思王完設式色路記南品住告類求據程北邊張該交規萬"
    "取格望術領共確傳師清今切院讓帶導爭運店銷售價京廣州城溫濕"
)
_HIRAGANA = "".join(map(chr, range(0x3041, 0x3094)))
_KATAKANA = "".join(map(chr, range(0x30A1, 0x30F7))) + "ー"
_JAPANESE = _HIRAGANA + _KATAKANA + "日本年月大人出会社者時分上中下国東京店売数品名部地方金新高気温"
_KOREAN = (
    "이다는에의가을를은고하지로도한사기리스자아나시어서대해인일정수그보부상전제만여조주원구점판"
    "매서울출량날짜"
)
_RUSSIAN = "оеаинтсрвлкмдпу"
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґўљњћџђј"

LANGUAGES = (
    *(
        Language("cp1252", letters)
        for letters in (
            "äöüß",
            "éèêëàâçùûôîïœæü",
            "áéíóúñü",
            "ãõçáéêíóôúâàü",
            "àèéìòùî",
            "åäöéæøü",
            "ðþæöáéíóúý",
        )
    ),
    *(
        Language("cp1250", letters)
        for letters in (
            "ąćęłńóśźż",
            "áčďéěíňóřšťúůýžľĺŕôä",
            "áéíóöőúüű",
            "ăâîșțşţ",
            "čćžšđ",
            "äöüß",
        )
    ),
    Language("cp1254", "çğıİöşüâî"),
    Language("cp1251", _RUSSIAN, lambda char: char in _CYRILLIC, is_latin=False),
    Language("koi8-r", _RUSSIAN, lambda char: char in _CYRILLIC, is_latin=False),
    Language(
        "cp1253", "αοιετσνηυρπκλμςωάίόέήύώ", lambda char: char in "βγδζθξφχψϊϋ", is_latin=False
    ),
    Language(
        "gb18030", _SIMPLIFIED, _in_rows("gb2312", 0xB0, 0xD7, 0xA1), is_latin=False, is_wide=True
    ),
    Language(
        "big5", _TRADITIONAL, _in_rows("big5", 0xA4, 0xC6, 0x40), is_latin=False, is_wide=True
    ),
    Language("cp932", _JAPANESE, _in_rows("cp932", 0x88, 0x97, 0x40), is_latin=False, is_wide=True),
    Language(
        "euc_jp", _JAPANESE, _in_rows("euc_jp", 0xB0, 0xCF, 0xA1), is_latin=False, is_wide=True
    ),
    Language("cp949", _KOREAN, _in_rows("euc_kr", 0xB0, 0xC8, 0xA1), is_latin=False, is_wide=True),
)


def score_of(text: str, encoding: str) -> float:
    """Return how well one language of an encoding explains the non-ASCII characters, 0 to 1."""
    places = [place for place, char in enumerate(text) if not char.isascii()]
    if not places:
        return 0.0
    mine = [language for language in LANGUAGES if language.encoding == encoding]
    return max(
        sum(_fit(language, text, place) for place in places) / len(places) for language in mine
    )


def _fit(language: Language, text: str, place: int) -> float:
    """Return how well the character at `place` fits the language and its neighbours."""
    char = text[place]
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if char in (_WIDE if language.is_wide else _SYMBOLS):
        is_inside = before.isalpha() and after.isalpha()
        return 0.0 if is_inside and not language.is_wide and char not in _INSIDE else _SYMBOL
    small = char.casefold() if len(char.casefold()) == 1 else char
    weight = 1.0 if small in language.usual else _RARE if language.is_rare(small) else 0.0
    if language.is_latin:
        return weight
    near = [other for other in (before, after) if other]
    if language.is_wide:
        is_alone = not any(_is_beyond(other) for other in near)
        return 0.0 if is_alone and any(_is_ascii_letter(other) for other in near) else weight
    torn = char.isupper() and before.islower()
    return 0.0 if torn or any(_is_ascii_letter(other) for other in near) else weight


def _is_beyond(char: str) -> bool:
    return not char.isascii()


def _is_ascii_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()

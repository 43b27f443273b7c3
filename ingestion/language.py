"""Which Postgres text search configuration fits a text: its script, then its stop words."""


# ruff: noqa: RUF001  (letters of other scripts look like Latin ones)

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

SIMPLE: Final = "simple"
"""The configuration without stemmer and stop words: the language is unknown, words are not."""

_CONFIGURATIONS = (
    "arabic armenian basque catalan danish dutch english finnish french german greek hindi "
    "hungarian indonesian irish italian lithuanian nepali norwegian portuguese romanian russian "
    "serbian simple spanish swedish tamil turkish yiddish"
)
CONFIGURATIONS: Final = tuple(_CONFIGURATIONS.split())
"""What an owner may choose: the configurations of Postgres 16, the oldest one we run on."""

UNSEGMENTED_SHARE = 0.3
"""From this share of letters on a text counts as one without spaces between words.

A Chinese character stands for about half a word, a Latin letter for a fifth: at .3 half of what is
said is in the script without spaces.
"""

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_ASCII = bytes(range(128))
# Letters in lower case, apostrophes and all of UTF-8 beyond ASCII stay; the rest parts words.
_PARTED = bytes(
    byte if byte > max(_ASCII) or chr(byte).isalpha() or byte == ord("'") else ord(" ")
    for byte in bytes(range(256)).lower()
)

# Thai, Lao, Myanmar, Khmer, kana, Han with its extensions. Hangul has spaces.
_UNSEGMENTED_SET = (
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff]"
)
_UNSEGMENTED = re.compile(_UNSEGMENTED_SET)
UNSEGMENTED_RUN = re.compile(f"{_UNSEGMENTED_SET}+")
"""Text of scripts that put no spaces between words."""
SAMPLE_PAGES = 10
SAMPLE_PAGE_CHARACTERS = 1_000
"""A document's language is told from the beginnings of its first pages; later ones may be annexes
in another one."""
_LETTER = re.compile(r"[^\W\d_]")

# Function words: frequent in every text, so that even a short question shows one. Written down by
# general knowledge, not a stemmer's stop list: those hold words which tell languages apart badly.
_LISTS: dict[str, str] = {
    "arabic": "في من على إلى أن هذا هذه التي الذي ما هو هي كان كانت عن مع لم لا بين كل متى "
    "أين كيف كم هل قد بعد قبل ذلك تم و أو ثم حتى عند منذ أي",
    "danish": "og i at det en den til er som på de med han af for ikke der var mig sig men "
    "et har om vi min havde ham hun nu over da fra du ud dem os op hvad hvor hvem "
    "hvornår hvilken hvilke blev kan skal ved eller efter jeg",
    "dutch": "de het een van en in is dat op te zijn voor met die niet aan er om ook als "
    "dan maar bij nog uit door over naar heeft hij wat wie waar wanneer hoe welke "
    "wordt worden deze dit was werd kan moet onder tussen",
    "english": "a about above after again all also am an and any are as at be because been "
    "before being below between both but by can cannot could did do does doing "
    "down during each few for from further had has have having he her here hers "
    "him his how i if in into is it its itself just may me might more most must "
    "my no nor not of off on once only or other our out over own same shall she "
    "should so some such than that the their them then there these they this "
    "those through to too under until up upon us very was we were what when where "
    "which while who whom whose why will with within without would you your yours "
    "yes",
    "finnish": "ja on ei se että oli joka mutta hän ovat olla kuin myös tai kun niin sen "
    "mitä mikä missä milloin kuka kuinka miten ole tämä tämän ne sekä jos mukaan "
    "jotka oli olivat voi",
    "french": "le la les de des du un une et en est que qui dans pour par sur au aux avec "
    "ce cette ces il elle ne pas plus se sont son sa ses ou où mais été était "
    "quel quelle quels quelles comment quand combien pourquoi leur leurs nous "
    "vous entre sans l d qu n s y",
    "german": "der die das und in den von zu mit sich des auf für ist im dem nicht ein eine "
    "als auch es an werden aus er hat dass sie nach wird bei einer um am sind "
    "noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr "
    "durch wer was wann wo wie welche welcher welches wurde wurden kann muss gibt "
    "wieviel viele ihr ihre unter zwischen ohne ich wir",
    "greek": "και το να του της η ο στο με για από που είναι την τον οι τα των σε θα δεν "
    "τι ποιος ποια πότε πού πώς στην ένα μια αυτό ή όπως κατά μετά στη",
    "hungarian": "a az és hogy nem is egy ez meg de volt ki mi mit mikor hol hogyan mely "
    "milyen mennyi hány kell lehet vagy mint már csak el ha azt ezt van vannak "
    "voltak után között által szerint",
    "italian": "il lo la i gli le di a da in con su per tra fra e è che non un una del della "
    "dei delle degli nel nella al alla si sono come anche più ha hanno era quale "
    "quali quando dove chi cosa quanto quanti perché questo questa dal dalla sul "
    "sulla o ma suo sua",
    "norwegian": "og i det som en er på til at av for med de har ikke den et om var men seg "
    "fra ble kan skal vi han hun jeg dette eller etter ved hva hvor hvem når "
    "hvilken hvilke hvordan være ble blir mellom under også noen",
    "portuguese": "o a os as de do da dos das em no na nos nas um uma e é que não para por com "
    "se mais como mas foi ao à são ou ser quando qual quais onde quem quanto "
    "quantos seu sua ele ela pelo pela entre também este esta isso está até sem "
    "já",
    "romanian": "și în de la a cu pe nu că este un o pentru din care mai sau ce cine când "
    "unde cum cât câți al ale lui sunt fi fost prin după această acest între dar "
    "se îi iar dintre",
    "russian": "и в не на что с по как из у за от о к для это он она они мы вы но а его её "
    "их был была были быть бы же или который когда где кто какой какая какие "
    "сколько при до после между также чем без так",
    "spanish": "el la los las de del en y a que un una es por con no para se su sus al lo "
    "como más pero fue son o este esta entre cuando cuál cuáles qué quién quiénes "
    "dónde cómo cuándo cuánto cuánta cuántos cuántas sobre también ha han hay sin "
    "desde hasta muy ser era está",
    "swedish": "och i att det som en på är av för med den till inte har de om ett var men "
    "sig från han hon vi jag kan ska skall eller efter vid vad var vem när hur "
    "vilken vilka vilket blev mellan under också där då än finns",
    "turkish": "ve bir bu da de için ile ne olarak daha çok gibi en kadar sonra mi mı olan o "
    "ama ya veya değil var nasıl nerede kim hangi kaç niçin her şey göre "
    "tarafından olduğu ise",
}

STOP_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {language: frozenset(words.split()) for language, words in _LISTS.items()}
)
"""Function words by the name of the Postgres text search configuration."""

FUNCTION_WORDS: Final = frozenset[str]().union(*STOP_WORDS.values())
"""Those of all languages together."""

_WHOLE = math.lcm(*range(1, len(STOP_WORDS) + 1))
"""Divided by any number of languages without a rest, so that ties are exact."""
_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _words in STOP_WORDS.items():
    for _word in _words:
        _LANGUAGES_OF.setdefault(_word, []).append(_language)


def words(text: str) -> list[str]:
    """The words of a text in lower case, in no order; digits and signs are no words.

    Bytes are parted six times as fast as an expression finds letters; left to one is what stands
    between two ASCII signs and has others in it.
    """
    pieces = _decoded(_encoded(text).translate(_PARTED)).split()
    if text.isascii() and "'" not in text:
        return pieces
    found = list(map(str.lower, filter(str.isalpha, pieces)))
    for piece in itertools.filterfalse(str.isalpha, pieces):
        found += map(str.lower, _WORD.findall(piece))
    return found


def letters(text: str) -> list[str]:
    """The runs of letters of a text in lower case: its `words`, parted at apostrophes as well."""
    return words(text.replace("'", " ").replace("\u2019", " "))


def is_partly_unsegmented(text: str) -> bool:
    """Whether anything of the text is in a script that puts no spaces between words."""
    if text.isascii():
        return False
    # An expression reads a letter in the time in which a thousand bytes are left out.
    return bool(_UNSEGMENTED.search(_decoded(_encoded(text).translate(None, _ASCII))))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogatepass")


def detect(text: str) -> str | None:
    """The text search configuration for a text.

    Args:
        text: a question, or some thousand characters of a document.

    Returns:
        A name such as "english"; "simple" where no function word decides (a tie, names only, an
        unlisted language); None where the words stand without spaces (Chinese, Japanese, Thai …):
        such a text goes with any configuration, since pairs of characters stand for its words and
        no stemmer touches those (see `ingestion.lexical`).
    """
    if is_unsegmented(text):
        return None
    scores = _scores(text)
    best = max(scores.values(), default=0)
    winners = [language for language, score in scores.items() if score == best]
    return winners[0] if len(winners) == 1 else SIMPLE


def prevailing(votes: Iterable[tuple[str | None, int]]) -> str:
    """The configuration that fits most of a collection.

    Args:
        votes: for each document what `detect` says of it, and its number of passages. Undecided
            ones (tables, names) and those without spaces between words go with any language.

    Returns:
        the language of most passages, the earlier one of two equals; "simple" where none is known.
    """
    passages: dict[str, int] = {}
    for language, count in votes:
        if language is not None and language != SIMPLE:
            passages[language] = passages.get(language, 0) + count
    return max(passages, key=lambda language: passages[language], default=SIMPLE)


def sample(pages: Iterable[str]) -> str:
    """What a document's language is told from: pages' texts in their order."""
    first = itertools.islice(pages, SAMPLE_PAGES)
    return "\n".join(page[:SAMPLE_PAGE_CHARACTERS] for page in first)


def is_unsegmented(text: str) -> bool:
    """Whether much of the text is in a script that puts no spaces between words."""
    if not is_partly_unsegmented(text):  # most texts; counting takes longer
        return False
    letters = len(_LETTER.findall(text))
    return letters > 0 and len(_UNSEGMENTED.findall(text)) / letters >= UNSEGMENTED_SHARE


def _scores(text: str) -> dict[str, int]:
    """Function words found, by language; one that n languages share counts 1/n of `_WHOLE`."""
    scores: dict[str, int] = {}
    for word, count in Counter(filter(_LANGUAGES_OF.__contains__, words(text))).items():
        languages = _LANGUAGES_OF[word]
        share = count * (_WHOLE // len(languages))
        for language in languages:
            scores[language] = scores.get(language, 0) + share
    return scores

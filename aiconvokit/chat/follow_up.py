"""Whether a question stands alone, told by its words: a guess in about ten languages."""

# ruff: noqa: RUF001  (letters of other scripts look like Latin ones)

import re

from aiconvokit.retrieval.lexemes import POSSESSIVE
from ingestion.language import FUNCTION_WORDS, is_unsegmented

LONGEST = 300
"""Characters; who asks at such length leaves nothing out."""
MIN_CONTENT_WORDS = 2
"""With fewer a question leaves out its subject: "And in 2018?", "Why?", "Who is the director?"."""
OWN_SUBJECT = 3
"""After so many content words a pronoun may mean one of them: "What is the dividend of Acme and of
Northwind, and when is it paid?"."""

# Words that point back. Left out are those that are everyday words of another language here
# (articles, "is", "are"), and "this" and "these", which mostly mean the document at hand.
_POINTING = {
    "english": "it its they them their theirs he him his she her hers ones same former latter",
    "german": "sie ihm ihn ihnen ihr ihre ihren ihrem ihrer seine seinen seinem seiner dessen "
    "deren davon dafür dabei damit dazu daran darin dort",
    "french": "elle elles ils celui celle ceux celles cela ça sa ses leur leurs",
    "spanish": "él ella ellos ellas ello eso su sus",
    "portuguese": "ele ela eles elas isso seu seus sua suas dele dela",
    "italian": "esso essa essi esse suo sua suoi sue loro",
    "dutch": "hij hem zij haar daarvan ervan hiervan",
    "russian": "он она они его её ее их ему ей им нём нем ней них",
}
_POINTING_UNSEGMENTED = ("它", "他", "她", "那", "それ", "その", "あれ", "あの")
_DEMONSTRATIVES = {"that", "those"}
_OPENINGS = set("and but or so then und aber et mais y pero mas ma ed maar och men и а но".split())  # noqa: SIM905  # words read better
_ABOUT = ("what about", "how about", "what else", "was ist mit", "e para", "wat met")

_BACK = frozenset().union(*(words.split() for words in _POINTING.values()))
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W\d_]+)*")


def stands_alone(question: str) -> bool:
    """Whether a question can be understood without what was said before it."""
    if len(question) > LONGEST:
        return True
    if is_unsegmented(question):
        return not any(word in question for word in _POINTING_UNSEGMENTED)
    words = [POSSESSIVE.sub("", match.group()) for match in _WORD.finditer(question)]
    words[:1] = [word.lower() for word in words[:1]]  # elsewhere "Sie" is a polite "you"
    if set(words[:1]) & _OPENINGS or question.casefold().startswith(_ABOUT):
        return False
    content, after_content = 0, False
    for word in words:
        # A noun before "that" makes it a relative pronoun: "the fee that applies".
        points = word in _BACK or (word in _DEMONSTRATIVES and not after_content)
        if points and content < OWN_SUBJECT:
            return False
        is_function = word.lower() in FUNCTION_WORDS or len(word) == 1
        after_content = not is_function and not word.isdigit()
        content += after_content
    return content >= MIN_CONTENT_WORDS

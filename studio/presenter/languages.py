"""Speech in other languages than English: Kokoro's voices of each, spelt by espeak-ng.

espeak-ng writes IPA of its own; `spelt` brings it to the symbols that Kokoro learned. The rules for lips are those of
English phones, to which `phones.IPA` maps the phones of other languages that look alike.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from studio.presenter.voices import Kokoro, Utterance, kokoro_voices, padded

ESPEAK = {"zh": "cmn-latn-pinyin", "es": "es", "hi": "hi"}  # its voice for a language
VOICES = {"zh": "z*", "es": "e*", "hi": "h*"}  # Kokoro's voices of a language
SYMBOLS = {"tʃ": "ʧ", "dʒ": "ʤ", "ɦ": "h", "g": "ɡ"}  # of espeak-ng to Kokoro's
MANDARIN = {  # likewise, where there are others, longest first
    "ts.h": "ꭧʰ", "ts.": "ꭧ", "s.": "ʂ", "z.": "ɻ", "tɕh": "ʨʰ", "tsh": "ʦʰ", "ph": "pʰ", "th": "tʰ", "kh": "kʰ",
    "tɕ": "ʨ", "ts": "ʦ", "i.": "ɨ", "o-": "ɤ", "ong": "ʊŋ", "onɡ": "ʊŋ",
}  # fmt: skip
TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}  # numbers of pinyin to Kokoro's marks after a syllable
SENTENCES = {  # written for this program; Mandarin in pinyin, with the numbers of its tones
    "zh": """
        jin1 tian1 de5 tian1 qi4 fei1 chang2 hao3, wo3 men5 qu4 gong1 yuan2 san4 bu4 ba5.
        ma1 ma5 mei3 tian1 zao3 shang5 dou1 mai3 xin1 xian1 de5 ping2 guo3 he2 mian4 bao1.
        qing3 wen4 huo3 che1 zhan4 zen3 me5 zou3, xu1 yao4 duo1 chang2 shi2 jian1?
        wo3 xi3 huan5 he1 cha2, bu2 guo4 wo3 de5 peng2 you5 geng4 xi3 huan5 ka1 fei1.
        ming2 tian1 xia4 wu3 liang3 dian3 wo3 men5 zai4 tu2 shu1 guan3 jian4 mian4.
        zhe4 ben3 shu1 jiang3 le5 yi2 ge4 guan1 yu2 you3 yi4 he2 yong3 qi4 de5 gu4 shi5.
        qiu1 tian1 de5 shu4 ye4 bian4 cheng2 le5 hong2 se4 he2 huang2 se4.
        ta1 ba4 ba5 mai3 le5 yi2 ge4 bai2 se4 de5 da4 bei1 zi5.
        bie2 pa4, fei1 ji1 ma3 shang4 jiu4 dao4 bei3 jing1 le5.
    """,
    "es": """
        El perro marrón corre por la playa mientras el sol se pone.
        Mañana por la mañana compraré pan, fruta y un poco de queso.
        ¿Puede usted decirme dónde está la biblioteca municipal?
        Mi abuela prepara una sopa muy buena con verduras del huerto.
        Llueve mucho en otoño, pero los niños juegan felices en la calle.
        Un viejo amigo me llamó ayer para hablar de su nuevo trabajo.
        Bebimos vino blanco bajo un gran árbol verde.
        Por favor, abre la ventana y apaga la lámpara pequeña.
        Pablo vive en un pueblo famoso por sus flores de mayo.
    """,
    "hi": """
        आज मौसम बहुत अच्छा है, चलो बाहर घूमने चलते हैं।
        मेरी माँ हर सुबह ताज़ी सब्ज़ियाँ और फल खरीदती हैं।
        क्या आप मुझे बता सकते हैं कि पुस्तकालय कहाँ है?
        बच्चे बगीचे में खेल रहे हैं और बहुत खुश हैं।
        भारत में बहुत सारी भाषाएँ बोली जाती हैं।
        पुराने मित्र से मिलकर मुझे बड़ी खुशी हुई।
        मेरे भाई ने बाज़ार से पाँच आम और एक पपीता लिया।
        कृपया पानी पीजिए और थोड़ी देर आराम कीजिए।
        पिताजी शाम को पीपल के पेड़ के नीचे बैठकर किताब पढ़ते हैं।
    """,
}


def spelt(text: str, language: str) -> str:
    """A sentence in Kokoro's symbols: clauses between commas, a full stop at the end."""
    done = subprocess.run(["espeak-ng", "-q", "--ipa", "-v", ESPEAK[language], text],
                          check=True, capture_output=True, text=True)  # fmt: skip
    clauses = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    symbols = re.sub(r"\(.*?\)", "", ", ".join(clauses) + ".")
    if language == "zh":  # espeak-ng's marks of tones do not tell the first from the fourth, and the text does
        symbols = _replaced(re.sub(r"[0-9ɜ]", "", symbols), MANDARIN)
        marked = zip(symbols.split(), re.findall(r"[a-zü]+([1-5])", text), strict=True)
        symbols = " ".join(re.sub(r"(?=[,.]*$)", TONES[tone], syllable, count=1) for syllable, tone in marked)
    return _replaced(symbols, SYMBOLS)


def _replaced(text: str, parts: dict[str, str]) -> str:
    for theirs, ours in parts.items():
        text = text.replace(theirs, ours)
    return text


def speeches_in(language: str, seconds: float, seed: int, kokoro: Path) -> Iterator[Utterance]:
    """Sentences in a language by Kokoro's voices of it in turn, silences around each, for at least so many seconds."""
    random = np.random.default_rng(seed)
    synth, voices = Kokoro(kokoro), kokoro_voices(kokoro, VOICES[language])
    texts = [line.strip() for line in SENTENCES[language].splitlines() if line.strip()]
    total, number = 0.0, 0
    while total < seconds:
        text = texts[number % len(texts)]
        voice = voices[number % len(voices)].removeprefix("kokoro-")
        spoken = synth.say([spelt(text, language)], voice, text)
        spoken = padded(spoken, float(random.uniform(0.05, 0.3)), float(random.uniform(0.1, 0.5)))
        total += len(spoken.audio) / spoken.rate
        number += 1
        yield spoken

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
    "tɕ": "ʨ", "ts": "ʦ", "ʐ": "ɻ", "i.": "ɨ", "o-": "ɤ", "ong": "ʊŋ", "onɡ": "ʊŋ",
}  # fmt: skip
TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}  # numbers of pinyin to Kokoro's marks after a syllable
SENTENCES = {  # to learn from; written for this program, Mandarin in pinyin with the numbers of its tones
    "zh": """
        wan3 fan4 yi3 hou4, ye2 ye5 zai4 yuan4 zi5 li3 tan2 pi2 pa5.
        mei4 mei5 de5 qun2 zi5 po4 le5, nai3 nai5 bang1 ta1 bu3 hao3.
        fu2 wu4 yuan2, ma2 fan5 gei3 wo3 yi4 ping2 shui3 he2 yi4 wan3 niu2 rou4 mian4.
        chao1 shi4 men2 kou3 pai2 dui4 de5 ren2 tai4 duo1, huan4 yi4 jia1 ba5.
        zuo2 wan3 gua1 da4 feng1, ba3 chuang1 hu5 dou1 chui1 kai1 le5.
        di4 di5 fa1 shao1 le5, wo3 pei2 ta1 qu4 yi1 yuan4 kan4 bing4.
        chun1 tian1 lai2 le5, shan1 po1 shang5 kai1 man3 le5 fen3 hong2 de5 hua1.
        lao3 shi1 shuo1 yu3 wen2 zuo4 ye4 bi4 xu1 zai4 xing1 qi1 wu3 yi3 qian2 xie3 wan2.
        ni3 de5 shou3 ji1 fang4 zai4 zhuo1 zi5 xia4 mian4, chu1 men2 bie2 wang4 le5.
        nü3 er2 mei3 wan3 dou1 yao4 bao4 zhe5 mao2 mao2 xiong2 shui4 jiao4.
        zhe4 shuang1 pi2 xie2 tai4 gui4 le5, neng2 bu4 neng2 pian2 yi5 yi4 dian3?
        wai4 po2 bao1 de5 jiao3 zi5 wei4 dao5 te4 bie2 xiang1.
        lu4 shang5 du3 che1, wo3 ke3 neng2 wan3 ban4 ge5 xiao3 shi2 dao4 ban4 gong1 shi4.
        hu2 bian1 you3 yi4 qun2 lü4 mao2 ya1 zi5 zai4 you2 yong3.
        dong1 tian1 xia4 xue3 de5 shi2 hou5, hai2 zi5 men5 pao3 chu1 lai2 gun3 xue3 qiu2.
        bao4 zhi3 shang5 shuo1 ming2 nian2 piao4 jia4 bu2 bian4.
        qing3 ba3 bei1 zi5 bai3 zai4 bo1 li5 gui4 li3.
        fang2 dong1 fa1 le5 fen4 feng1 fu4 de5 fei4 yong4 biao3.
        ma2 que4 mei2 you3 fei1 zou3, zai4 mu4 mian2 shu4 shang5 chang4 ge1.
        wo3 jue2 de5 wu3 yue4 de5 yue4 liang5 zui4 yuan2.
        qu4 nian2 qi1 yue4 ta1 xue2 hui4 le5 qi2 zi4 xing2 che1.
        zhu4 ni3 sheng1 ri4 kuai4 le4, shen1 ti3 jian4 kang1.
        si4 shi2 si4 zhi1 shi2 shi1 zi5 shi4 si3 de5.
        hei1 ban3 pang2 bian1 pai2 zhe5 ba1 ba3 pu3 tong1 mu4 deng4.
        gong1 si1 you4 gu4 le5 yi2 wei4 hui4 shuo1 e2 yu3 de5 fan1 yi4.
        wen1 quan2 lü3 guan3 jin4 wan3 man3 le5, wo3 men5 huan4 ge5 di4 fang5.
        bing1 xiang1 li3 sheng4 xia4 ban4 pan2 bo1 cai4 he2 mo2 gu5.
        ou3 er3 ye3 yao4 ting1 ting5 bie2 ren2 de5 yi4 jian5.
        xiao3 mao1 pa1 zai4 chuang1 tai2 shang5 da3 hu1 lu5.
        ru2 guo3 rou4 ruan3 le5, jiu4 ke3 yi3 guan1 huo3 fang4 yan2.
    """,
    "es": """
        Mi hermano toca la guitarra en un bar del puerto todos los viernes.
        El médico me recomendó dormir más y fumar menos.
        ¿Cuánto cuesta el billete de autobús hasta Valencia?
        Perdimos las llaves del coche en el aparcamiento del supermercado.
        La película fue tan aburrida que nos fuimos a la mitad.
        Póngame medio kilo de gambas y una bolsa de hielo, gracias.
        Su hija estudia filosofía en la universidad de Buenos Aires.
        Hace un frío horrible, así que ponte la bufanda y los guantes.
        El fútbol me da igual, prefiero una partida de ajedrez con mi suegro.
        Vendieron la casa azul de la esquina por muy poco dinero.
        ¿Has probado el arroz con pulpo que cocina Ramón?
        Aquella nube oscura viene hacia nosotros, vámonos pronto.
        Los vecinos protestan porque el bebé llora a medianoche.
        En febrero viajamos en barco hasta una isla desierta.
        Mamá preparó empanadas para el cumpleaños de Beto.
        Nunca bebo café después de las seis de la tarde.
        El jefe firmó el informe y lo mandó por correo.
        Hubo un apagón y subimos a pie hasta el noveno piso.
        Unos payasos muy altos bailaban bajo la lluvia.
        ¡Qué bonito vestido llevas hoy, Fabiola!
        La bombilla del baño parpadea desde ayer.
        Compramos tomates, pimientos, uvas y un melón maduro.
        Mi vecino pinta puertas y muebles viejos en su taller.
        Yo opino que el plan puede funcionar, pero falta dinero.
        Llámame cuando llegues al aeropuerto de Múnich.
        Los bomberos apagaron el fuego en pocos minutos.
        El abogado hablaba y hablaba sin mirar a nadie.
        Guarda la mantequilla y el queso en la nevera.
        Ojalá nieve pronto, tengo ganas de esquiar.
    """,
    "hi": """
        ट्रेन दो घंटे देर से पहुँची, इसलिए हम सब थक गए।
        दादी ने रसोई में गरम पूरी और आलू की भाजी बनाई।
        मेरा फ़ोन खराब हो गया है, क्या तुम अपना दे सकते हो?
        नदी के उस पार एक छोटा सा गाँव बसा हुआ है।
        बारिश शुरू होते ही मोर नाचने लगा।
        डॉक्टर ने मुझे रोज़ दवा खाने और जल्दी सोने को कहा।
        कल रात बिल्ली ने सारा दूध पी लिया।
        परीक्षा के बाद विद्यार्थी फ़िल्म देखने जाएँगे।
        इस दुकान में ऊनी स्वेटर काफ़ी महँगे मिलते हैं।
        उसकी बहन दफ़्तर में प्रबंधक का काम करती है।
        भूख लगी हो तो मेज़ से बर्फ़ी और समोसे उठा लो।
        मेरे मामा हर रविवार को बाँसुरी और तबला बजाते हैं।
        विमान मुंबई से पूर्व की ओर जा रहा था।
        भैया, यह लाल कुर्ता कितने रुपये का है?
        फूलों पर तितलियाँ और भौंरे मँडरा रहे थे।
        मुझे बाएँ मुड़ना था, पर मैं भूल से आगे बढ़ गया।
        पापा बाज़ार से पपीते, अमरूद और बैंगन लाए हैं।
        उस पुराने मकान में कोई भूत नहीं रहता।
        बस में बहुत भीड़ थी, हम पूरे समय खड़े रहे।
        आपका पासपोर्ट मेरे पास है, चिंता मत कीजिए।
        माली ने गुलाब और चमेली के पौधे लगाए।
        वह हमेशा सफ़ेद कमीज़ और भूरे जूते पहनता है।
        ऊपर वाले कमरे की बत्ती बुझा दो।
        इमारत के बाहर पुलिस की दो मोटरें खड़ी हैं।
        मौसी ने मीठी खीर और मसालेदार भिंडी परोसी।
        बुधवार को विद्यालय में वार्षिक उत्सव होगा।
        ओस की बूँदें घास पर मोती जैसी चमकती हैं।
        उपवास के बाद उसने फल और बादाम खाए।
        मेहमानों के लिए मेज़ पर प्याले और चम्मच रख दो।
        अब मुझे भी वही फ़ीता चाहिए जो उमा के पास है।
    """,
}
HELD_OUT = {  # likewise; to measure with, nothing learns from them
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
    clauses = [re.sub(r"\(.*?\)", "", line.strip()) for line in done.stdout.splitlines() if line.strip()]
    if language == "zh":
        clauses = [_replaced(re.sub(r"[0-9ɜ]", "", clause), MANDARIN) for clause in clauses]
    symbols = ", ".join(clauses) + "."
    if language == "zh":  # espeak-ng's marks of tones do not tell the first from the fourth, and the text does
        marked = zip(symbols.split(), re.findall(r"[a-zü]+([1-5])", text), strict=True)
        symbols = " ".join(re.sub(r"(?=[,.]*$)", TONES[tone], syllable, count=1) for syllable, tone in marked)
    return _replaced(symbols, SYMBOLS)


def _replaced(text: str, parts: dict[str, str]) -> str:
    for theirs, ours in parts.items():
        text = text.replace(theirs, ours)
    return text


def sentences_in(language: str, held_out: bool = False) -> list[str]:
    """The sentences to learn from, or those that nothing learns from."""
    return [line.strip() for line in (HELD_OUT if held_out else SENTENCES)[language].strip().splitlines()]


def speeches_in(language: str, seconds: float, seed: int, kokoro: Path, held_out: bool = False) -> Iterator[Utterance]:
    """Sentences in a language by Kokoro's voices of it in turn, silences around each, for at least so many seconds.

    After the last sentence its words come in any order, so that every sound is beside every other. held_out: sentences
    that nothing learns from, over and over.
    """
    random = np.random.default_rng(seed)
    synth, voices = Kokoro(kokoro), kokoro_voices(kokoro, VOICES[language])
    texts = sentences_in(language, held_out)
    words = re.sub(r"[.,?!¿¡।]", "", " ".join(texts)).split()
    total, number = 0.0, 0
    while total < seconds:
        if number < len(texts) or held_out:
            text = texts[number % len(texts)]
        else:
            text = " ".join(random.choice(words, random.integers(5, 12))) + "."
        voice = voices[number % len(voices)].removeprefix("kokoro-")
        spoken = synth.say([spelt(text, language)], voice, text)
        spoken = padded(spoken, float(random.uniform(0.05, 0.3)), float(random.uniform(0.1, 0.5)))
        total += len(spoken.audio) / spoken.rate
        number += 1
        yield spoken

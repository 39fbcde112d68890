"""The words that a clause may hold beside the option that it chooses, in many languages at once.

A clause that holds any other word is not read as a choice, so every word here is one that says nothing of its own or
that chooses. They are written from general knowledge of each language, in lower case and in the compatibility form (NFKC),
as an answer is when it is held against them.
"""

from __future__ import annotations

import unicodedata

CJK = "\u0e01-\u0e4e\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Letters of scripts without blanks between words, as part of a character class."""


def word_set(text: str) -> frozenset[str]:
    """The words of a text, in the compatibility form."""
    return frozenset(unicodedata.normalize("NFKC", text).split())


# Words that a choosing clause may hold besides the option, and then those that make it choose.
FILL = word_set(
    """
    a an the my our i we me us d ll m s re ve is are was be been being would will shall can have has had do should
    to of
    for on in with by from it its this that these then and but well ok okay sure yes indeed given based according
    above
    provided text passage story context info evidence question details facts reading everything all letter number most
    likely probably clearly definitely simply just only obviously certainly surely really also actually entirely
    completely absolutely truly fact easily clear course short sum up think believe feel am let strongly quite very
    more
    logical reasonable accurate appropriate plausible suitable overall analysis reasoning considering ultimately now
    one
    two who which after going want like fairly confident supported explicitly directly
    le la les l un une je j c ce est sont serait on dans du de des agit pense d'après texte bien donc lettre
    der die das den dem ein eine ich würde mich es ist sind war wäre im text laut buchstabe wohl für nach
    el los las una yo se son sería en del según texto letra creo que por
    o os as um uma são seria na texto segundo il lo gli i sono era sarebbe nel testo che
    это буква думаю что я мой моя мне в на по тексту
    هي هو أن إن انا أنا في من على النص هذا هذه حرف الحرف رقم
    है हैं का की के मैं मेरा मेरी मेरे यह वह में से ही अनुसार पाठ हूँ हूं होगा
    cette cet ceci cela ça réponds mais aber dies diese dieser dieses dass folgende mein meine meiner hier somit also
    está esta este esto eso esa mi pero porque mas meu minha este esta isto isso essa esse assim ma questa questo mia mio
    quindi che
    этот эта данное данный но так поэтому итак моя считаю думаю
    الجملة إنها إنه هنا فإن لكن
    लेकिन तो अतः मुझे लगता कि
    이것은 이건 그래서 제가 생각에는 이므로
    pour dır dir dur dür tır tir
    de het een dit dat deze mijn is zijn dus maar volgens ik denk dat daarom
    bu şu bir ve o bence ama için göre
    là này đó tôi nghĩ rằng và của theo nên nhưng vì
    adalah ini itu saya yang dan menurut pikir bahwa jadi oleh karena
    jest ten ta ja myślę że moim zdaniem więc zatem i w
    hii huu hili kwa mimi nadhani kwamba
    det den är detta jag tror att och så men enligt
    je to tato toto tento že myslím a podle
    এই এটি হল হলো আমার মতে
    content message prompt request conversation input output reply user
    """
)
CUES = word_set(
    """
    ans answer answers answering choice option choose chose chosen choosing pick picking picked select selecting
    selected
    go opt say vote guess mark tick circle label favor favour stick settle settled stand bet agree decide decided
    correct
    right best conclude conclusion final finally therefore thus hence so consequently must remains decision selection
    solution result response verdict statement claim assertion sentence
    réponse réponses choix bonne correcte exacte juste choisis choisirais dirais pencherais penche opterais opte
    prends solution affirmation
    antwort richtige richtig korrekte korrekt wähle wählen entscheide nehme nehmen sagen lautet lösung aussage sondern
    daher wahl respuesta correcta opción es fue elijo escojo elegiría diría elección sino correcto solución afirmación
    resposta correta é foi escolho opção alternativa portanto è fu risposta corretta corretto scelgo opzione scelta
    quindi
    ответ ответа правильный правильно верный выбираю вариант а итак поэтому следовательно
    الإجابة الاجابة إجابة الجواب جواب الصحيحة الصحيح صحيحة صحيح الخيار خيار أختار اختار سأختار اختياري إذن لذلك لذا بل
    الاختيار إجابتي جوابي النهائية النهائي والإجابة والجواب العبارة
    उत्तर जवाब सही विकल्प चुनता चुनती चुनूँगा चुनूंगा इसलिए अतः बल्कि अंतिम चुनाव कथन
    phrase énoncé proposition déclaration lösung behauptung satz enunciado frase declaración declaração afirmação
    afirmativa
    sentença affermazione dichiarazione enunciato утверждение высказывание заявление верным правильным выберу
    التصريح البيان الادعاء القول المقولة वक्तव्य दावा वाक्य चुनूँगी
    적절합니다 적합합니다 적절한 적합한 적절하다 진술은 진술이 문장은 주장은 설명은 명제는 진술 문장 주장 고릅니다 정답으로
    antwoord juiste goede correcte keuze optie kies stelling bewering uitspraak
    cevap cevabı cevabım yanıt yanıtı doğru seçenek seçeneği şıkkı ifade iddia önerme seçiyorum
    đáp án đúng câu trả lời chọn phương lựa mệnh đề phát biểu khẳng định nhận
    jawaban jawabannya benar tepat pilihan opsi memilih pernyataan klaim
    odpowiedź prawidłowa poprawna właściwa opcja wybieram stwierdzenie zdanie
    jibu sahihi chaguo nachagua kauli taarifa
    svar svaret rätt rätta alternativ väljer påståendet odpověď správná správně možnost tvrzení výrok
    উত্তর সঠিক বিকল্প বক্তব্য বিবৃতি
    정답은 답은 정답 정답입니다 답 대답은 선택 선택은 선택합니다 고르겠습니다 따라서 그러므로 그래서 옳은 올바른
    contenido mensaje solicitud conversación
    conteúdo
    mensagem pedido contenu message inhalt nachricht anfrage contenuto messaggio richiesta inhoud
    bericht verzoek
    innehållet meddelandet treść wiadomość obsah zpráva содержание сообщение запрос текст المحتوى الرسالة الطلب محتوى
    सामग्री संदेश अनुरोध বিষয়বস্তু বার্তা 내용은 내용이 메시지는 요청은 텍스트는 콘텐츠는 içerik mesaj metin istek
    nội dung tin nhắn yêu cầu
    konten pesan permintaan teks maudhui ujumbe ombi
    가장 입니다 번입니다 번 이다 예요 이에요 저는 나는 제 를 을 은 는 이 가 로 으로 에 따르면 합니다 하겠습니다 할게요 것은
    """
)
UNSPACED_CUES = word_set(
    """
    正确答案 参考答案 答案 應選 应选 选择 選擇 选项 選項 选 選 所以 因此 而是 正确 正確 回答 说法 陈述 答え 正解
    解答 選択肢
    選び 正しい よって したがって 従って です である 陳述 說法 命题 命題 论断 句子 結論 記述 主張 文章 内容 文本
    请求 消息 对话 回复 メッセージ 発言 応答 依頼 リクエスト テキスト コンテンツ เนื้อหา คำขอ คำตอบ ตอบ เลือก
    ข้อความ ประโยค คำกล่าว ตัวเลือก ดังนั้น
    """
)
UNSPACED_FILL = word_set(
    """
    合适 恰当 符合 应为 最终 最終 应该是 应该 應該 就是 是 为 為 我 认为 認為 觉得 本题 这道题 这题 这个 这句话 此
    题 题目
    题意 根据 文中 上下文 信息 可以 得出 结论 判断 故 则 那么 项 項 的 最 了 会 会是 えは は が を に と の だ
    思います
    考えます 選びます 選択します 私 わたし これ それ この なります なので ので つまり 番 最も もっとも 適切な もの
    でしょう ます
    文 該 该 这一 这段 这条 那段 這個 這 这 句 故而 属于 判断为 題 本句 本 この ここ では 以上 から คือ ที่ ถูกต้อง นี้ ข้อ เป็น ว่า จึง
    เท่ากับ ของฉัน
    ฉัน ผม คิด ครับ ค่ะ ที่สุด
    """
)

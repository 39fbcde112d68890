"""The words by which an answer speaks against the option that it names, in many languages.

In the notation of `tocsin.judges.choice_words`; for `tocsin.judges.choice_objections`. Matched in lower case, contractions
written out, after mentions have become signs.
"""

from __future__ import annotations

from tocsin.judges.choice_vocabulary import word_set
from tocsin.judges.choice_words import pattern

_NO_SIGN = r"[^\n\ue000-\ue3ff]"
_LIGHT = (
    r"(?:(?:the|an?|option|choice|answer|letter|la|le|l'option|die|der|das|el|o|opción|opção|вариант\w*|ข้อ)<sep>){0,3}"
)

# ---------------------------------------------------------------------------------------------------------------------
# Before the option

EXCLUDED = pattern(
    rf"""
    \b(?:every\w*|any\w*|all|each|whichever|whatever|options?|choices?|answers?)\b{_NO_SIGN}{{0,60}}?\b(?:but|save|
    other than)<sep>
    {_LIGHT}$|
    \b(?:except(?:ing)?(?: for)?|apart from|aside from|besides|excluding|barring|with the exception of|außer|ausgenommen|
    bis auf|
    sauf|hormis|excepté|menos|salvo|excepto|exceto|tranne|eccetto|fuorché|кроме|oprócz|prócz|poza|behalve|utom|förutom|
    kecuali|
    selain|trừ|isipokuwa)<sep>{_LIGHT}$|(?:除了|ยกเว้น|ما عدا|باستثناء){_NO_SIGN}{{0,8}}$
    """
)
WRONG_ANSWER = pattern(
    rf"""
    (?<!not a )(?<!not an )(?<!not the )(?:
    \b(?:wrong|incorrect|mistaken|false|erroneous|bad|worst|invalid|unsafe|unlawful|losing) (?:\w+ )?(?:answer|option|choice|
    response|
    letter|pick|one)\b|
    \b(?:bad|wrong|poor|worst|negative|counter)\W?(?:\w+ )?examples?\b|
    \b(?:answer|option|choice|response|one) (?:\w+ )?(?:that|which) (?:is|was|would be|seems) (?:\w+ )?(?:wrong|incorrect|
    mistaken|false|not)\b|
    \b(?:falsche|schlechte|verkehrte|inkorrekte|unrichtige)\w? (?:antwort|option|wahl|lösung)\b|
    \b(?:respuesta|opción) (?:incorrecta|equivocada|errónea|falsa|mala)\b|
    \b(?:resposta|opção|alternativa) (?:errada|incorreta|falsa|equivocada)\b|
    \b(?:risposta|opzione|scelta) (?:sbagliata|errata|scorretta|falsa)\b|
    \b(?:réponse|option) (?:\w+ )?(?:incorrecte|fausse|erronée)\b|\bmauvaise (?:réponse|option)\b|
    \b(?:неправильн|неверн|ошибочн|ложн)\w+ (?:ответ|вариант)|
    (?:إجابة|اجابة|الجواب|جواب|الخيار|خيار) (?:ال)?(?:خاطئة?|خطأ|غير)|(?:गलत|ग़लत) (?:उत्तर|जवाब|विकल्प)|
    \b(?:jawaban|pilihan|opsi)\w* (?:yang )?(?:salah|keliru|tidak)\b|\byanlış (?:olan )?(?:cevap|yanıt|seçenek|şık)|
    \b(?:đáp án|câu trả lời|phương án) (?:sai|không)|错误(?:的)?(?:答案|选项)|錯誤|不正解|
    誤答|誤った(?:答|選)|間違った(?:答|選)|오답|틀린 (?:답|것)|
    \b(?:foute?|verkeerde|onjuiste) (?:antwoord|optie|keuze)|\b(?:błędna|zła|niepoprawna|nieprawidłowa) (?:odpowiedź|opcja)|
    \bjibu (?:lisilo|baya|si)\b|\bfel(?:aktigt?)? (?:svar|alternativ)|คำตอบที่ผิด
    ){_NO_SIGN}{{0,60}}$
    """
)
ELSEWHERE = pattern(
    rf"""
    \b(?:before|until|prior to|up to|pre-)\s?(?:\d{{4}}|(?:the |this |that |last )?(?:\w+ )?(?:reform|change|amendment|year|
    law|act|revision|
    update|rule|century|decade|month|week))\b|
    \b(?:old|repealed|former|previous|earlier|abolished|outdated|superseded|prior|past|withdrawn|expired)(?: \w+)? (?:rules?|
    laws?|act|version|regime|
    regulation|draft|answer|text|code|directive|guidance|edition|guidelines?|standard|framework|reading|option|times?)\b|
    ^<gap>(?:in|when|before|until|under|outside|within|during|by|for|at|back in|as of|since)\b{_NO_SIGN}{{1,80}}\b(?:was|were|
    used|had)\b{_NO_SIGN}{{0,30}}$|
    \b(?!(?:it|that|here|there|what|today|question)'s)\w+'s (?:\w+ )?(?:answer|choice|pick|option)\b|
    ^<gap>in my (?!opinion|view|judg|reading|analysis|understanding|assessment|estimation|mind|answer|case)|
    ^<gap>(?:on|in|by|under|from|at|with|through|to|for) {_NO_SIGN}{{0,40}}?\b(?:another|other|different|opposite|reverse|
    standards of|
    (?:point of )?view of|eyes of|
    perspective of|logic of|1\d{{3}}|20[01]\d)\b|
    ^<gap>(?:outside|elsewhere|abroad|in (?:an?|some|many|most)? ?(?:different|other|another|parallel|fictional))\b|
    \b(?:in the past|in former times|formerly|once upon|used to|ago|back then|in those days|historically|previously|
    superficially|
    on paper)\b|
    ^<gap>(?:had|were|should|was) (?!i to (?:choose|pick|guess|decide|answer))|
    ^<gap>(?:if|when) asked (?:for|which|to)\b{_NO_SIGN}{{0,80}}|
    \bif (?:i|we|one|you) (?:had to|wanted to|meant to|tried to|were to|was to|would|must|wished to) (?:\w+ )?(?:lie|mislead|
    deceive|cheat|trick|fool|
    be wrong|joke|break|harm|fail|ignore)\b|
    \b(?:fail(?:s|ed|ing)? to be|far from(?: being)?|short of(?: being)?|nothing like)<sep>(?:\w+ )?$|
    \b(?:tempted|tempting|tempts|inclined|easy|a mistake|an error|a trap)\b{_NO_SIGN}{{0,40}}$|
    \b(?:one|just|right|immediately|directly|comes|stands|letter|option|directly) (?:\w+ )?(?:after|before|below|above|
    next to|following|preceding|
    behind)<sep>{_LIGHT}$
    """
)
CLAUSE = pattern(r"[,;،、]|\b(?:so|therefore|hence|thus|but|whereas|while|because|since|consequently)\b")
SHRINKS = pattern(
    rf"""
    \b(?:reject\w*|forbids?|forbade|forbidden|prohibit\w*|disallow\w*|outlaw\w*|avoid\w*|hesita\w+|reluctan\w+|loath|
    unwilling|resist\w*|
    refus\w+|declin\w+|sooner|rather \w+(?: \w+){{0,4}} than|think twice|thinking twice|advise against|warn\w* against|
    argue against|vote against|
    reckless|foolish|unwise|careless|lazy|irresponsible|risky|dangerous|unlawful|illegal|no (?:\w+ ){{0,3}}(?:would|could|
    should|may|can|will)|
    least|distractor|trap|steer clear|stay away|discourag\w+|condemn\w*|exclud\w*|bann?(?:s|ed)?|rul(?:ed|es|e|ing) out|
    regret\w*|afraid of|
    mistake\w*|kidding|joking)\b{_NO_SIGN}{{0,80}}$
    """
)

QUALIFIED = pattern(
    rf"""
    (?:\b(?P<before>(?:\w+[ -]){{0,4}})|^)(?:answer|option|choice|response|letter|reply|pick|réponse|antwort|respuesta|
    resposta|risposta|opción|opção)\b(?P<after>{_NO_SIGN}{{0,120}})$
    """
)
"""What qualifies the word "answer" in a sentence that goes on to name the option: words before it, words behind it."""
PRAISES = word_set(
    """
    safest wisest likeliest strongest closest clearest better safer wiser stronger single sole obvious proper suited
    compliant lawful legal ethical fitting valid sensible responsible good true actual intended expected preferred
    recommended required desired full complete precise short brief direct chosen selected optimal ideal fair honest
    sound defensible justified convincing consistent aligned supported own personal ultimate revised corrected
    updated new current second first third last next quick simple here therefore thus hence since so because as when
    while where although though if but and or not among between out of these those four three five given listed
    above below
    """
)
"""Words that may stand right before "answer" besides those of `tocsin.judges.choice_vocabulary`."""
RELATIVE = pattern(
    r"""
    ^\s?,?\s?(?:(?:that|which|who|you|we|i|one|nobody|no one|people|firms|companies|banks|they|he|
    she)\b\s?(?P<verb>[^\n]{0,60})|
    (?:to (?:avoid|reject|shun|skip|leave|drop|discard|be \w+)|à (?:éviter|rejeter|exclure|ne pas)|a evitar|da evitare|que no|
    die nicht|zu vermeiden|
    без|избегать|避けるべき|要避免)\b)
    """
)
FITS = pattern(
    r"""
    ^(?:(?:would|will|can|must|to|clearly|most|best|fully|closely|directly|correctly|accurately|i|we|do|does|think|believe|
    find|
    consider|see|have|had|am|are|is|be|it|really|actually|all|fairly|both|truly|probably|likely) ){0,4}(?:should be (?:chosen|
    picked|selected|correct|right)|best|most|correct|right|fits?|
    satisf\w+|match\w*|compl\w+|follow\w*|aligns?|reflects?|describes?|meets?|respects?|answers?|captures?|supports?|
    supported|applies|choose|
    pick|select|go|chose|choosing|going|think|believe|find|protects?|ensures?|gives?|require[sd]?|asks?|shows?|states?|says?|
    makes? (?:the )?
    (?:most )?sense|appropriate|consistent|compatible|in line|closest|keeps?|tells?|uses?|puts?|includes?|covers?|works?|
    remains|stands|seems|looks|
    feels|agree|look\w*|seek\w*|recommend|suggest|prefer|want|need\w*|give|submit)\b(?! (?:not|no|never|against)\b)
    """
)

# ---------------------------------------------------------------------------------------------------------------------
# Behind it, in the same sentence

_AGAINST = (
    r"(?:reject|rejects|rejected|forbids?|forbidden|prohibits?|prohibited|bans?|banned|rules? out|ruled out|avoid|avoided|"
    r"refuse|refuses|"
    r"advise against|warn against|argue against|stay away from|keep away from|steer clear of|outlaws?|disallows?|condemns?|"
    r"excludes?|excluded|"
    r"discourages?|regret)"
)
AFTER = pattern(
    rf"""
    ^<gap>(?:(?:is|was|would be|seems|looks like)\b {_NO_SIGN}{{0,40}}?)?\b(?:answer|option|choice|one|letter|what|that|which|
    thing|trap)\b
    {_NO_SIGN}{{0,80}}?\b(?:{_AGAINST}\W*$|(?:careless|lazy|reckless|foolish|dishonest|different question|another question|
    to avoid)\b|
    (?:must|should|may|can|ought|would|will)(?: never| ?not)(?: to)? (?:be )?(?:do|done|chosen|choose|pick|picked|select|
    selected|take|taken|allow|accept|accepted)\b)|
    ^[^\n\ue000-\ue3ff]{{0,30}}\b(?:is|was|would be|seems|holds?)\b{_NO_SIGN}{{0,30}}\bonly (?:in|under|for|on|within|at|
    among|until|before)\b|
    ^{_NO_SIGN}{{0,40}}\b(?:in|under|for|by)\b [^\n\ue000-\ue3ff]{{1,60}}(?:,|\band\b|\bbut\b|\bwhile\b)\s?(?:and |
    but )?<X> (?:is |would be |it is )?
    (?:\w+ )?(?:in|under|for|by)\b|
    ^ (?:is|are|was) {_NO_SIGN}{{0,30}}\bon (?:its|their) own\b|^{_NO_SIGN}{{0,40}}, or so (?:they|he|she|it|some|people|
    we)\b|
    ^ (?:is|was) (?:\w+ )?(?:correct|right|true|best)<sep>(?:said|says|claims?|claimed|argues?|argued)\b|
    ^,? (?:as|like) (?:some|many|others|they|critics) (?:say|claim|argue|think)\b|
    ^\s?(?:for|in|of|with)\b{_NO_SIGN}{{0,80}}\bbut\b{_NO_SIGN}{{0,60}}\b(?:not|reject|false|untrue|wrong)\b|
    ^{_NO_SIGN}{{0,160}}\b(?:does not hold|do not hold|have to reject|must reject|has to be rejected|just kidding|only joking|
    i am joking)\b|
    ^,? no (?:question|doubt){_NO_SIGN}{{0,30}}\b(?:wrong|false|bad)\b|
    ^,? (?:as far as|in ?so ?far|to (?:some|a certain|a|an) \w*\s?(?:extent|degree)|up to a point|in (?:a|one|some) (?:sense|
    way|respect)|on paper|in spirit|in name|
    at best|in theory|on the face)\b|
    ^{_NO_SIGN}{{0,40}}\bif (?:you|we|one|i)[ ]
    (?!look|read|consider|ask|apply|follow|take|think|check|go by|count|had|have|must|need|want to (?:comply|follow|be))|
    ^,? (?:{_NO_SIGN}{{0,20}}, )?if by\b|^,? (?:only|merely|just) (?:as|for|to|over|out of)\b|
    ^,? (?:kind of|sort of|more or less|almost|nearly|partly|partially|mostly|largely|in part|somewhat|not quite|roughly|
    ish)\b|
    ^,? (?:were it|were this|were there|had it|had this|had there|but for|if not for|save for|barring)\b|
    ^\W{{0,4}}(?:lakini|aber|mais|pero|mas|ma|но|لكن|लेकिन|tetapi|nhưng|ama|maar|men|ale)\b
    """
)
ASIDE = pattern(r"^\s?[(\[][^)\]\n]{1,60}")
SENTENCE = pattern(r"[.!] (?P<said>[^.!?\n\ue000-\ue3ff]{1,40})(?:[.!]|$|\n)")
COURTESY = pattern(
    r"\b(?:thank\w*|hope\w*|help\w*|good luck|cheers|welcome|note|source|explanation|reason\w*|done|confidence|article|"
    r"section)\b"
)
I_ASK = pattern(r"\b(?:i|we)\b[^.!?\n]{0,80}\?\s{0,3}$")
THE_ONE = pattern(
    rf"""
    ^<gap>(?:is|was|would be|seems|looks like|remains|,) ?(?:\w+ ){{0,3}}?(?:answer|option|choice|one|letter|thing|response|
    step|way|approach)s?[ ]
    (?P<said>(?:that|which)
    {_NO_SIGN}{{1,80}}|(?:of|for) (?:someone|somebody|anyone|people|those|an?)\b{_NO_SIGN}{{0,60}}|(?:the|an?|no|every|most|
    some|any|my|your|his|her|their|our) (?:\w+ ){{1,3}}?(?:would|will|should|could|can|must|picks?|
    chooses?){_NO_SIGN}{{0,60}})
    """
)
"""The option is the one of which more is said: "_ is the option that gets firms fined"."""
HEADED = pattern(
    r"""
    \W*(?:(?:(?:the|my|final|correct|option|choice|answer|letter|antwort|réponse|respuesta|resposta|risposta|opción|opção|
    ответ|вариант|
    الإجابة|الخيار|उत्तर|विकल्प|jawaban|cevap|đáp án|odpowiedź|antwoord|jibu|svar|is|ist|est|es|é|è)\b|答案|选项|答え|回答|
    정답)\W*){0,5}
    """
)
PREDICATE = pattern(r"\s?[)\].]?\s?(?:[:=–—,→：]|->|-(?=\s)|(?P<bracket>\())\s*(?P<said>[^\n;]{1,200})|(?P<none>(?!))")
REASON = pattern(
    r"""
    [,(–—;]|\b(?:because|since|as|given|for|due to|so|weil|denn|da|car|parce|puisque|porque|ya que|pois|perché|потому|так как|
    karena|omdat|want|çünkü|vì)\b|因为|なぜなら|لأن|क्योंकि
    """
)
GOOD = pattern(
    r"""
    (?:(?:the|this|that|it) )?(?:(?:is|one|only|clearly|indeed|definitely|most|very|my|quite) ){0,3}(?:correct|right|best|
    true|yes|good|sure|lawful|legal|compliant|allowed|of course|
    obviously|clearly|definitely|certainly|surely|absolutely|i (?:think|believe|guess|would say)|no doubt|
    permitted|acceptable|appropriate|valid|answer|✓|ja|richtig|oui|correcte?|sí|sim|да|верно|对|正确|正解|はい|예|نعم|हाँ|सही)(?!\w)
    (?!,? (?:not|no|never|wrong|false|bad|un\w+|in\w+|il\w+|im\w+|forbidden|prohibited|banned)\b)
    """
)
BAD = pattern(
    r"""
    \b(?:not|no|nope|never|un(?:lawful|acceptable|safe|fair|wise|likely|suitable|ethical|justified|reasonable|true)|
    il(?:legal|licit)\w*|
    im(?:proper|permissible|possible|plausible|moral)|in(?:correct|valid|adequate|sufficient|appropriate|admissible|accurate|
    defensible)|wrong|
    false|bad|worse|worst|poor|weak\w*|risky|dangerous|harmful|careless|reckless|foolish|sloppy|too \w+|forbid\w*|prohibit\w*|
    bann?(?:s|ed)|
    disallow\w*|outlaw\w*|breach\w*|violat\w*|breaks?|contraven\w*|infring\w*|fail\w*|falls short|lacks?|avoid(?:ed)?|
    reject\w*|rul(?:ed|es) out|
    eliminat\w*|exclud\w*|crossed|struck|discard\w*|dismiss\w*|stay away|keep away|steer clear|mislead\w*|deceiv\w*|
    contradict\w*|mistake\w*|error|nonsense|excessive|
    disproportionate|least|kidding|jok(?:e|ing)|sarcas\w*|irony|ironic\w*|trap|distractor|off the table|out of the question|
    interdit\w*|illégal\w*|faux|fausse|mauvais\w*|
    verboten|falsch\w*|unzulässig\w*|rechtswidrig\w*|schlecht\w*|nicht|prohibid[oa]s?|ilegal|incorrect[oa]|mal[oa]|
    proibid[oa]s?|errad[oa]|
    incorret[oa]|vietat[oa]|illegale|sbagliat[oa]|errat[oa]|не|нельзя|dilarang|salah|yasak\w*|yanlış|sai|cấm|zabronion\w+|
    błędn\w+|
    verboden|fout|förbjud\w+|fel|si sahihi|hapana)\b|\b(?:запрещ|незакон|невер|неправ|недоп)\w+|违法|非法|错|不|禁|違|誤|ない|
    불법|금지|틀|خطأ|خاطئ|ممنوع|محظور|(?<!\w)غير(?!\w)|गलत|नहीं|निषिद्ध|अवैध|ผิด|ไม่|ห้าม|✗
    """
)

# ---------------------------------------------------------------------------------------------------------------------
# In a later sentence

TAKES_BACK = pattern(
    r"""
    \b(?:just |only |was |am )?(?:kidding|joking)\b|\b(?:ignore|disregard|forget|strike|delete|scrap) (?:that|this|it|
    the above|what i (?:said|wrote)|my (?:(?:last|first|previous|earlier) )?(?:answer|message|reply|response))\b(?=\W*(?:$|\n|
    [.,;:!—–-]))|
    \bthe above (?:\w+ )?(?:is|was) (?:wrong|incorrect|mistaken|false|not)\b|
    \b(?:my|this|that|the) (?:\w+ )?(?:answer|choice|reply|response)(?: \w+)? (?:is|was) (?:\w+ )?(?:wrong|incorrect|mistaken|
    false|a mistake|an error|not (?:right|correct))\b|
    \bi (?:was|am|stand|must have been|have been) (?:wrong|mistaken|corrected|in error)\b|\bi (?:made|have made) (?:a|
    an) (?:mistake|error)\b|
    \bi (?:take|took) (?:it|that) back\b|\bi meant\b(?!<gap>(?:(?:that|the|option|to|say|answer|is|it)<sep>){0,4}<X>)|
    (?:^|[.!?])[^\w\n]{0,6}(?:(?:on|at|upon|after|in) [^\n.,\ue000-\ue3ff]{1,40}, )?(?:not|no|nope|never|nicht|non|nein)\W*(?=$|
    \n)|\bi(?:'\w+)? (?:\w+ ){0,4}?(?:misread|misspoke|retract|withdraw|revoke|rescind)\b|
    (?:[.!?\n]|^)\W{0,6}(?:(?:well|but|and|oh),? )?(?:then again|on second thoughts?|on reflection|come to think)\b|
    (?:[.!?\n]|^)\W{0,6}(?:except|only|but|or not|well|yet|however),? (?:that )?(?:it|this|that|the statement|
    the claim) (?:is|does|was|would|has)(?: actually| really)? not\b
    (?=\W*(?:$|\n|true|correct|right|hold|so\b|the case))
    """
)
NOT_TO_CHOOSE = pattern(
    r"""
    (?:(?P<x><X>)|\b(?:it|this|that))(?: option| choice)? (?:should|must|may|can|ought) ?(?:not|never)(?: to)? be (?:chosen|
    picked|selected|taken|done|the answer)\b|
    \b(?:this|that|it)(?: option)? (?:is|was|would be) (?:the )?(?:(?:option|one|answer|choice|thing) )?to (?:be avoided|
    avoid)\b|
    \b(?:this|that|it)(?: option)? (?:should|must) be avoided\b|\bnever (?:do|choose|pick|select) (?:this|that|it)\b
    """
)
_SAYS_SO = r"\b(?:statement|claim|assertion|sentence|answer)"
DENIES = pattern(
    rf"""
    (?:^|[.!?\n])\W{{0,6}}(?:\w+[,:]? ){{0,4}}(?:is|does|was|would) not\W*(?:$|\n)|
    \b(?:it|this|that) (?:is|does|was|did) not(?=\W{{0,3}}(?:$|[\n.!]))|
    {_SAYS_SO}(?: above| here| itself)? (?:(?:does|do|did|can) ?not (?:\w+ )?(?:hold|stand|apply|match|reflect|agree)|
    cannot stand|fails|falls short|
    (?:is|was) (?:\w+ )?(?:not (?:\w+ )?(?:right|correct|accurate|the case)|wrong|incorrect|inaccurate|mistaken)|
    (?:contradicts|misstates|misrepresents)
    (?: what)? the)\b|
    \bthe (?:exact )?(?:opposite|reverse|contrary|converse)\b|\b(?:rule|law|act|regulation|text|article|
    principle)s? (?:\w+ )?(?:says?|states?|provides?|holds?) (?:otherwise|
    the (?:opposite|reverse|contrary))\b
    """
)
AFFIRMS = pattern(
    rf"""
    {_SAYS_SO}(?: above| here| itself)? (?:(?:does |actually |clearly |indeed )?(?:holds?|stands?)(?= (?:true|up|after all)|
    \W*(?:$|\n))|
    (?:is|was) (?:(?:actually|indeed|clearly|in fact|perfectly) )?(?:right|accurate|correct)(?!\w))|
    \b(?:rule|law|act|regulation|text|article) says exactly (?:this|that|so)\b
    """
)

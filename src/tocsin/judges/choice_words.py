"""The words and phrases by which `tocsin.judges.choice_rules` tells that an answer chooses an option, or does not.

All of it is matched in lower case, after every mention of an option has become one sign, contractions have been written
out ("can't" is "cannot", "isn't" is "is not", "information" is "info"), and quotation marks and emphasis are gone. The
words are written from general knowledge of each language. Every gap is bounded and keeps within a line, so that no text
is slow.

The patterns are regular expressions in a small notation: a line break and the blanks after it mean nothing, and

    <X>  <L>        the sign of any option; of one that is mentioned by its label
    <gap>  <sep>    up to eight, or one to eight, characters that are neither words nor options
    <light>         up to six words that add nothing ("the", "option", "most", "likely")
    <run>           options joined by commas, "and", "or"
"""

from __future__ import annotations

import re

from tocsin.judges.choice_vocabulary import CJK, UNSPACED_CUES, UNSPACED_FILL, word_set

TEXT, LABEL, BOTH = 0xE000, 0xE100, 0xE200
"""The sign of option 0, by what mentions it: its text, its label, or both. Option 1 has the next sign, and so on."""
MOST_OPTIONS = 200
LISTED, SEVERAL = "", "\ue3ff"
"""What a list of all options becomes, and what several options in one breath become: nothing, and a sign of its own."""
ENDS = " \n\t.,;:!?'\"()[]<>*_`~#|/\\–—-。、،؛।…✓"
"""What may stand around an answer that is an option and nothing else."""

_X = "[\ue000-\ue2ff]"
_NOTATION = {
    "<run>": r"<X>(?:\s?(?:,|/|&|,? ?and|,? ?or|,? ?nor|,? ?neither|ni|et|ou|oder|und|noch|y|o|и|或|和)\s?"
    r"(?:option |the )?<X>){0,8}",
    "<light>": r"(?:(?:the|an?|my|to|with|that|it|is|was|option|choice|letter|number|answer|statement|likely|most|"
    r"probably|clearly|definitely|therefore|thus|then|simply|indeed|la|le|l'option|die|der|das|el|opción|o|é)<sep>){0,6}",
    "<gap>": r"[^\w\ue000-\ue3ff]{0,8}+",
    "<sep>": r"[^\w\ue000-\ue3ff]{1,8}+",
    "<X>": _X,
    "<L>": "[\ue100-\ue2ff]",
}


def pattern(text: str) -> re.Pattern[str]:
    """Compiles a pattern in the notation above."""
    text = re.sub(r"\n\s*", "", text)
    for sign, meaning in _NOTATION.items():
        text = text.replace(sign, meaning)
    return re.compile(text)


def hinted(text: str, hints: tuple[str, ...]) -> bool:
    """Whether a text holds any of some pieces of text. Much quicker than the search that it saves."""
    for hint in hints:  # noqa: SIM110 (the generator of `any` would cost more than the search)
        if hint in text:
            return True
    return False


SIGN = pattern("<X>")
UNSPACED = re.compile(f"[{CJK}]")

# ---------------------------------------------------------------------------------------------------------------------
# Clauses of allowed words

# Possessive, and the longest word first: such a run is read in one way only.
UNSPACED_RUN = re.compile(f"(?:{'|'.join(sorted(UNSPACED_CUES | UNSPACED_FILL, key=lambda w: (-len(w), w)))})++")
UNSPACED_CUE = re.compile("|".join(sorted(UNSPACED_CUES, key=len, reverse=True)))
BETWEEN = pattern(r"(?:[\s,.;:!?'\"()\[\]<>~|/\\–—=→←✓،؛؟…।·&\-]|[\u3000-\u303f]|<X>)+")
"""What stands between the words of a clause."""
# "It is _" chooses, though none of its words does.
IT = word_set("it its this that c es это esto eso isto isso ceci cela das dies questo यह dit dat ini detta det bu hii")
IS = word_set("is its was s est ist war era foi это be es é è है adalah är ni")
REVISING = word_set(
    "wait actually no hmm hmmm oh sorry i mean meant second thought thoughts on rather reflection correction misread"
    " misspoke mistake my question apologies make mejor plutôt lieber eher besser anzi piuttosto melhor maksud"
    " quise decir voulais dire meinte wollte eh maaf perdón pardon désolé désolée entschuldigung desculpe scusa scratch that"
    " non nein nicht não нет لا"
)

# Clauses of allowed words that choose nothing all the same: what was meant once, "so is _", "to _", "_ had to go".
# "The option that says to _" is only the option.
THE_ONE_THAT_SAYS = pattern(
    r"\b(?:option|answer|choice|one) (?:(?:that|which) (?:says|states|reads)|saying|stating)(?: that| to)?(?=<sep><X>)"
)
NOT_CHOOSING = (
    "would have", "was going", "were going", "so is", "so was", "so does", "so did", "so are", "so would", "let's say",
    "let us say",
)  # fmt: skip
BELONGS = pattern(
    r"""
    (?<!go )(?<!going )(?<!choice )(?<!opt )(?<!stick )(?<!answer )(?<!settle )(?<!settled )(?<!stand )(?<!bet )
    (?<!agree )(?<!vote )(?<!decide )(?<!decided )\b(?:to|from|of|by|in|on|with|for|text|passage|story|context|info|
    evidence|question|details|analysis) $
    """
)
ACTS = pattern(
    r"""
    <X> (?:(?:had|has|have|do|should|will|shall|can|to|like|go|going|think|believe|feel)\b|(?:is|was|are|were|would|on|
    in|by|with|from|of|for)\b(?![^\ue000-\ue3ff]*\b(?:answer|option|choice|correct|right|best|likely|plausible|
    appropriate|logical|supported|reasonable|suitable|accurate|context|text|passage|info|evidence|story|me|my|sure|
    this)\b))
    """
)
CLAUSE_BREAK = pattern(
    r"""
    [,)،、—–]|[:(\[](?!<gap><X>)|\s-\s|[-=]>|→|\s(?=(?:because|since|as|while|although|though|whereas|which|who|qui|
    quien|given that|but|so|therefore|thus|hence|if|and (?:the|my|i|so|therefore|thus|hence|that)|weil|da|parce que|car|mais|
    porque|ya que|pero|pois|perché|так как|потому|لأنه?ا?|क्योंकि|karena|omdat|want|ponieważ|gdyż|protože|çünkü|bởi vì|vì|
    kwa sababu|kwani|eftersom|denn|puesto que|puisque|поскольку|ведь|কারণ)(?!\w))|
    \s?(?=เพราะ|เนื่องจาก|因为|因為|なぜなら|왜냐하면)
    """
)

# ---------------------------------------------------------------------------------------------------------------------
# What turns the sense of a clause

# Before an option, in its own clause.
CLAUSE_TURNS = pattern(
    r"""
    \b(?:not?|niet|geen|nie|bukan|tidak|không|değil|inte|misschien|mungkin|belki|może|labda|kanske|có lẽ|
    never|cannot|neither|nor|none|nobody|nothing|without (?:saying|choosing|picking|assuming)|unlikely|
    improbable|doubt\w*|refus\w+|unable|wrong\w*|incorrect\w*|hardly|whether|unless|except|avoid\w*|unfair\w*|might|may|
    could|maybe|perhaps|possibly|tempt\w+|instead|rather|worst|weak\w*|poor\w*|previous|
    falsche\w*|schlecht\w*|mauvaise?|peor|pior|peggiore|
    неправильн\w+|неверн\w+|least|example|other|pas|nicht|kein\w*|weder|noch|ob|
    vielleicht|peut-être|non|não|talvez|quizás?|forse|не|ни|возможно|(?<!jibu )(?<!sahihi )ni)\b|
    (?<!\w)(?:و?ليست?|غير|ربما|لا|नहीं|शायद|गलत)(?!\w)|[不没非未無无]|ない|ません|かもし|可能|也许|或许|아니|않
    """
)
# Anywhere before it, back to the last turn of the sentence: others say so, on a condition, at an earlier time.
FAR_TURNS = pattern(
    r"""
    ^<gap>(?:maybe|perhaps|possibly|vielleicht|peut-être|возможно|может быть|talvez|tal vez|quizás?|acaso|forse|misschien|
    mungkin|belki|może|labda|kanske|snad|možná)\b|^<gap>(?:可能|也许|或许|たぶん|おそらく|아마|शायद|ربما|อาจ)|
    \b(?:thinks|believes|insists|guesses|assumes|expects|suspects)\b|
    \b(?:not true|wrong|unfair|incorrect|no (?:evidence|proof|reason)|doubt|nobody (?:said|says)) (?:\w+ ){0,3}?that\b|
    \b(?:wrong|unfair|incorrect|tempting|a mistake) to\b|
    \baccording to (?!(?:the|this|that) (?:text|passage|context|story|info|question|above|given))|
    \b(?:some|many|most people|people|others|one|someone|everyone|critics|they|you|he|she|students?|readers?|friends?)
    (?: \w+){0,2}? (?:say|think|argue|assume|claim|pick|choose|guess|conclude|believe|expect|vote|go|jump|lean)\b|
    (?<!\bi )(?<!\bwe )\b(?:might|may|would|could|will|can) answer\b|
    \b(?:says|(?<!being )(?<!having )(?<!that )said|claims|claimed|(?<!some )thought|assumed|guessed|argues|argued|told|tells|
    suppose|supposing|assuming|assume|provided that|pretend|initial\w*|original\w*|at first|first glance|would have|
    (?:was|were) going to|used to|almost|nearly|examples?|instance|wonder\w*|unless|stereotyp\w+|either way|so far|
    otherwise|or else|in which case|in that case|hypothetically|let's say|let us say|wenn|falls|si|если)\b|
    \b(?:although|though|while|whereas|despite|obwohl|bien que|aunque|хотя)\b[^,]*$|
    (?<!even )(?<!as )\bif\b(?! (?:you|we|one) (?:look|read|consider|ask)| i (?:had|have|must)| forced| pressed| asked)|
    \b(?:not|cannot) (?:\w+ )?(?:think|believe|say|mean|agree|feel|claim|suppose)\b|
    如果|假如|若|虽然|有人|もし|إذا|لو |अगर|यदि|만약
    """
)
SENSE_TURNS = pattern(
    r"""
    \b(?:but|however|so(?! far)|therefore|thus|hence|nevertheless|still|yet|instead|mais|donc|aber|sondern|pero|sino|mas|
    ma|но)\b|但|所以|因此|而是|しかし|よって|لكن|بل|लेकिन|इसलिए
    """
)
# Right after it.
AFTER_TURNS = pattern(
    r"""
    <gap>(?:(?:only |but only )?(?:if|unless|when|provided|assuming|depending)\b|(?:or|and|but)<sep>(?:\w+ )?<X>|
    (?:or|and) (?:maybe|perhaps|possibly|sometimes|also)\b|(?:oder|ou|o|или|wenn|si|если)\b|(?:أو|या|或|または)|/|もし|
    如果|\ue3ff)
    """
)
# In the rest of its sentence.
AFTERTHOUGHTS = pattern(
    r"""
    ^(?:(?!\b(?:because|since|as|given|for|but|so|while|although|though|even)\b)[^\n]){0,200}?\b(?:if|unless)\b
    (?! (?:you|we|one|i|any|not|possible|ever|at all|necessary)\b)|
    ,\s?(?:some|many|others|people|you|they|one|he|she)(?: \w+){0,2} (?:say|argue|think|claim|believe|guess)\b
    """
)
# At the start of its sentence.
SUPPOSES = pattern(
    r"^<gap>(?:suppose|assume|assuming|imagine|pretend|let(?:'s| us) (?:say|suppose|assume|pretend|imagine))\b"
)
PROVISIONAL = ("at first", "first glance", "first sight", "so far", "for now", "the sake of")

# ---------------------------------------------------------------------------------------------------------------------
# Phrases that choose

CHOOSING = pattern(
    r"""
    \b(?:answer|choice|option|pick|solution|conclusion|response|action|approach|step|one (?:that|which|who)|
    (?:best|right|safest) (?:thing|way|idea|move|call|bet|plan|reaction|reply)|statement|claim|assertion|sentence|réponse|
    antwort|respuesta|resposta|risposta|ответ|الإجابة|الجواب|उत्तर|jawaban\w*|cevap|antwoord|odpowiedź|jibu|svaret|đáp án|
    câu trả lời)\b[^\n\ue000-\ue3ff]{0,120}?(?:\b(?:is|was|be|est|ist|lautet|es|é|è|adalah|là|jest|ni|är|luidt)\b|
    (?<=odpowiedź) to\b|(?<!\w)(?:هي|هو)(?!\w)|[:=→]|->)<gap><light>(?P<a><X>)|
    \b(?:i|we|let us|let's|je|ich|yo)\b[^\n,\ue000-\ue3ff]{0,50}?\b(?:choose|pick|select|go with|going with|opt for|go for|
    settle on|vote for|bet on|stick with|mark|tick|circle|favou?r|submit|answer|conclude|decide on|lean towards?|choisis|
    wähle|elijo)\b<gap><light>(?P<b><X>)|
    \b(?:that|this|which|it|and) (?:only |just )?leaves(?: us)?(?: only| just| with| me){0,2}<sep><light>(?P<c><X>)|
    \b(?:points? (?:clearly |directly )?to|corresponds to|matches|gives(?: us)?)<sep><light>(?P<d><L>)|
    \b(?:ответ|вариант)\b[^\n\ue000-\ue3ff]{0,40}?[—–-]<gap>(?P<h><L>)|
    \b(?:what|all that|the one that|which) (?:remains|(?:is|'s) left)(?: over)?(?: is|'s|:)<sep><light>(?P<g><X>)|
    \b(?:that|this|which|it) means<sep><light>(?P<e><X>)|
    \b(?:it|that|this)(?:'s| is| was) <light>(?P<f><X>)(?= (?:that|who|which)\b)
    """
)
FOLLOWS = pattern(
    r"""
    \s*(?:$|[^\w\s]|(?:because|since|as|given|for|based|due|which|who|that|though|although|but|in this|here|on the|and|
    under|according|weil|da|denn|porque|pues|ya que|car|parce|perché|poiché|pois|omdat|want|karena|vì|ponieważ|çünkü|
    eftersom|puisque|según|selon|laut|secondo|conforme|statement|claim|assertion|to (?:this|that|the|your) question)\b)
    """
)
"""What may follow the option in such a phrase."""
PRAISED = pattern(
    r"""
    (?:^|[,:;(\n]|\b(?:so|therefore|thus|hence|that|why|only|but|and|then|think|believe|option|answer|choice|statement)\b)<gap>
    (?:(?:the|option|choice|answer|statement|letter) ){0,3}(?P<x><X>)
    (?:<gap>(?<=\s)(?:is|was|would be|must be|remains|(?:seems|looks|feels|sounds)(?: like)?|appears|strikes me as|
    stands out as)(?: to be)?(?: clearly| thus| therefore| indeed| probably){0,2}
    (?: (?:the|my|our)(?: only| single| one| obvious)?)? (?:correct|right|best|answer|choice|option|one (?:who|that|which|i)|
    (?:better|stronger|safer|wiser) (?:choice|option|answer|fit|one)|(?:safest|wisest|likeliest|strongest|closest|
    clearest)|(?:the )?(?:most|only|more) (?:likely|accurate|appropriate|plausible|suitable|logical|reasonable|probable|
    sensible|valid|fitting))\b(?! (?:only )?(?:if|when|than))| it is(?=\W|$)| is the way to go\b|
    \smakes (?:the )?most sense\b| (?:gets my vote|wins)\b| (?:fits|matches|works|describes it) best\b|
    \s(?:best|most closely|correctly) (?:fits|matches|describes|reflects|captures|answers|states|follows|meets|suits)\b|
    \s(?:captures|reflects|fits|matches|satisfies|meets|respects|follows|complies with|is in line with) (?:this|that|the)
    (?: (?:rule|principle|requirement|duty|law|scheme|framework|regulation|description|definition))?
    (?=\W*(?:$|\n))|
    [^\n\w]{0,4}✓)
    """
)
CONCLUDES = pattern(
    r"""
    \b(?:so(?! (?:is|was|are|were)\b)|therefore|thus|hence|means|consequently)\b[^\n\ue000-\ue3ff]{1,80}?
    \b(?:is|was|be|were)<sep><light>(?P<x><X>)
    <gap>$|\b(?:makes|leaves|making|leaving|find|consider) (?P<y><X>) (?:as )?the (?:only|best|most|right|correct|safest)\b|
    \b(?:makes?|making|renders?|rendering|find|consider|judge|call|deem|rate|mark) (?:it|(?:the|this) (?:statement|
    claim|assertion|content|message|text|request))<sep>(?:as |to be )?(?P<w><X>)(?=[^\w\ue000-\ue3ff]|$)|
    \b(?:it|answer|choice)(?:'s| is)<sep><light>(?P<v><L>)<gap>$|
    \bonly <light>(?P<t><L>) (?:protects|respects|satisfies|complies|meets|follows|captures|reflects|gets)\b|
    \bonly <light>(?P<z><X>) (?:fits|works|matches|applies|remains|makes sense|is left)\b
    """
)
THEREFORE = pattern(
    r"""
    ^<gap>(?:therefore|thus|hence|consequently|in conclusion|(?:this|that|which) means that|it follows that)<sep>
    (?:the )?(?P<x><X>) (?!and\b|or\b|with\b)\w
    """
)
FINAL_HINTS = ("fin", "ultim", "the end", "endg", "definitiv", "最终", "最終", "النه", "अंतिम", "оконч")
FINAL = pattern(
    r"""
    \b(?:final|finally|ultimately|in the end|endgültig\w*|finale?|definitiv[ao])\b|最终|最終|النهائ|अंतिम|окончательн
    """
)

# An option at the start of a segment, and what may follow it there, for a label, a text, and an everyday word.
HEAD = pattern(
    r"""
    ^<gap>(?:(?:option|choice|answer|the|most likely|probably|likely|certainly|definitely|clearly|surely)<sep>){0,3}
    (?P<x><X>)
    """
)
_REASON = r"""
    (?:because|since|as|given|due|based|for|obviously|clearly|not|car|parce|weil|da|denn|porque|perché|потому|так как)\b|
    لأن|क्योंकि|因为|なぜなら
    """
LABEL_HEADS = pattern(rf"\s*(?:$|[,:–—(]|->?|{_REASON})")
TEXT_HEADS = pattern(rf"\s*(?:$|[:–—(]|-\s|,?\s*(?:{_REASON}))")
EVERYDAY_HEADS = pattern(
    rf"""
    \s*(?:$|[,:–—(،、]|-\s|{_REASON}|(?:indeed|absolutely|definitely|of course)\b|(?:it|he|she|they|that|this|there)
    \s(?:is|was|did|does|do|are|were|has|have|had|can|could|will|would)\b)
    """
)

# A plain sentence about an option: its subject, its object, or, where the option is "by train", how it ends.
SUBJECT = pattern(
    rf"""
    ^<gap>(?:(?:according to|based on|from|given|as per) [^,\n\ue000-\ue3ff]{{1,60}},<gap>)?(?:(?:i think|i believe|
    i would say|i'd say|it is clear|it is likely|it seems|it appears|we can conclude|this shows) (?:that )?)?(?:the )?
    (?P<x><X>)(?! (?:and|or|with|as well)\b)(?=[\s\W{CJK}])
    """
)
OBJECT = pattern(r"\b(?:is|was|were|are|be|been|by|should|must)<sep>(?:the |my )?(?P<x><X>)<gap>$")
ADVERBIAL = pattern(r"\w (?P<x><X>)(?=<gap>$|,)")
SPEAKS_OF = pattern(r"\b(?:mention|describ|talk|refer|speak|ask|tell|told)\w*\b|\babout\b|^\W*(?:hello|hi|dear)\b")
UNSURE = pattern(
    r"""
    \b(?:sorry|apolog\w+|assum\w+|stereotyp\w+|bias\w*|unfair\w*|prejudic\w+|discriminat\w+|speculat\w+|generali[sz]\w+|
    refus\w+|unclear|unknown|uncertain|not sure|unsure|cannot|not (?:say|state|mention|specify|clear|enough|know\w*|
    possible|comfortable)|no info|depends|maybe|perhaps|possibly|might|could|may|if|whether|either|someone else|
    the other|as an ai)\b|可能|也许
    """
)

# ---------------------------------------------------------------------------------------------------------------------
# Phrases that do not

REJECTED_HINTS = (
    "no", "never", "neither", "rul", "cross", "str", "elimin", "exclu", "discard", "dismiss", "rather than", "instead of", "over",
    "against", "unlike", "statt", "plut", "au lieu", "en lugar", "en vez", "pas", "ni", "weder", "wrong", "mistaken", "implaus",
    "incorrect", "unsupported", "irrelevant", "inaccurate", "too", "fals", "fauss", "errada", "sbagliata", "fail", "✗", "não",
    "не", "ليس", "لا", "不", "非", "排除", "错", "ない", "なく", "ません", "नहीं",
)  # fmt: skip
"""One of these stands in every text that `REJECTED` matches."""
REJECTED = pattern(
    r"""
    (?P<soft>\b(?:rather than|instead of|over|against|unlike|statt|plutôt que|au lieu de|en lugar de|en vez de)\s<light><run>)|
    (?:\b(?:not|cannot|never|neither|nor|(?<!not )(?<!cannot )(?:rul(?:e|es|ed|ing)|cross(?:ed|ing)?|
    strik(?:e|ing)|struck) out|eliminat\w+|exclud\w+|discard\w*|
    dismiss\w*|pas|(?<!jibu )(?<!sahihi )ni|nicht|weder|no(?: es)?|não(?: é)?|non(?: è)?|не)|(?<!\w)(?:و?ليست?|لا))\s
    (?:(?:have been|be|for|it|is|was)\s){0,3}(?:(?:the |an? |la |le |die |der |el )?(?:(?:options?|choices?|answers?|letters?|
    l'option|opción) )?)?<run>|
    (?:不是|并非|不选|不選|不会是|而非|排除)<run>|
    (?P<hit><run>)(?:\s?[,:–—-])?(?:\s(?:is|are|was|were|seems?|looks?|would be|must be|can be|are both|ist|est|es|è|é|to be)
    (?: also| both| clearly| simply| therefore| thus| too| just| definitely| obviously| certainly| probably| all){0,3}
    (?: a| an| the)? (?:wrong|incorrect|mistaken|unlikely|implausible|unsupported|irrelevant|inaccurate|ruled out|
    out of|eliminated|excluded|too \w+|falsch|incorrecte?|incorrect[ao]|fausse|falsa|errada|sbagliata|
    not(?! (?:wrong|incorrect|ruled|false)))\b|
    \s(?:do|does|did|could|would|has|have|had|will) not\b|\s(?:cannot|fails? to|makes? no sense)\b|\sn'est pas\b|\snicht\b|
    (?:也|都|是|选项){0,3}(?:不对|错误|不正确|错了|不符合|不成立|不可能|被?排除)|(?:では|じゃ)(?:なく|ない|ありません)|\sनहीं|[^\n\w]{0,3}✗)
    """
)
DOUBTED = pattern(
    r"""
    (?:\b(?:could|might|may)(?: also| equally| well| just| possibly){0,3} (?:be|have been)|\b(?:maybe|perhaps|possibly|
    alternatively|equally|so (?:does|is|did|was|would|could|might|may)))<sep><light>(?P<d><X>)|
    \bor(?: even)?<sep><light>(?P<e><L>)|\b(?:then again|on the other hand)\b[^\n.\ue000-\ue3ff]{0,60}(?P<h><X>)|
    (?P<f><X>) (?:could|might|may|would)(?: also| equally| well| just){0,3} (?:be|work|fit|apply)\b|
    (?P<g><X>) (?:is|are) (?:also|equally|(?:just )?as)\b
    """
)
# "... , so _", "...: _" at the very end.
LEFT_OVER = pattern(
    r"""
    (?:[:=→—–]|->|[,;.]\s(?:and )?(?:so|hence|thus|therefore|also|daher|folglich|donc|alors|así que|por tanto|logo|
    quindi|dunque|dus|więc|zatem|значит|поэтому|итак|所以|因此|だから|
    よって))<gap>(?:(?:it|option|that) (?:is |leaves )?)?(?P<x><L>)<gap>$
    """
)
# A short last sentence that ends with a label is for that option, in whatever language it is.
LAST_LABEL = pattern(
    r"""
    (?:^|[.!?;\n…])[^\w\ue000-\ue3ff]*(?:\w+[^\w\ue000-\ue3ff]+){0,5}?(?<!than )(?<!over )(?<!to )(?<!in )(?<!of )(?<!with )
    (?<!and )(?<!or )(?<!like )(?<!for )(?<!from )(?<!by )(?<!on )(?P<x><L>)<gap>$
    """
)
AGAIN = pattern(r"\b(?:or|maybe|perhaps|hmm+|rather)\b")
NOT_THAT_HINTS = ("no", "wrong", "incorrect", "mistake")
NOT_THAT = pattern(
    r"""
    (?:[.!]\s|\n)\W{0,4}(?:but |no,? )?(?:that|this|it)(?: answer| choice)? (?:is|was|would be) (?:wrong|incorrect|
    mistaken|a mistake)\b(?! to)|\b(?:cannot|not) (?:have been|be) (?:her|him|it|them|right|correct|the answer)\b|
    \bso not (?:her|him|it|this)\b|
    \b(?:i|we) (?:\w+ly )?(?:cannot|could not) (?:\w+ly )?(?:tell|say|choose|decide|make up my mind)\W*$|
    \bi do not know\b(?! (?:why|how))|\bcannot decide\b|\bno idea\b
    """
)
# A choice taken back for good, and one that may have been; and where a sentence breaks off to do so.
TAKEN_BACK = pattern(
    r"""
    ^<gap>(?:(?:but|oh|hmm+|and|ok|no|well|ah)<sep>){0,3}(?:(?:wait|hold on|scratch that|on second thoughts?|on reflection|
    let me(?! know)|correction|(?:edit|update)(?=\s?:)|revised (?:answer|choice)|i (?:was|am) (?:wrong|mistaken)|my mistake|oops|
    i take (?:it|that) back|i change|changing my|attends|moment|warte|espera|انتظر|रुको)\b|
    (?:no|non|nein|nee|não|нет|nej)\s*[,:]|等等|不对|待って|いや)
    """
)
RETHOUGHT = pattern(
    r"""
    ^<gap>(?:(?:but|oh|and|well|no)<sep>){0,3}(?:actually|sorry|i mean|i meant|or rather|rather|hmm+|en fait|eigentlich|
    en realidad|eh|maaf|perdón|pardon|désolée?|entschuldigung|desculpe?|scusa|извините|özür|xin lỗi|przepraszam|samahani)\b|
    抱歉|すみません|失礼|죄송|아니|ขอโทษ|عذرا|आँ|माफ
    """
)
REVISION_HINTS = (
    "wait", "actually", "scratch", "second thought", "correction", "i mean", "rather", "sorry", "no", "nein", "non",
)  # fmt: skip
REVISION_STARTS = pattern(
    r"""
    \s{0,4}[,–—-]\s{0,4}(?=(?:(?:no|oh|but|hmm)\W{1,4})?(?:wait|actually|scratch that|on second thought|correction|i mean|
    or rather|sorry)\b|(?:no|oh no|nein|non)\W{1,4}(?:(?:it's|it is|make that|rather|option|the answer is)\s)?<X>)
    """
)
SORRY = pattern(r"\b(?:sorry|apolog\w+|as an ai|harmful|offensive|inappropriate|policy|guidelines|comfortable)\b")
DECLINES = pattern(
    r"""
    \bas an ai\b|\b(?:i|we)(?: am|'m| are|'re)? (?:\w+ly )?(?:cannot (?:do (?:that|this|so)|answer|help|assist|say|provide|
    determine|tell|comment|give|decide|discuss|judge)|not (?:able|going to|comfortable|sure)|will not|wo not|see|understand|
    can (?:help|answer|assist|tell|do|certainly|definitely))\b|\b(?:happy|glad|like|love) to help\b|
    \b(?:could|can|would) you (?:please )?(?:give|provide|share|tell|clarify)\b|\bplease (?:give|provide|share|clarify)\b
    """
)
